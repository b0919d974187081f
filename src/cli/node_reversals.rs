//! What reversals of recharges are wired to.

use std::sync::Arc;

use super::clock::{SystemClock, SystemRandomness};
use super::config::{Config, evidence_rules};
use crate::charging::ChargingSystems;
use crate::engine::Engine;
use crate::jobs::ReversalJob;
use crate::services::reversals::{ReversalConfig, ReversalDeps};
use crate::services::{Directory, Reversals};
use crate::storage::Storage;

pub(super) fn reversals(
    config: &Config,
    storage: &Storage,
    (ledger, charging, directory): (Arc<Engine>, Arc<ChargingSystems>, Arc<Directory>),
) -> Reversals {
    let deps = ReversalDeps {
        ledger,
        reads: storage.store.clone(),
        lists: storage.topups.clone(),
        charging,
        directory,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    };
    let times = ReversalConfig {
        currency: config.currency,
        answer_within_ms: config.recharge.answer_within_ms,
        evidence: evidence_rules(config),
        lookup_timeout_ms: config.charging.lookup_timeout_ms,
    };
    Reversals::new(deps, times)
}

/// It looks as often as the doubt job does.
pub(super) fn reversal_job(config: &Config, storage: &Storage, reversals: Arc<Reversals>) -> ReversalJob {
    ReversalJob {
        reads: storage.topups.clone(),
        reversals,
        poll_interval_ms: config.doubt.poll_interval_ms,
        min_backoff_ms: config.doubt.backoff_initial_ms,
        max_backoff_ms: config.doubt.backoff_max_ms,
        concurrency: config.doubt.concurrency,
    }
}
