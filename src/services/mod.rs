//! Use cases, one per file: they orchestrate the ledger and the ports.

pub mod access;
mod audit;
pub mod business_days;
pub mod caller;
pub mod catalogue;
pub mod commission;
pub mod directory;
pub mod export;
pub mod import;
pub mod network;
pub mod recharges;
pub mod statements;
pub mod stock;
pub mod stock_watch;
pub mod terminals;
mod users;

pub use audit::{Audit, AuditFilter, AuditPage};
pub use caller::{Caller, Scope, ServiceError};
pub use catalogue::Catalogues;
pub use commission::Commissions;
pub use directory::Directory;
pub use network::Network;
pub use recharges::{RechargeFilter, RechargeOrder, Recharges};
pub use statements::Statements;
pub use stock::{Balance, Stock};
pub use terminals::Terminals;
pub use users::{UserPage, UserPlace, Users, Verification};
