//! Allocations to many resellers at once.

mod csv;
mod request;

pub mod create;
pub mod get;
pub mod lines;
pub mod shape;
