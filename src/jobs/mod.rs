//! Background work. Jobs act through the engine with the status they expect.

pub mod acceptance;
pub mod doubt;
pub mod expiry;
pub mod runs;

pub use acceptance::AcceptanceJob;
pub use doubt::{DoubtConfig, DoubtJob};
pub use expiry::ExpiryJob;
pub use runs::{RunConfig, RunJob};
