//! Customer care on the wire.

pub mod change;
pub mod list;
pub mod open;
pub mod search;
mod shape;
