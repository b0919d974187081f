//! Stand-ins for the outside world, seeded networks and load.

pub mod network;
