//! Background work. Jobs act through the engine with the status they expect.

pub mod doubt;

pub use doubt::{DoubtConfig, DoubtJob};
