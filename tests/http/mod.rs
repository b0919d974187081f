//! The REST API, asked like a client asks it.

mod access;
mod audit;
mod bad_input;
mod exports;
mod lists;
mod matrix;
mod network;
mod operation;
mod products;
mod recharges;
mod statements;
mod stock_watch;
mod terminals;
mod users;
