//! Background work. Jobs act through the engine with the status they expect.

pub mod doubt;
pub mod expiry;
pub mod runs;

pub use doubt::{DoubtConfig, DoubtJob};
pub use expiry::ExpiryJob;
pub use runs::{RunConfig, RunJob};
