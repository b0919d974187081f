//! The calls about card-funded top-ups.

pub mod create;
pub mod get;
pub mod list;
pub mod notification;
pub mod refund;
mod shape;
