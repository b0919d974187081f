//! Stand-ins for the outside world, with faults that can be injected.

pub mod faulty;
pub mod memory;

pub use faulty::{Fault, FaultRates, FaultyStore, Point};
pub use memory::MemoryStore;
