//! Resellers on the wire.

pub mod balance;
pub mod statement;
mod statement_file;
pub mod stock_watch;
