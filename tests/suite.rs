//! The integration tests: one binary, one module per subject.

// Says to Clippy that all of it is tests, helpers included.
#![cfg(test)]

mod access;
mod acquirers;
mod api_spec;
mod architecture;
mod charging;
mod cli;
mod crash;
mod docs;
mod engine;
mod http;
mod load;
mod model;
mod network;
mod postgres_faults;
mod recharge_service;
mod records;
mod scribe;
mod simulation;
mod simulator;
mod staff;
mod storage;
mod support;
mod users;
mod verify;
