//! Tests against the built library, one binary.

mod storage;
mod support;
