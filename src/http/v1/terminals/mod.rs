//! Terminals on the wire.

pub mod block;
pub mod list;
pub mod register;
mod shape;
