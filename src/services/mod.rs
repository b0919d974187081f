//! Use cases, one per file: they orchestrate the ledger and the ports.

pub mod access;
pub mod caller;
pub mod directory;
pub mod limits;
pub mod recharges;
pub mod stock;
pub mod transfers;

pub use caller::{Caller, Scope, ServiceError};
pub use directory::Directory;
pub use limits::{LimitView, Limits};
pub use recharges::{RechargeFilter, RechargeOrder, Recharges};
pub use stock::{Balance, Stock};
pub use transfers::{TransferFilter, TransferOrder, Transfers};
