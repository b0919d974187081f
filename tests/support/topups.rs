//! Top-ups with an acquirer that says what a test wants.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use taabia::acquiring::breaker::BreakerConfig;
use taabia::acquiring::{AcquirerConfig, AcquirerName, Acquirers, Dependencies, Rule, Setup, in_process};
use taabia::charging::ChargingSystems;
use taabia::domain::{Currency, Money, Timestamp};
use taabia::jobs::TopupJob;
use taabia::ports::acquirer::{
    Authorised, CaptureMode, Done, Event, Lookup, Notification, NotificationError, NotificationReply,
    NotificationVerdict, Notified, Outcome, Payment, PaymentMethod, PaymentOrder, PaymentStage, PaymentState, Received,
    RefundOrder, SettlementProfile,
};
use taabia::ports::{Acquirer, Ledger};
use taabia::services::cashier::{Cashier, CashierConfig};
use taabia::services::recharges::{RechargeConfig, RechargeDeps};
use taabia::services::topups::{TopupConfig, TopupDeps, TopupOrder, Topups};
use taabia::services::{Caller, Directory, Recharges, Settlements};

use super::SeededRandomness;
use super::charger::Charger;
use super::world::World;

pub const MAD: Currency = Currency::MAD;
pub const DEADLINE_MS: i64 = 30_000;
pub const HORIZON_MS: i64 = 60_000;

/// Says what it was told to say, and remembers what it was asked.
pub struct Scripted {
    authorisations: Mutex<VecDeque<Outcome<Authorised>>>,
    lookups: Mutex<VecDeque<Lookup>>,
    voids: Mutex<VecDeque<Outcome<Done>>>,
    captures: Mutex<VecDeque<Outcome<Done>>>,
    refunds: Mutex<VecDeque<Outcome<Done>>>,
    notifications: Mutex<VecDeque<Notification>>,
    asked: Mutex<Vec<&'static str>>,
    profile: SettlementProfile,
}

impl Scripted {
    pub fn next_authorisation(&self, outcome: Outcome<Authorised>) {
        self.authorisations.lock().unwrap().push_back(outcome);
    }

    pub fn next_capture(&self, outcome: Outcome<Done>) {
        self.captures.lock().unwrap().push_back(outcome);
    }

    pub fn next_lookup(&self, lookup: Lookup) {
        self.lookups.lock().unwrap().push_back(lookup);
    }

    pub fn next_void(&self, outcome: Outcome<Done>) {
        self.voids.lock().unwrap().push_back(outcome);
    }

    pub fn next_refund(&self, outcome: Outcome<Done>) {
        self.refunds.lock().unwrap().push_back(outcome);
    }

    pub fn asked(&self, what: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| **asked == what).count()
    }

    fn note<T>(&self, what: &'static str, queue: &Mutex<VecDeque<Outcome<T>>>) -> Outcome<T> {
        self.asked.lock().unwrap().push(what);
        queue.lock().unwrap().pop_front().unwrap_or(Outcome::unknown("nothing was scripted"))
    }
}

#[async_trait]
impl Acquirer for Scripted {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn offers(&self, _: &PaymentMethod) -> bool {
        true
    }

    async fn authorise(&self, _: &PaymentOrder) -> Outcome<Authorised> {
        self.note("authorise", &self.authorisations)
    }

    async fn capture(&self, _: &Payment, _: Money, _: Timestamp) -> Outcome<Done> {
        self.note("capture", &self.captures)
    }

    async fn void(&self, _: &Payment, _: Timestamp) -> Outcome<Done> {
        self.note("void", &self.voids)
    }

    async fn refund(&self, _: &RefundOrder) -> Outcome<Done> {
        self.note("refund", &self.refunds)
    }

    async fn lookup(&self, _: &Payment) -> Lookup {
        self.asked.lock().unwrap().push("lookup");
        self.lookups.lock().unwrap().pop_front().unwrap_or(Lookup::Unknown("nothing was scripted".into()))
    }

    fn read_notification(&self, _: &Received<'_>) -> Result<Notified, NotificationError> {
        let next = self.notifications.lock().unwrap().pop_front();
        next.map(Notified::Of).ok_or(NotificationError::Unsigned)
    }

