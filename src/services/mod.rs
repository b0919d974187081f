//! Use cases, one per file: they orchestrate the ledger and the ports.

pub mod access;
pub mod business_days;
pub mod caller;
pub mod directory;
pub mod export;
pub mod recharges;
pub mod statements;
pub mod stock;
pub mod stock_watch;

pub use caller::{Caller, Scope, ServiceError};
pub use directory::Directory;
pub use recharges::{RechargeFilter, RechargeOrder, Recharges};
pub use statements::Statements;
pub use stock::{Balance, Stock};
