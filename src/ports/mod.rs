//! What we ask of the world. Adapters live on the floor above; outcomes admit ignorance.

pub mod acquirer;
pub mod audit;
pub mod care;
pub mod cases;
pub mod charging;
pub mod clock;
pub mod movements;
pub mod network;
pub mod notifications;
pub mod posting;
pub mod registry;
pub mod settlement;
pub mod stock;
pub mod store;
pub mod topups;
pub mod transfers;
pub mod webhooks;

pub use acquirer::Acquirer;
pub use audit::{AuditReader, AuditedEntry, AuditedMovement, Snapshot, StrayPlace};
pub use care::{CareReads, MaskedQuery, Window};
pub use cases::{CaseQuery, CaseStore};
pub use charging::{
    BalanceOutcome, Charging, ChargingOutcome, LookupOutcome, RefillRequest, ReversalOutcome, ReversalRefusal,
    ReversalRequest,
};
pub use clock::{Clock, Randomness, draw_operation};
pub use movements::{Flows, LogPlace, Movement, MovementPlace, MovementQuery, Movements, WatchedStock};
pub use network::{Member, MemberQuery, MemberScope, NetworkReads, SubtreeTotal};
pub use notifications::{KeptNotification, NotificationLog, NotificationOutcome};
pub use posting::{Ledger, LedgerError};
pub use registry::{Client, Registry, Secret};
pub use settlement::SettlementReads;
pub use stock::{LineOutcome, LineState, ReceiverStock, StockReads};
pub use store::{
    Claim, Loaded, Reads, RecentRecharge, RechargeQuery, RecordQuery, RecordedAction, RecordedEvidence, Sales,
    SalesSince, Scope, Session, SettledWants, ShardKey, StaffActionQuery, Store, StoreError, TallyQuestion, Wants,
    post_in_steps,
};
pub use topups::{OperationSum, TopupReads};
pub use transfers::{Party, PartyQuery, TransferReads};
pub use webhooks::{
    Attempt, AttemptOutcome, Backlog, LoggedEvent, Notice, Notifier, Progress, SendFailure, Sent, WaitingEvent,
    WebhookOutbox,
};
