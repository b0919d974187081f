//! Customer care: what became of a recharge, whose recharges they are, and the cases of those who complain.

mod cases;
mod events;
mod search;
mod timeline;

use std::sync::Arc;

use super::directory::Directory;
use super::recharges::Recharges;
use super::webhooks::Webhooks;
use crate::ports::{AuditReader, CareReads, CaseStore, Clock, Ledger, Movements, Randomness, Reads, TopupReads};

pub use cases::{CaseAbout, CaseFilter, CaseView, NewCase, recharge_id, reseller_of};
pub use events::{Asked, Event, Happening, Said, ShownEntry, ShownPosting};
pub use search::SubscriberSearch;
pub use timeline::Timeline;

/// The use cases of customer care.
pub struct Care {
    pub recharges: Arc<Recharges>,
    pub webhooks: Arc<Webhooks>,
    pub directory: Arc<Directory>,
    pub reads: Arc<dyn Reads>,
    pub lists: Arc<dyn TopupReads>,
    pub journal: Arc<dyn AuditReader>,
    pub movements: Arc<dyn Movements>,
    pub care: Arc<dyn CareReads>,
    pub cases: Arc<dyn CaseStore>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    /// How soon after a complaint somebody calls back.
    pub call_back_within_ms: i64,
    pub ledger: Arc<dyn Ledger>,
}
