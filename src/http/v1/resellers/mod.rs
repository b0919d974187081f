//! Resellers on the wire.

pub mod balance;
