//! Use cases, one per file: they orchestrate the ledger and the ports.

pub mod access;
mod audit;
pub mod caller;
pub mod catalogue;
pub mod commission;
pub mod directory;
pub mod recharges;
pub mod stock;

pub use audit::{Audit, AuditFilter, AuditPage};
pub use caller::{Caller, Scope, ServiceError};
pub use catalogue::Catalogues;
pub use commission::Commissions;
pub use directory::Directory;
pub use recharges::{RechargeFilter, RechargeOrder, Recharges};
pub use stock::{Balance, Stock};
