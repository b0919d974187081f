//! Background work. Jobs act through the engine with the status they expect.

pub mod doubt;
pub mod statements;

pub use doubt::{DoubtConfig, DoubtJob};
pub use statements::{StatementConfig, StatementJob};
