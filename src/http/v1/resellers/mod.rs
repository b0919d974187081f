//! Resellers on the wire.

pub mod balance;
pub mod change;
pub mod create;
pub mod get;
pub mod limits;
pub mod list;
mod shape;
pub mod standing;
pub mod statement;
mod statement_file;
pub mod stock_watch;
pub mod totals;
