//! Events for partners: who is told, in which order, how often, and what becomes of failures.

mod job;
mod killed;
mod sender;
