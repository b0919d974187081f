//! The REST API, asked like a client asks it.

mod access;
mod audit;
mod bad_input;
mod lists;
mod matrix;
mod operation;
mod products;
mod recharges;
