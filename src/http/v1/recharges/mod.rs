//! Fast recharges on the wire.

pub mod certificate;
pub mod commission;
pub mod create;
pub mod evidence;
pub mod get;
pub mod list;
pub mod shape;
pub mod statement;
pub mod timeline;
pub mod void;

pub use shape::{REPLAYED, Recharge, in_doubt};
