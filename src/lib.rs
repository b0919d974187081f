//! Taabia: an electronic recharge distribution ledger for telecom operators.
//!
//! The rooms, from the ground floor up. A room imports only rooms of lower floors; rooms of the
//! same floor never import each other. `tests/architecture.rs` enforces it.
//!
//! | floor | room | what lives there |
//! | --- | --- | --- |
//! | 0 | [`domain`] | nouns and their rules, pure |
//! | 1 | [`ledger`] | pure decisions, one file per business operation |
//! | 2 | [`ports`] | what we ask of the world: store, charging system, acquirer, clock, randomness |
//! | 2 | [`exchange`] | one HTTP exchange with a peer, able to prove that nothing was sent |
//! | 3 | [`engine`], [`storage`], [`charging`] | the posting engine; SQL; charging adapters |
//! | 3 | [`acquiring`] | acquirers: adapters, the choice between them, circuit breakers |
//! | 3 | [`notify`] | signed notices to partners, to addresses of the public Internet alone |
//! | 4 | [`services`] | use cases: orchestrate engine and ports |
//! | 5 | [`http`], [`jobs`], [`reports`] | the ways in, the background work, the auditors' reports |
//! | 6 | [`simulator`] | stand-ins for the outside world, seeded networks, load |
//! | 7 | [`cli`] | configuration, telemetry, wiring |

pub mod domain;
pub mod ledger;

pub mod exchange;
pub mod ports;

pub mod acquiring;
pub mod charging;
pub mod engine;
pub mod notify;
pub mod storage;

pub mod services;

pub mod http;
pub mod jobs;
pub mod reports;

pub mod simulator;

pub mod cli;
