//! The REST API, asked like a client asks it.

mod access;
mod bad_input;
mod exports;
mod lists;
mod matrix;
mod operation;
mod recharges;
mod statements;
mod stock_watch;
