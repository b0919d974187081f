//! Fast recharges on the wire.

pub mod commission;
pub mod create;
pub mod get;
pub mod list;
pub mod shape;
pub mod void;

pub use shape::{REPLAYED, Recharge, in_doubt};
