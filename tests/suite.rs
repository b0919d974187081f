//! The integration tests: one binary, one module per subject.

// Says to Clippy that all of it is tests, helpers included.
#![cfg(test)]

mod architecture;
mod engine;
mod load;
mod model;
mod simulation;
mod support;