    fn reply(&self, verdict: NotificationVerdict) -> NotificationReply {
        let body = match verdict {
            NotificationVerdict::Take => "take",
            NotificationVerdict::Keep => "keep",
            NotificationVerdict::Refuse => "refuse",
            NotificationVerdict::Later => "later",
        };
        NotificationReply { status: 200, content_type: "text/plain", body }
    }

    fn settlement_profile(&self) -> &SettlementProfile {
        &self.profile
    }
}

pub fn reference() -> taabia::ports::acquirer::AcquirerReference {
    "pay_1".parse().unwrap()
}

pub fn money(minor: i64) -> Money {
    Money::from_minor(minor, MAD)
}

pub fn captured(minor: i64) -> Outcome<Authorised> {
    Outcome::Done(Authorised::Captured { reference: reference(), amount: money(minor) })
}

/// How a payment stands at the acquirer.
pub fn known(order: &str, stage: PaymentStage, captured_minor: i64) -> Lookup {
    Lookup::Known(PaymentState {
        order: order.parse().unwrap(),
        reference: reference(),
        stage,
        amount: money(captured_minor),
        captured: money(captured_minor),
        refunded: money(0),
        refunds: Vec::new(),
        dispute: None,
    })
}

/// A world with an acquirer `bank`.
pub struct Till {
    pub world: Arc<World>,
    pub bank: Arc<Scripted>,
    pub topups: Arc<Topups>,
    pub job: TopupJob,
    pub cashier: Arc<Cashier>,
}

impl Till {
    pub fn new(world: World) -> Self {
        let world = Arc::new(world);
        let bank = Arc::new(Scripted {
            authorisations: Mutex::default(),
            lookups: Mutex::default(),
            voids: Mutex::default(),
            captures: Mutex::default(),
            refunds: Mutex::default(),
            notifications: Mutex::default(),
            asked: Mutex::default(),
            profile: taabia::acquiring::simulator::settlement_profile(),
        });
        let (cashier, topups, job) = with_bank(&world, bank.clone());
        Self { world, bank, topups, job, cashier }
    }

    pub fn order(&self, key: &str, reseller: &str, stock_minor: i64) -> TopupOrder {
        TopupOrder {
            external_id: key.parse().unwrap(),
            reseller: self.world.id(reseller),
            stock_minor,
            acquirer: None,
            token: Some("tok_visa".parse().unwrap()),
            return_url: None,
            recharge: None,
        }
    }

    /// The acquirer tells something of a top-up, with its reference of the payment; gives back what it is answered.
    pub async fn tells(&self, order: &str, reference: &str, key: &str, event: Event) -> &'static str {
        let notification = Notification {
            key: key.into(),
            order: Some(order.parse().unwrap()),
            reference: Some(reference.parse().unwrap()),
            occurred_at: None,
            event,
        };
        self.tell(notification).await
    }

    pub async fn tell(&self, notification: Notification) -> &'static str {
        self.bank.notifications.lock().unwrap().push_back(notification);
        self.topups.notified(&bank(), &[], b"body").await.unwrap().body
    }

    /// Who may act for the reseller.
    pub fn caller(&self, reseller: &str) -> Caller {
        caller_of(&self.world, reseller)
    }
}

/// Who may act for the reseller.
pub fn caller_of(world: &World, reseller: &str) -> Caller {
    Caller {
        client: super::world::MAKER,
        partner: world.partner,
        name: "app".into(),
        scopes: [].into(),
        roots: [world.id(reseller)].into(),
        rate_limit_per_s: None,
        address: None,
        request: None,
    }
}

fn randomness() -> Arc<SeededRandomness> {
    Arc::new(SeededRandomness::new(11))
}

fn none(dependencies: &Dependencies) -> Acquirers {
    let connected = Acquirers::connect(std::iter::empty(), dependencies);
    connected.map_err(|(_, error)| error).expect("there are none that could not be connected")
}

