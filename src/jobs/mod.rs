//! Background work. Jobs act through the engine with the status they expect.

pub mod acceptance;
pub mod business_days;
pub mod cases;
pub mod doubt;
pub mod expiry;
mod pace;
pub mod payout;
pub mod recovery;
pub mod reversals;
pub mod runs;
pub mod statements;
pub mod stock_watch;
pub mod topups;
pub mod webhooks;

pub use acceptance::AcceptanceJob;
pub use business_days::BusinessDayJob;
pub use cases::CaseJob;
pub use doubt::{DoubtConfig, DoubtJob};
pub use expiry::ExpiryJob;
pub use payout::{PayoutConfig, PayoutJob};
pub use recovery::RecoveryJob;
pub use reversals::ReversalJob;
pub use runs::{RunConfig, RunJob};
pub use statements::{StatementConfig, StatementJob};
pub use stock_watch::StockWatchJob;
pub use topups::TopupJob;
pub use webhooks::{WebhookConfig, WebhookJob};
