//! Reversals of recharges on the wire.

pub mod create;
pub mod get;
pub mod list;
mod shape;
