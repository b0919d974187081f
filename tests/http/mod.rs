//! The REST API, asked like a client asks it.

mod access;
mod audit;
mod bad_input;
mod charging_events;
mod disputes;
mod doubts;
mod exports;
mod four_eyes;
mod limits;
mod lists;
mod matrix;
mod network;
mod notifications;
mod operation;
mod products;
mod recharges;
mod reversals;
mod runs;
mod settlements;
mod statements;
mod stock_watch;
mod terminals;
mod transfers;
mod trials;
mod users;
mod webhooks;
