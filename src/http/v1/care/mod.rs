//! Customer care on the wire.

pub mod search;
