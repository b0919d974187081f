//! Use cases, one per file: they orchestrate the ledger and the ports.

pub mod access;
pub mod allocations;
mod audit;
pub mod business_days;
pub mod caller;
pub mod catalogue;
pub mod commission;
pub mod directory;
pub mod export;
pub mod four_eyes;
pub mod import;
pub mod limits;
pub mod network;
pub mod recharges;
pub mod statements;
pub mod stock;
pub mod stock_watch;
pub mod terminals;
pub mod transfers;
mod users;

pub use allocations::Allocations;
pub use audit::{Audit, AuditFilter, AuditPage};
pub use caller::{Caller, Scope, ServiceError};
pub use catalogue::Catalogues;
pub use commission::Commissions;
pub use directory::Directory;
pub use four_eyes::{FourEyes, ProposalOrder};
pub use limits::{LimitView, Limits};
pub use network::Network;
pub use recharges::{RechargeFilter, RechargeOrder, Recharges};
pub use statements::Statements;
pub use stock::{Balance, Stock};
pub use terminals::Terminals;
pub use transfers::{TransferFilter, TransferOrder, Transfers};
pub use users::{PinRefusal, UserPage, UserPlace, Users, Verification};
