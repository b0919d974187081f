//! Customer care: what became of one recharge, told from its beginning.

mod events;
mod search;
mod timeline;

use std::sync::Arc;

use super::directory::Directory;
use super::recharges::Recharges;
use super::webhooks::Webhooks;
use crate::ports::{AuditReader, CareReads, Ledger, Movements, Reads, TopupReads};

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
    pub ledger: Arc<dyn Ledger>,
}
