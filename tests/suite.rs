//! The integration tests: one binary, one module per subject.

// Says to Clippy that all of it is tests, helpers included.
#![cfg(test)]

mod access;
mod acquirers;
mod allocate_command;
mod api_spec;
mod architecture;
mod audited_commands;
mod campaign;
mod card_data;
mod catalogue;
mod catalogue_command;
mod catalogue_file;
mod charging;
mod cli;
mod commission;
mod crash;
mod crash_card_recharges;
mod crash_reversals;
mod crash_stock;
mod crash_topups;
mod demo;
mod docs;
mod doubt;
mod engine;
mod four_eyes;
mod http;
mod limit_raises;
mod limits;
mod load;
mod model;
mod network;
mod pay;
mod postgres_faults;
mod recharge_service;
mod records;
mod recover_command;
mod reversals;
mod runs;
mod scribe;
mod settlement;
mod simulation;
mod simulator;
mod staff;
mod statements;
mod storage;
mod support;
mod topups;
mod transfers;
mod trials;
mod users;
mod verify;
mod webhooks;
