//! A virtual day of recharges in one process, with every fault of the charging system and of the store, seeded.
//!
//! Two nodes sell from the same books to partners who behave as the contract asks: after an answer that says nothing they
//! send the same id again. At the end nothing is in doubt, every doubt ended within its promise, our books are the
//! charging system's to the centime, and what was told stands. In the suite it is a bounded run;
//! `TAABIA_CAMPAIGN_RECHARGES=1000000` is the whole day, `TAABIA_CAMPAIGN_SEED` another one. Both are printed with the figures.

mod network;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use taabia::charging::{ChargingSystems, Dependencies};
use taabia::domain::{
    Channel, ClientId, Currency, Msisdn, Operation, OperationId, PartnerId, ResellerId, Status, Timestamp,
};
use taabia::engine::{Engine, EngineConfig};
use taabia::jobs::{DoubtConfig, DoubtJob};
use taabia::ledger::Rules;
use taabia::ledger::evidence::{EvidenceRules, SystemRules};
use taabia::ports::{Clock, Reads, Store};
use taabia::services::recharges::{RechargeConfig, RechargeDeps};
use taabia::services::{Caller, Directory, RechargeOrder, Recharges, Scope, ServiceError};
use taabia::simulator::{Fault, FaultRates, FaultyStore, Point};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::support::world::{Books, World};
use crate::support::{SeededRandomness, in_memory, must_verify, script, setting};
use network::{Line, Network};

const DAY_MS: u64 = 86_400_000;
const OUTLETS: usize = 400;
const STOCK: i64 = 2_000_000_000;
const DEADLINE_MS: i64 = 4_000;
/// As long as a request may be on its way inside the charging system.
const HORIZON_MS: i64 = 10_000;
/// As the demonstration promises: a doubt ends within a minute.
const INQUIRED_WITHIN_MS: i64 = 46_000;

/// Virtual time, which passes as the runtime's does.
struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.0.elapsed().as_millis()).unwrap();
        Timestamp::from_unix_ms(1_795_305_600_000 + passed)
    }
}

fn evidence() -> EvidenceRules {
    let standard = SystemRules {
        miss_counts_after_ms: Some(HORIZON_MS),
        inquired_within_ms: INQUIRED_WITHIN_MS,
        ..SystemRules::default()
    };
    EvidenceRules { standard, ..EvidenceRules::default() }
}

/// Faults of an ordinary day: a few in a thousand, everywhere.
fn ordinary() -> FaultRates {
    FaultRates {
        session_unavailable_permille: 2,
        lock_conflict_permille: 2,
        unavailable_permille: 1,
        refused_permille: 1,
        commit_lost_applied_permille: 2,
        commit_lost_not_applied_permille: 2,
        read_unavailable_permille: 2,
        delay_permille: 30,
        delay_up_to_ms: 40,
    }
}

/// The database restarts: nothing works.
fn restarting() -> FaultRates {
    FaultRates {
        session_unavailable_permille: 1_000,
        unavailable_permille: 1_000,
        read_unavailable_permille: 1_000,
        ..ordinary()
    }
}

/// One way in: engine, use cases and the job that ends doubts.
struct Node {
    engine: Arc<Engine>,
    recharges: Arc<Recharges>,
    stop: watch::Sender<bool>,
}

fn node(books: &Books, clock: &Arc<VirtualClock>, network: &Arc<Network>, number: u64, seed: u64) -> Node {
    let rules =
        Rules { charging_deadline_ms: DEADLINE_MS, evidence: evidence(), similar_guard_ms: 0, ..script::rules() };
    let config = EngineConfig { queue_deadline_ms: 500, ..EngineConfig::default() };
    let engine = Engine::start(books.store.clone(), clock.clone(), Arc::new(rules), &config);
    let dependencies = Dependencies { clock: clock.clone() };
    let charging = Arc::new(ChargingSystems::of(Arc::new(Line(network.clone())), &dependencies));
    let deps = RechargeDeps {
        ledger: engine.clone(),
        reads: books.store.clone(),
        charging: charging.clone(),
        directory: Arc::new(Directory::new(books.registry.clone(), books.store.shards())),
        clock: clock.clone(),
        randomness: Arc::new(SeededRandomness::new(seed ^ (number << 40))),
    };
    let config = RechargeConfig {
        answer_within_ms: 5_000,
        evidence: evidence(),
        max_outstanding: 20_000,
        currency: Currency::MAD,
    };
    let reads: Arc<dyn Reads> = books.store.clone();
    let doubt = DoubtConfig { evidence: evidence(), ..DoubtConfig::default() };
    let job = DoubtJob { ledger: engine.clone(), reads, charging, clock: clock.clone(), config: doubt };
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(job.run(stopped));
    Node { engine, recharges: Arc::new(Recharges::new(deps, config)), stop }
}

