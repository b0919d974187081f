//! The calls about transfers and returns of stock.

pub mod create;
pub mod get;
pub mod list;
pub mod settle;
mod shape;

pub use shape::Transfer;
