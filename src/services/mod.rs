//! Use cases, one per file: they orchestrate the ledger and the ports.

pub mod access;
pub mod allocations;
pub mod caller;
pub mod directory;
pub mod four_eyes;
pub mod recharges;
pub mod stock;

pub use allocations::Allocations;
pub use caller::{Caller, Scope, ServiceError};
pub use directory::Directory;
pub use four_eyes::{FourEyes, ProposalOrder};
pub use recharges::{RechargeFilter, RechargeOrder, Recharges};
pub use stock::{Balance, Stock};
