//! The integration tests, one binary.

mod scribe;
mod simulator;
mod verify;
