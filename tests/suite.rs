//! The integration tests: one binary, one module per subject.

mod model;
mod support;
