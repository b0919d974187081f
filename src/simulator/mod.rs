//! Stand-ins for the outside world.

pub mod charging;
