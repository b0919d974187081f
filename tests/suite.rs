//! The integration tests: one binary, one module per subject.
#![expect(clippy::unwrap_used, reason = "a test stops where its premises fail")]

mod architecture;
mod charging;
mod engine;
mod model;
mod simulation;
mod support;
