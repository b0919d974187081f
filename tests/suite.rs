//! The integration tests, one binary.

mod scribe;
mod verify;
