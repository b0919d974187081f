//! The REST API, asked like a client asks it.

mod access;
mod audit;
mod bad_input;
mod four_eyes;
mod limits;
mod lists;
mod matrix;
mod network;
mod operation;
mod recharges;
mod runs;
mod terminals;
mod transfers;
mod users;
