//! What top-ups by card are wired to.

use std::error::Error;
use std::sync::Arc;

use super::clock::{SystemClock, SystemRandomness};
use super::config::{Config, acquirer_setups};
use super::node::millis;
use crate::acquiring::{Acquirers, Dependencies};
use crate::engine::Engine;
use crate::jobs::TopupJob;
use crate::ports::Reads;
use crate::services::cashier::{Cashier, CashierConfig};
use crate::services::topups::{TopupConfig, TopupDeps, Topups};
use crate::services::{Directory, Recharges};
use crate::storage::Storage;

/// Top-ups that the job looks at at the same time.
const LOOKS_AT_ONCE: usize = 32;

/// The configured acquirers. Nothing is sent yet.
///
/// # Errors
/// The setting that cannot work, and why.
pub(super) fn acquirers(config: &Config) -> Result<Acquirers, Box<dyn Error>> {
    let setups = acquirer_setups(&config.acquirers, config.currency)
        .map_err(|(setting, problem)| format!("{setting}: {problem}"))?;
    let dependencies = Dependencies { clock: Arc::new(SystemClock), randomness: Arc::new(SystemRandomness) };
    Acquirers::connect(setups, &dependencies).map_err(|(name, error)| format!("acquirers.{name}.{error}").into())
}

pub(super) fn cashier(
    config: &Config,
    (ledger, reads, recharges): (Arc<Engine>, Arc<dyn Reads>, Arc<Recharges>),
    acquirers: Arc<Acquirers>,
    url: &str,
) -> Cashier {
    let public = config.topup.public_url.as_str();
    Cashier {
        ledger,
        reads,
        acquirers,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        recharges,
        config: CashierConfig {
            currency: config.currency,
            acquirer_deadline_ms: millis(config.topup.acquirer_deadline_ms),
            lookup_horizon_ms: millis(config.topup.lookup_horizon_ms),
            public_url: if public.is_empty() { url } else { public.trim_end_matches('/') }.into(),
        },
    }
}

pub(super) fn topups(
    storage: &Storage,
    ledger: Arc<Engine>,
    directory: Arc<Directory>,
    (acquirers, cashier): (Arc<Acquirers>, Arc<Cashier>),
    config: &Config,
) -> Topups {
    let deps = TopupDeps {
        ledger,
        reads: storage.store.clone(),
        lists: storage.topups.clone(),
        notifications: storage.notifications.clone(),
        directory,
        registry: storage.registry.clone(),
        acquirers,
        cashier,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
    };
    let house = Some(&config.topup.house_reseller).filter(|code| !code.is_empty());
    let times = TopupConfig {
        answer_within_ms: config.topup.answer_within_ms,
        house: house.and_then(|code| code.parse().ok()),
    };
    Topups::new(deps, times)
}

pub(super) fn topup_job(config: &Config, storage: &Storage, cashier: Arc<Cashier>) -> TopupJob {
    TopupJob {
        reads: storage.topups.clone(),
        cashier,
        poll_interval_ms: config.topup.poll_interval_ms,
        concurrency: LOOKS_AT_ONCE,
    }
}
