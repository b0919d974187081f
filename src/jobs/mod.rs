//! Background work. Jobs act through the engine with the status they expect.

pub mod business_days;
pub mod doubt;
pub mod payout;
pub mod statements;
pub mod stock_watch;

pub use business_days::BusinessDayJob;
pub use doubt::{DoubtConfig, DoubtJob};
pub use payout::{PayoutConfig, PayoutJob};
pub use statements::{StatementConfig, StatementJob};
pub use stock_watch::StockWatchJob;
