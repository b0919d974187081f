//! A node of services over some store, and a charging system that waits to be told what to say.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use taabia::charging::{ChargingSystems, Dependencies};
use taabia::domain::{Channel, ClientId, Currency, NumberingPlan, Operation, OperationId, Status, Timestamp};
use taabia::engine::{Engine, EngineConfig};
use taabia::jobs::{DoubtConfig, DoubtJob};
use taabia::ledger::Rules;
use taabia::ledger::evidence::{EvidenceRules, SystemRules};
use taabia::ports::{Charging, ChargingOutcome, Clock, LookupOutcome, Reads, RefillRequest};
use taabia::services::recharges::{Answer, RechargeConfig, RechargeDeps};
use taabia::services::{Caller, Directory, RechargeOrder, Recharges, Scope, ServiceError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::program::until;
use crate::support::world::{Books, World, external_id};
use crate::support::{ManualClock, SeededRandomness, script};

/// Until the service gives up waiting for the charging system.
pub const DEADLINE_MS: i64 = 400;

/// How long a request waits, and for how long the charging system is waited for.
#[derive(Clone, Copy)]
pub struct Timing {
    pub answer_within_ms: u64,
    pub deadline_ms: i64,
}

/// A request waits for the outcome or for the beginning of doubt.
pub const PATIENT: Timing = Timing { answer_within_ms: 60_000, deadline_ms: DEADLINE_MS };
/// A request does not wait for the outcome, and doubt does not begin.
pub const HASTY: Timing = Timing { answer_within_ms: 300, deadline_ms: 60_000 };

pub const HORIZON_MS: i64 = 10_000;
pub const STOCK: i64 = 100_000_000;

/// A charging system that answers nothing until it is told what.
#[derive(Default)]
pub struct Scripted {
    answer: watch::Sender<Option<ChargingOutcome>>,
    found: Mutex<Option<LookupOutcome>>,
    refills: Mutex<HashMap<i64, usize>>,
    lookups: AtomicUsize,
}

impl Scripted {
    pub fn silent() -> Arc<Self> {
        Arc::default()
    }

    pub fn answering(outcome: ChargingOutcome) -> Arc<Self> {
        let scripted = Self::silent();
        scripted.answers(outcome);
        scripted
    }

    /// All refills under way and to come are answered so.
    pub fn answers(&self, outcome: ChargingOutcome) {
        self.answer.send_replace(Some(outcome));
    }

    /// What inquiries find from now on.
    pub fn finds(&self, outcome: LookupOutcome) {
        *self.found.lock().unwrap() = Some(outcome);
    }

    /// How many refills were asked for, and under how many references.
    pub fn refills(&self) -> (usize, usize) {
        let refills = self.refills.lock().unwrap();
        (refills.values().sum(), refills.len())
    }

    /// The references of all refills, sorted.
    pub fn references(&self) -> Vec<i64> {
        let mut references: Vec<_> = self.refills.lock().unwrap().keys().copied().collect();
        references.sort_unstable();
        references
    }

    pub fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }

    /// Waits for as many more inquiries.
    pub async fn more_lookups(&self, more: usize) {
        let goal = self.lookups() + more;
        until("inquiries", async || (self.lookups() >= goal).then_some(())).await;
    }
}

#[async_trait]
impl Charging for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn refill(&self, request: &RefillRequest) -> ChargingOutcome {
        *self.refills.lock().unwrap().entry(request.reference).or_default() += 1;
        let mut answer = self.answer.subscribe();
        let answer = answer.wait_for(Option::is_some).await.expect("the sender lives in self").clone();
        answer.expect("it was waited for")
    }

    async fn lookup(&self, _: i64) -> LookupOutcome {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        self.found.lock().unwrap().clone().expect("the test expects inquiries")
    }
}

/// A clock that knows how often it was asked, which the doubt job does once per sweep at least.
struct Counted(Arc<ManualClock>, AtomicUsize);

impl Clock for Counted {
    fn now(&self) -> Timestamp {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.now()
    }
}

/// One outlet with stock, and what is needed to sell from it.
pub struct Shop {
    pub world: World,
    pub caller: Caller,
}

/// Engine and use cases of one node.
#[derive(Clone)]
pub struct Node {
    pub engine: Arc<Engine>,
    pub recharges: Arc<Recharges>,
}

impl Shop {
    pub async fn new(books: Books) -> Self {
        let world = World::new(books).await;
        world.reseller("R1", STOCK).await;
        let caller = Caller {
            client: ClientId::from_uuid(uuid::Uuid::from_u128(9)),
            partner: world.partner,
            name: "test".into(),
            scopes: [Scope::RechargesWrite, Scope::RechargesRead].into(),
            roots: [world.id("R1")].into(),
            rate_limit_per_s: None,
            address: None,
            request: None,
        };
        Self { world, caller }
    }

    /// A node on the shop's own books.
    pub fn node(&self, charging: &Arc<Scripted>) -> Node {
        node(&self.world.books, &self.world.clock, charging, PATIENT)
    }

