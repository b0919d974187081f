//! Stand-ins for the outside world, and load.

pub mod load;