/// What partners were told, and what went on meanwhile.
#[derive(Default)]
struct Day {
    told: Mutex<HashMap<OperationId, Status>>,
    /// Answers that said nothing, and the same id was sent again.
    again: AtomicU64,
    replayed: AtomicU64,
    under_way: AtomicU64,
}

struct Shop {
    nodes: Vec<Node>,
    caller: Caller,
    outlets: Vec<ResellerId>,
    day: Day,
}

impl Shop {
    fn order(&self, number: u64, random: u64) -> RechargeOrder {
        RechargeOrder {
            external_id: format!("c-{number}").parse().unwrap(),
            reseller: self.outlets[usize::try_from(random).unwrap() % OUTLETS],
            msisdn: Msisdn::from_digits(212_600_000_000 + number % 100_000_000).unwrap(),
            amount_minor: 500 + i64::try_from(random >> 20 & 0x1fff).unwrap(),
            product: "airtime".into(),
            channel: Channel::Atm,
            terminal: None,
            allow_repeat: true,
        }
    }

    /// One customer of one partner, until the partner knows that the order is in the books.
    async fn serve(self: Arc<Self>, number: u64, random: u64) {
        let order = self.order(number, random);
        for attempt in 0_u64.. {
            let node = &self.nodes[usize::try_from(random.wrapping_add(attempt) >> 5).unwrap() % self.nodes.len()];
            match node.recharges.create(&self.caller, order.clone()).await {
                Ok(answer) => {
                    let Operation { id, status, .. } = *answer.operation;
                    if answer.replayed {
                        self.day.replayed.fetch_add(1, Ordering::Relaxed);
                    }
                    self.day.told.lock().unwrap().insert(id, status);
                    break;
                }
                Err(ServiceError::Overloaded { .. } | ServiceError::Unavailable { .. } | ServiceError::Internal) => {
                    self.day.again.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(500 + (random >> 8) % 3_000)).await;
                }
                Err(other) => panic!("order {number}: {other:?}"),
            }
        }
        self.day.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How busy the hour is, in thousandths of the average: nobody sleeps in a lockdown, and everybody calls in the evening.
fn busy(at_ms: u64) -> u64 {
    const HOURS: [u64; 24] = [
        300, 200, 150, 150, 200, 300, 500, 800, 1_000, 1_200, 1_300, 1_300, 1_200, 1_100, 1_100, 1_200, 1_400, 1_600,
        1_900, 2_100, 2_000, 1_500, 1_000, 500,
    ];
    HOURS[usize::try_from(at_ms / 3_600_000).unwrap() % 24]
}

async fn virtual_day(recharges: u64, seed: u64) {
    let books = in_memory(8);
    let store: Arc<dyn Store> = books.store.clone();
    let faulty = Arc::new(FaultyStore::new(store.clone(), seed, FaultRates::default()));
    let broken = Books { store: faulty.clone(), ..books.clone() };
    let world = World::with(books, EngineConfig::default()).await;
    let mut outlets = Vec::new();
    for number in 0..OUTLETS {
        let name = format!("R{number}");
        world.reseller(&name, STOCK).await;
        outlets.push(world.id(&name));
    }
    let clock = Arc::new(VirtualClock(Instant::now()));
    let network = Network::new(seed);
    let shop = Arc::new(Shop {
        nodes: (1..=2).map(|number| node(&broken, &clock, &network, number, seed)).collect(),
        caller: caller(world.partner, outlets.clone()),
        outlets,
        day: Day::default(),
    });
    faulty.set_rates(ordinary());

    let random = SeededRandomness::new(seed ^ 0xda1);
    let begun = Instant::now();
    let (mut at_us, mut restarts, mut down) = (0, 0, false);
    for number in 0..recharges {
        let average_us = DAY_MS * 1_000_000 / (recharges * busy(at_us / 1_000));
        at_us += random.next() % (2 * average_us + 1);
        tokio::time::sleep_until(begun + Duration::from_micros(at_us)).await;
        // The database restarts every four hours, for a quarter of a minute.
        let restarting_now = (at_us / 1_000 + 3_600_000) % 14_400_000 < 15_000;
        if restarting_now != down {
            down = restarting_now;
            restarts += u32::from(down);
            faulty.set_rates(if down { restarting() } else { ordinary() });
        }
        shop.day.under_way.fetch_add(1, Ordering::Relaxed);
        let drawn = random.next();
        tokio::spawn(shop.clone().serve(number, drawn));
        // Some partners send twice at once.
        if drawn.is_multiple_of(20) {
            shop.day.under_way.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(shop.clone().serve(number, drawn));
        }
    }
    faulty.set_rates(ordinary());
    while shop.day.under_way.load(Ordering::Relaxed) > 0 {
        sleep(Duration::from_secs(1)).await;
    }
    let lasted = begun.elapsed();
    // Nothing is sent any more: whatever is open ends within its promise.
    sleep(Duration::from_millis(u64::try_from(DEADLINE_MS + HORIZON_MS + INQUIRED_WITHIN_MS).unwrap())).await;
    faulty.end_faults();
    assert_eq!(store.doubt(Timestamp::from_unix_ms(i64::MAX)).await.unwrap(), (0, None), "nothing is open");

    let ended = judge(&shop.day, &*store, &network).await;
    println!(
        "{recharges} recharges in {} virtual hours, seed {seed}: {ended}; {} answers said nothing, {} replays; \
         commits lost: {} applied, {} not; {restarts} restarts",
        lasted.as_secs() / 3_600,
        shop.day.again.load(Ordering::Relaxed),
        shop.day.replayed.load(Ordering::Relaxed),
        faulty.struck(Point::Commit, Fault::LostApplied),
        faulty.struck(Point::Commit, Fault::LostNotApplied),
    );
    for node in &shop.nodes {
        node.stop.send_replace(true);
        node.engine.close().await;
    }
    must_verify(&*world.books.audit).await;
    world.close().await;
}

fn caller(partner: PartnerId, outlets: Vec<ResellerId>) -> Caller {
    Caller {
        client: ClientId::from_uuid(uuid::Uuid::from_u128(9)),
        partner,
        name: "campaign".into(),
        scopes: [Scope::RechargesWrite, Scope::RechargesRead].into(),
        roots: outlets.into(),
        rate_limit_per_s: None,
        address: None,
        request: None,
    }
}

/// Compares what was told, what is stored and what the charging system did.
async fn judge(day: &Day, store: &dyn Store, network: &Network) -> String {
    let told = std::mem::take(&mut *day.told.lock().unwrap());
    let mut applied = network.applied();
    let (mut completed, mut declined, mut doubted, mut latest_ms) = (0_u64, 0_u64, 0_u64, 0_i64);
    let mut sums = [0_i64; 2];
    for (id, status) in &told {
        let stored = store.operation(*id).await.unwrap().expect("what was acknowledged is there");
        assert!(stored.status.is_final(), "{id:?} is {}", stored.status.name());
        assert!(!status.is_final() || *status == stored.status, "{id:?} was told {}", status.name());
        let recharge = stored.recharge().unwrap();
        let there = recharge.charging_reference.and_then(|reference| applied.remove(&reference));
        if stored.status == Status::Completed {
            completed += 1;
            assert_eq!(there, Some((stored.amount_minor, 1)), "{id:?} was credited once, and so much");
            sums[0] += stored.amount_minor;
        } else {
            declined += 1;
            assert_eq!(there, None, "{id:?} was declined, and is credited");
        }
        let waited_ms = stored.updated_at.since_ms(recharge.submit_by);
        if waited_ms > 0 {
            doubted += 1;
            latest_ms = latest_ms.max(waited_ms);
            let promised = evidence().promised_at(recharge);
            assert!(stored.updated_at <= promised, "{id:?} ended {waited_ms} ms after its time, later than promised");
        }
    }
    sums[1] = network.total_minor();
    assert_eq!(sums[0], sums[1], "our books and the charging system's, in minor units");
    assert!(applied.is_empty(), "credited, and nobody was told: {applied:?}");
    format!(
        "{completed} completed, {declined} declined, {doubted} doubts, the longest {latest_ms} ms after its deadline"
    )
}

#[test]
fn a_virtual_day_ends_with_equal_books() {
    let recharges = setting("TAABIA_CAMPAIGN_RECHARGES", 20_000);
    let seed = setting("TAABIA_CAMPAIGN_SEED", 7);
    println!("TAABIA_CAMPAIGN_RECHARGES={recharges} TAABIA_CAMPAIGN_SEED={seed}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(virtual_day(recharges, seed));
}
