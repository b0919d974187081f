//! What customer care is wired to.

use std::sync::Arc;

use super::clock::{SystemClock, SystemRandomness};
use super::config::Config;
use super::node::millis;
use crate::engine::Engine;
use crate::jobs::CaseJob;
use crate::services::webhooks::Webhooks;
use crate::services::{Care, Directory, Recharges};
use crate::storage::Storage;

/// The use cases of customer care.
pub(super) fn care(
    config: &Config,
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
        cases: storage.cases.clone(),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        call_back_within_ms: millis(config.care.call_back_within_s.saturating_mul(1_000)),
    }
}

pub(super) fn case_job(storage: &Storage) -> CaseJob {
    CaseJob { cases: storage.cases.clone(), clock: Arc::new(SystemClock) }
}
