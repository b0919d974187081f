//! The ways in: engine, use cases and jobs of a node, all in virtual time.

use std::sync::Arc;

use taabia::charging::{ChargingSystems, Dependencies};
use taabia::domain::{Currency, Timestamp};
use taabia::engine::{Engine, EngineConfig};
use taabia::jobs::{DoubtConfig, DoubtJob, ReversalJob, WebhookConfig, WebhookJob};
use taabia::ledger::Rules;
use taabia::ledger::evidence::{EvidenceRules, SystemRules};
use taabia::ports::{Clock, Notifier, Reads};
use taabia::services::recharges::{RechargeConfig, RechargeDeps};
use taabia::services::reversals::{ReversalConfig, ReversalDeps};
use taabia::services::webhooks::Messages;
use taabia::services::{Directory, Recharges, Reversals};
use tokio::sync::watch;
use tokio::time::Instant;

use super::network::{Line, Network};
use crate::support::webhooks::{Plain, job};
use crate::support::world::{Books, World};
use crate::support::{SeededRandomness, script};

const DEADLINE_MS: i64 = 4_000;
/// As long as a request may be on its way inside the charging system.
const HORIZON_MS: i64 = 10_000;
/// As the demonstration promises: a doubt ends within a minute.
const INQUIRED_WITHIN_MS: i64 = 46_000;
/// As long as anything may be open that is not sent any more: a reversal that never arrives is tried for a minute.
pub const OPEN_FOR_MS: i64 = 60_000 + DEADLINE_MS + HORIZON_MS + INQUIRED_WITHIN_MS;
const LOOKUP_TIMEOUT_MS: u64 = 3_000;
const MIN_BACKOFF_MS: u64 = 1_000;
const MAX_BACKOFF_MS: u64 = 15_000;

/// Virtual time, which passes as the runtime's does.
pub struct VirtualClock(Instant);

impl VirtualClock {
    /// A midnight after all that a world has recorded.
    pub const BEGINS: &str = "2026-11-23T00:00:00Z";

    pub fn new() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.0.elapsed().as_millis()).unwrap();
        Timestamp::parse(Self::BEGINS).unwrap().plus_ms(passed)
    }
}

/// What ends a doubt, and by when.
pub fn evidence() -> EvidenceRules {
    let standard = SystemRules {
        miss_counts_after_ms: Some(HORIZON_MS),
        inquired_within_ms: INQUIRED_WITHIN_MS,
        ..SystemRules::default()
    };
    EvidenceRules { standard, ..EvidenceRules::default() }
}

/// What nodes share.
pub struct Surroundings<'a> {
    pub world: &'a World,
    /// The books as nodes see them: with faults.
    pub books: Books,
    pub clock: Arc<VirtualClock>,
    pub network: Arc<Network>,
    pub notifier: Arc<dyn Notifier>,
    pub seed: u64,
}

pub struct Node {
    pub engine: Arc<Engine>,
    pub recharges: Recharges,
    pub reversals: Arc<Reversals>,
    pub stop: watch::Sender<bool>,
}

impl Node {
    pub fn start(around: &Surroundings<'_>, number: u64) -> Self {
        let Surroundings { books, clock, .. } = around;
        let rules =
            Rules { charging_deadline_ms: DEADLINE_MS, evidence: evidence(), similar_guard_ms: 0, ..script::rules() };
        let config = EngineConfig { queue_deadline_ms: 500, ..EngineConfig::default() };
        let engine = Engine::start(books.store.clone(), clock.clone(), Arc::new(rules), &config);
        let dependencies = Dependencies { clock: clock.clone() };
        let charging = Arc::new(ChargingSystems::of(Arc::new(Line(around.network.clone())), &dependencies));
        let directory = Arc::new(Directory::new(books.registry.clone(), books.store.shards()));
        let randomness = |of: u64| Arc::new(SeededRandomness::new(around.seed ^ (number << 40) ^ (of << 48)));
        let deps = RechargeDeps {
            ledger: engine.clone(),
            reads: books.store.clone(),
            charging: charging.clone(),
            directory: directory.clone(),
            clock: clock.clone(),
            randomness: randomness(0),
        };
        let config = RechargeConfig {
            answer_within_ms: 5_000,
            evidence: evidence(),
            max_outstanding: 20_000,
            currency: Currency::MAD,
        };
        let recharges = Recharges::new(deps, config);
        let deps = ReversalDeps {
            ledger: engine.clone(),
            reads: books.store.clone(),
            lists: books.topups.clone(),
            charging: charging.clone(),
            directory: directory.clone(),
            clock: clock.clone(),
            randomness: randomness(1),
        };
        let config = ReversalConfig {
            currency: Currency::MAD,
            answer_within_ms: 5_000,
            evidence: evidence(),
            lookup_timeout_ms: LOOKUP_TIMEOUT_MS,
        };
        let reversals = Arc::new(Reversals::new(deps, config));
        let (stop, stopped) = watch::channel(false);
        let node = Self { engine, recharges, reversals, stop };
        tokio::spawn(node.doubts(around, charging).run(stopped.clone()));
        tokio::spawn(node.reversals_left(around).run(stopped.clone()));
        tokio::spawn(node.webhooks(around, directory, number).run(stopped));
        node
    }

    fn doubts(&self, around: &Surroundings<'_>, charging: Arc<ChargingSystems>) -> DoubtJob {
        let config = DoubtConfig {
            evidence: evidence(),
            lookup_timeout_ms: LOOKUP_TIMEOUT_MS,
            min_backoff_ms: MIN_BACKOFF_MS,
            max_backoff_ms: MAX_BACKOFF_MS,
            ..DoubtConfig::default()
        };
        let reads: Arc<dyn Reads> = around.books.store.clone();
        DoubtJob { ledger: self.engine.clone(), reads, charging, clock: around.clock.clone(), config }
    }

    fn reversals_left(&self, around: &Surroundings<'_>) -> ReversalJob {
        ReversalJob {
            reads: around.books.topups.clone(),
            reversals: self.reversals.clone(),
            poll_interval_ms: 1_000,
            min_backoff_ms: MIN_BACKOFF_MS,
            max_backoff_ms: MAX_BACKOFF_MS,
            concurrency: 32,
        }
    }

    fn webhooks(&self, around: &Surroundings<'_>, directory: Arc<Directory>, number: u64) -> WebhookJob {
        let representations = Arc::new(Plain);
        let reads: Arc<dyn Reads> = around.books.store.clone();
        let registry = around.books.registry.clone();
        WebhookJob {
            ledger: self.engine.clone(),
            reads: reads.clone(),
            outbox: around.books.webhooks.clone(),
            messages: Messages { reads, registry, directory, representations: representations.clone() },
            clock: around.clock.clone(),
            randomness: Arc::new(SeededRandomness::new(around.seed ^ (number << 56))),
            // Nobody reads the delivery log.
            config: WebhookConfig { poll_interval_ms: 5_000, log_days: 0 },
            ..job(around.world, around.notifier.clone(), representations, u128::from(number))
        }
    }
}
