//! The background work of a node.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::clock::{SystemClock, SystemRandomness};
use super::config::{Config, evidence_rules};
use super::node::business_days;
use crate::charging::ChargingSystems;
use crate::engine::Engine;
use crate::jobs::{
    AcceptanceJob, BusinessDayJob, DoubtConfig, DoubtJob, ExpiryJob, PayoutConfig, PayoutJob, RecoveryJob, RunConfig,
    RunJob, StatementConfig, StatementJob, StockWatchJob,
};
use crate::ports::Clock;
use crate::services::Allocations;
use crate::storage::Storage;

/// Payouts of commission under way at once.
const PAYOUTS_AT_ONCE: usize = 64;

pub(super) fn stock_jobs(
    config: &Config,
    storage: &Storage,
    engine: &Arc<Engine>,
    allocations: &Allocations,
    stopped: &watch::Receiver<bool>,
) -> Vec<JoinHandle<()>> {
    let expiry = ExpiryJob {
        ledger: engine.clone(),
        reads: storage.stock.clone(),
        clock: Arc::new(SystemClock),
        poll_interval_ms: config.four_eyes.poll_interval_ms,
    };
    let runs = RunJob {
        ledger: engine.clone(),
        reads: storage.store.clone(),
        stock: storage.stock.clone(),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        own: allocations.own.clone(),
        shards: storage.store.shards(),
        config: RunConfig {
            poll_interval_ms: config.allocation.poll_interval_ms,
            take_over_after_ms: config.allocation.take_over_after_ms,
            in_flight: config.allocation.in_flight,
        },
    };
    vec![tokio::spawn(expiry.run(stopped.clone())), tokio::spawn(runs.run(stopped.clone()))]
}

pub(super) fn start_jobs(
    config: &Config,
    storage: &Storage,
    engine: &Arc<Engine>,
    charging: Arc<ChargingSystems>,
    stopped: &watch::Receiver<bool>,
) -> Vec<JoinHandle<()>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let doubt = DoubtJob {
        ledger: engine.clone(),
        reads: storage.store.clone(),
        charging,
        clock: clock.clone(),
        config: doubt_config(config),
    };
    let written = StatementJob {
        movements: storage.movements.clone(),
        shards: storage.store.shards(),
        config: StatementConfig { write_interval_ms: config.statements.write_interval_ms, ..Default::default() },
    };
    let days = BusinessDayJob { days: business_days(config, storage, engine.clone()) };
    let watches = StockWatchJob {
        ledger: engine.clone(),
        reads: storage.store.clone(),
        movements: storage.movements.clone(),
        registry: storage.registry.clone(),
        clock: clock.clone(),
        randomness: Arc::new(SystemRandomness),
        calendar: config.calendar(),
        shards: storage.store.shards(),
        interval_ms: config.stock_watch.interval_ms,
    };
    let payout = PayoutJob {
        ledger: engine.clone(),
        reads: storage.store.clone(),
        clock: clock.clone(),
        randomness: Arc::new(SystemRandomness),
        config: PayoutConfig {
            every_s: config.commission.payout_every_s,
            shards: storage.store.shards(),
            concurrency: PAYOUTS_AT_ONCE,
        },
    };
    let acceptance = AcceptanceJob {
        ledger: engine.clone(),
        reads: storage.store.clone(),
        clock: clock.clone(),
        poll_interval_ms: config.transfer.poll_interval_ms,
    };
    let recovery = RecoveryJob { reads: storage.store.clone(), gate: engine.gate().clone() };
    vec![
        tokio::spawn(recovery.run(stopped.clone())),
        tokio::spawn(doubt.run(stopped.clone())),
        tokio::spawn(acceptance.run(stopped.clone())),
        tokio::spawn(payout.run(stopped.clone())),
        tokio::spawn(written.run(stopped.clone())),
        tokio::spawn(days.run(stopped.clone())),
        tokio::spawn(watches.run(stopped.clone())),
    ]
}

fn doubt_config(config: &Config) -> DoubtConfig {
    DoubtConfig {
        poll_interval_ms: config.doubt.poll_interval_ms,
        evidence: evidence_rules(config),
        lookup_timeout_ms: config.charging.lookup_timeout_ms,
        min_backoff_ms: config.doubt.backoff_initial_ms,
        max_backoff_ms: config.doubt.backoff_max_ms,
        concurrency: config.doubt.concurrency,
    }
}
