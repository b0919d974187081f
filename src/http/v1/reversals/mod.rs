//! Reversals of recharges on the wire.

pub mod create;
pub mod get;
pub mod list;
mod shape;

pub(in crate::http) use shape::ReversalJson;
