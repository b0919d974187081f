//! Stand-ins for the outside world with injectable faults, seeded networks, and load.

pub mod acquirer;
pub mod charging;
mod connections;
pub mod faulty;
mod faulty_ports;
pub mod load;
pub mod memory;
pub mod network;
pub mod network_file;
mod record;
pub mod traffic;

pub use faulty::{Fault, FaultRates, FaultyStore, Point};
pub use faulty_ports::Faulty;
pub use memory::MemoryStore;