    /// A node that answers before the charging system does.
    pub fn hasty_node(&self, charging: &Arc<Scripted>) -> Node {
        node(&self.world.books, &self.world.clock, charging, HASTY)
    }

    pub fn order(&self, key: &str) -> RechargeOrder {
        RechargeOrder {
            external_id: external_id(key),
            reseller: self.world.id("R1"),
            msisdn: NumberingPlan::morocco().parse("+212612345678").unwrap(),
            amount_minor: 1_000,
            product: "airtime".into(),
            channel: Channel::Atm,
            terminal: None,
            allow_repeat: true,
        }
    }

    pub async fn sell(&self, node: &Node, key: &str) -> Result<Answer, ServiceError> {
        node.recharges.create(&self.caller, self.order(key)).await
    }

    pub async fn stored(&self, id: OperationId) -> Operation {
        self.world.books.store.operation(id).await.unwrap().expect("it was stored")
    }

    pub async fn becomes(&self, id: OperationId, status: Status) -> Operation {
        until(status.name(), async || Some(self.stored(id).await).filter(|found| found.status == status)).await
    }

    /// What was sold, and what is held.
    pub async fn sold_and_held(&self) -> (i64, i64) {
        let stock = self.world.stock("R1").await;
        (STOCK - stock.posted, stock.held)
    }

    /// Starts the doubt job of another node.
    pub fn doubt(&self, node: &Node, charging: &Arc<Scripted>, min_backoff_ms: u64) -> Doubt {
        self.doubt_at(node, alone(charging, &self.world.clock), min_backoff_ms)
    }

    /// As [`Self::doubt`], with several charging systems.
    pub fn doubt_at(&self, node: &Node, charging: Arc<ChargingSystems>, min_backoff_ms: u64) -> Doubt {
        let clock = Arc::new(Counted(self.world.clock.clone(), AtomicUsize::new(0)));
        let reads: Arc<dyn Reads> = self.world.books.store.clone();
        let config = DoubtConfig {
            poll_interval_ms: 10,
            evidence: evidence(),
            lookup_timeout_ms: 30_000,
            min_backoff_ms,
            max_backoff_ms: 4 * min_backoff_ms,
            concurrency: 4,
        };
        let job = DoubtJob { ledger: node.engine.clone(), reads, charging, clock: clock.clone(), config };
        let (stop, stopped) = watch::channel(false);
        Doubt { task: tokio::spawn(job.run(stopped)), stop, clock }
    }

    /// Ends the nodes; the books must stand.
    pub async fn close(self, nodes: &[Node]) {
        for node in nodes {
            node.engine.close().await;
        }
        self.world.close().await;
    }
}

/// What ends a doubt in these scripts.
fn evidence() -> EvidenceRules {
    let standard = SystemRules { miss_counts_after_ms: Some(HORIZON_MS), ..SystemRules::default() };
    EvidenceRules { standard, ..EvidenceRules::default() }
}

/// Nodes must not draw the same ids.
static SEEDS: AtomicU64 = AtomicU64::new(1_000);

/// One charging system alone.
fn alone(charging: &Arc<Scripted>, clock: &Arc<ManualClock>) -> Arc<ChargingSystems> {
    Arc::new(ChargingSystems::of(charging.clone(), &Dependencies { clock: clock.clone() }))
}

pub fn node(books: &Books, clock: &Arc<ManualClock>, charging: &Arc<Scripted>, timing: Timing) -> Node {
    node_at(books, clock, alone(charging, clock), timing)
}

pub fn node_at(books: &Books, clock: &Arc<ManualClock>, charging: Arc<ChargingSystems>, timing: Timing) -> Node {
    let rules = Rules { charging_deadline_ms: timing.deadline_ms, evidence: evidence(), ..script::rules() };
    let engine = Engine::start(books.store.clone(), clock.clone(), Arc::new(rules), &EngineConfig::default());
    let deps = RechargeDeps {
        ledger: engine.clone(),
        reads: books.store.clone(),
        charging,
        directory: Arc::new(Directory::new(books.registry.clone(), books.store.shards())),
        clock: clock.clone(),
        randomness: Arc::new(SeededRandomness::new(SEEDS.fetch_add(1, Ordering::SeqCst))),
    };
    let config = RechargeConfig {
        answer_within_ms: timing.answer_within_ms,
        evidence: evidence(),
        max_outstanding: 20_000,
        currency: Currency::MAD,
    };
    Node { engine, recharges: Arc::new(Recharges::new(deps, config)) }
}

/// A running doubt job.
pub struct Doubt {
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
    clock: Arc<Counted>,
}

impl Doubt {
    /// Waits until it has looked at the store a few times more.
    pub async fn sweeps(&self) {
        let goal = self.clock.1.load(Ordering::SeqCst) + 5;
        until("sweeps", async || (self.clock.1.load(Ordering::SeqCst) >= goal).then_some(())).await;
    }

    pub async fn end(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}
