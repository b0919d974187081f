//! Background work. Jobs act through the engine with the status they expect.

pub mod acceptance;
pub mod doubt;

pub use acceptance::AcceptanceJob;
pub use doubt::{DoubtConfig, DoubtJob};