fn wired(world: &World, directory: &Arc<Directory>, acquirers: Arc<Acquirers>) -> (Arc<Cashier>, Arc<Topups>) {
    let cashier = Arc::new(Cashier {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        acquirers: acquirers.clone(),
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(12)),
        recharges: recharges(world, directory),
        config: CashierConfig {
            currency: MAD,
            acquirer_deadline_ms: DEADLINE_MS,
            lookup_horizon_ms: HORIZON_MS,
            public_url: "https://pay.example".into(),
        },
    });
    let deps = TopupDeps {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        lists: world.books.topups.clone(),
        notifications: world.books.notifications.clone(),
        directory: directory.clone(),
        registry: world.books.registry.clone(),
        acquirers,
        cashier: cashier.clone(),
        clock: world.clock.clone(),
        randomness: randomness(),
    };
    let times = TopupConfig { answer_within_ms: 5_000, house: Some("shop".parse().unwrap()) };
    (cashier, Arc::new(Topups::new(deps, times)))
}

pub fn recharges(world: &World, directory: &Arc<Directory>) -> Arc<Recharges> {
    let deps = RechargeDeps {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        charging: Arc::new(ChargingSystems::of(
            Arc::new(Charger),
            &taabia::charging::Dependencies { clock: world.clock.clone() },
        )),
        directory: directory.clone(),
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(13)),
    };
    let config = RechargeConfig {
        answer_within_ms: 300,
        evidence: taabia::ledger::evidence::EvidenceRules::default(),
        max_outstanding: 1_000,
        currency: MAD,
    };
    Arc::new(Recharges::new(deps, config))
}

/// The use cases and the job with one acquirer, `bank`.
pub fn with_bank(world: &World, bank: Arc<dyn Acquirer>) -> (Arc<Cashier>, Arc<Topups>, TopupJob) {
    let dependencies = Dependencies { clock: world.clock.clone(), randomness: randomness() };
    let mut acquirers = none(&dependencies);
    acquirers.add("bank".parse().unwrap(), bank, &setup(CaptureMode::Automatic), &dependencies);
    let directory = Arc::new(Directory::new(world.books.registry.clone(), world.books.store.shards()));
    let (cashier, topups) = wired(world, &directory, Arc::new(acquirers));
    let reads = world.books.topups.clone();
    let job = TopupJob { reads, cashier: cashier.clone(), poll_interval_ms: 10, concurrency: 4 };
    (cashier, topups, job)
}

pub fn with_acquirers(
    world: &World,
    directory: &Arc<Directory>,
    adapters: Vec<(&str, CaptureMode, Arc<dyn Acquirer>)>,
) -> Arc<Topups> {
    let dependencies = Dependencies { clock: world.clock.clone(), randomness: randomness() };
    let mut acquirers = none(&dependencies);
    for (name, capture, adapter) in adapters {
        acquirers.add(name.parse().unwrap(), adapter, &setup(capture), &dependencies);
    }
    wired(world, directory, Arc::new(acquirers)).1
}

/// One that may be chosen, and is never given up.
fn setup(capture: CaptureMode) -> Setup {
    Setup {
        adapter: AcquirerConfig::InProcess(in_process::Config::default()),
        rule: Rule { weight: 1, ..Rule::default() },
        breaker: BreakerConfig { failures: 1_000, ..BreakerConfig::default() },
        capture,
    }
}

/// Settlement of an acquirer `bank`, whose files are those of the simulator.
pub fn settlements_of_bank(world: &World) -> Settlements {
    let dependencies = Dependencies { clock: world.clock.clone(), randomness: randomness() };
    let mut acquirers = none(&dependencies);
    let adapter = AcquirerConfig::InProcess(in_process::Config::default());
    let (rule, breaker) = (Rule { weight: 1, ..Rule::default() }, BreakerConfig::default());
    let setup = Setup { adapter, rule, breaker, capture: CaptureMode::Automatic };
    let bank = in_process::InProcess::new(&in_process::Config::default(), &dependencies);
    acquirers.add("bank".parse().unwrap(), Arc::new(bank), &setup, &dependencies);
    settlements(world, world.nodes[0].clone(), Arc::new(acquirers))
}

pub fn settlements(world: &World, ledger: Arc<dyn Ledger>, acquirers: Arc<Acquirers>) -> Settlements {
    Settlements {
        ledger,
        reads: world.books.store.clone(),
        settlement: world.books.settlement.clone(),
        registry: world.books.registry.clone(),
        acquirers,
        clock: world.clock.clone(),
        currency: MAD,
        record: taabia::services::settlement::RecordProfile::default(),
    }
}

/// A name, for orders that want this one.
pub fn bank() -> AcquirerName {
    "bank".parse().unwrap()
}
