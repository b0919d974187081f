//! Background work. Jobs act through the engine with the status they expect.

pub mod doubt;
pub mod payout;

pub use doubt::{DoubtConfig, DoubtJob};
pub use payout::{PayoutConfig, PayoutJob};
