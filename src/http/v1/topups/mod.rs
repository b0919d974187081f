//! The calls about card-funded top-ups.

pub mod create;
pub mod get;
pub mod list;
pub mod notification;
pub mod notifications;
pub mod refund;
pub mod refunds;
mod shape;

pub use refund::Refund;
pub use shape::Topup;
