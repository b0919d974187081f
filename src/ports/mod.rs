//! What we ask of the world. Adapters live on the floor above; outcomes admit ignorance.

pub mod acquirer;
pub mod audit;
pub mod charging;
pub mod clock;
pub mod network;
pub mod posting;
pub mod registry;
pub mod store;

pub use acquirer::Acquirer;
pub use audit::{AuditReader, AuditedEntry, Snapshot, StrayPlace};
pub use charging::{Charging, ChargingOutcome, LookupOutcome, RefillRequest};
pub use clock::{Clock, Randomness};
pub use network::{Member, MemberQuery, MemberScope, NetworkReads, SubtreeTotal};
pub use posting::{Ledger, LedgerError};
pub use registry::{Client, Registry, Secret};
pub use store::{
    Claim, Loaded, Reads, RecentRecharge, RechargeQuery, RecordQuery, RecordedAction, Sales, SalesSince, Scope,
    Session, ShardKey, StaffActionQuery, Store, StoreError, Wants, post_in_steps,
};
