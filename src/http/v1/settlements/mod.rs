//! The calls about acquirers' settlement files.

pub mod create;
pub mod get;
pub mod items;
pub mod owner;
pub mod record;
mod shape;
