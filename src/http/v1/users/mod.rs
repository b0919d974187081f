//! Users of outlets and their PINs.

pub mod create;
pub mod device;
pub mod list;
pub mod pin;
pub mod reset;
mod shape;
