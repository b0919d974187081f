//! What customer care is wired to.

use std::sync::Arc;

use crate::engine::Engine;
use crate::services::webhooks::Webhooks;
use crate::services::{Care, Directory, Recharges};
use crate::storage::Storage;

/// The use cases of customer care.
pub(super) fn care(
    storage: &Storage,
    recharges: Arc<Recharges>,
    (ledger, webhooks, directory): (Arc<Engine>, Arc<Webhooks>, Arc<Directory>),
) -> Care {
    Care {
        ledger,
        recharges,
        webhooks,
        directory,
        reads: storage.store.clone(),
        lists: storage.topups.clone(),
        journal: storage.audit.clone(),
        movements: storage.movements.clone(),
        care: storage.care.clone(),
    }
}
