//! Use cases, one per file: they orchestrate the ledger and the ports.

pub mod access;
mod audit;
pub mod caller;
pub mod directory;
pub mod recharges;
pub mod stock;
mod users;

pub use audit::{Audit, AuditFilter, AuditPage};
pub use caller::{Caller, Scope, ServiceError};
pub use directory::Directory;
pub use recharges::{RechargeFilter, RechargeOrder, Recharges};
pub use stock::{Balance, Stock};
pub use users::{UserPage, UserPlace, Users, Verification};
