//! The integration tests: one binary, one module per subject.
#![expect(clippy::unwrap_used, reason = "a test stops where its premises fail")]

mod access;
mod api_spec;
mod architecture;
mod engine;
mod http;
mod model;
mod support;
