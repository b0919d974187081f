//! The conformance of a store: every scenario runs on SQLite and on PostgreSQL.

mod audit;
mod books;
mod failures;
mod install;
mod journal;
mod lists;
mod plans;
mod posting;
mod records;
mod registry;
mod samples;
