//! Configuration, telemetry and wiring: the only place that chooses adapters, reads the environment, and
//! knows the real clock and the real randomness.

pub mod args;
pub mod clock;
pub mod config;
pub mod telemetry;
