//! A virtual day in one process, with every fault of the charging system, of the store and of partners' endpoints, seeded.
//!
//! Two nodes sell from the same books to partners who behave as the contract asks: after an answer that says nothing they
//! send the same id again. Some of what was sold is taken back, whole and in part, and both nodes tell endpoints of all of
//! it. At the end nothing is in doubt, every doubt ended within its promise, our books are the charging system's to the
//! centime, its daily record agrees line by line, what was told stands, and each event of each operation was delivered, in
//! order. In the suite it is a bounded run; `TAABIA_CAMPAIGN_RECHARGES=1000000` is the whole day, `TAABIA_CAMPAIGN_SEED`
//! another one. Both are printed with the figures.

mod judge;
mod network;
mod nodes;
mod partners;
mod processes;
mod receivers;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use taabia::domain::EventType;
use taabia::engine::EngineConfig;
use taabia::ports::Store;
use taabia::services::Scope;
use taabia::services::webhooks::{NewEndpoint, Webhooks};
use taabia::simulator::{Fault, FaultRates, Faulty, FaultyStore, Point};
use tokio::time::{Instant, sleep};

use crate::support::webhooks::{client, webhooks};
use crate::support::world::{Books, World};
use crate::support::{SeededRandomness, in_memory, must_verify, setting};
use network::Network;
use nodes::{Node, OPEN_FOR_MS, Surroundings, VirtualClock};
use partners::Shop;
use receivers::{APP, BANK, Receivers};

const DAY_MS: u64 = 86_400_000;
const OUTLETS: usize = 400;
const STOCK: i64 = 2_000_000_000;

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

/// How busy the hour is, in thousandths of the average: nobody sleeps in a lockdown, and everybody calls in the evening.
fn busy(at_ms: u64) -> u64 {
    const HOURS: [u64; 24] = [
        300, 200, 150, 150, 200, 300, 500, 800, 1_000, 1_200, 1_300, 1_300, 1_200, 1_100, 1_100, 1_200, 1_400, 1_600,
        1_900, 2_100, 2_000, 1_500, 1_000, 500,
    ];
    HOURS[usize::try_from(at_ms / 3_600_000).unwrap() % 24]
}

/// The store and the charging system restart every four hours, each in a time of its own.
struct Restarts {
    store: Arc<FaultyStore>,
    network: Arc<Network>,
    down: [bool; 2],
    count: u32,
}

impl Restarts {
    fn at(&mut self, at_ms: u64) {
        let within = |offset_ms: u64, length_ms: u64| (at_ms + offset_ms) % 14_400_000 < length_ms;
        let down = [within(3_600_000, 15_000), within(9_000_000, 20_000)];
        if down == self.down {
            return;
        }
        self.count += u32::from(down != [false; 2]);
        self.down = down;
        self.store.set_rates(if down[0] { restarting() } else { ordinary() });
        self.network.set_down(down[1]);
    }
}

/// The books with faults in all ports that nodes write to.
fn broken(books: &Books, store: &Arc<FaultyStore>) -> Books {
    Books {
        store: store.clone(),
        topups: Arc::new(Faulty::new(books.topups.clone(), store.clone())),
        webhooks: Arc::new(Faulty::new(books.webhooks.clone(), store.clone())),
        ..books.clone()
    }
}

async fn endpoints(webhooks: &Webhooks, caller: &taabia::services::Caller) {
    use EventType as E;
    let ends = vec![E::RechargeCompleted, E::RechargeDeclined, E::RechargeReversed, E::ReversalCompleted];
    for (url, event_types) in [(BANK, Vec::new()), (APP, ends)] {
        let new = NewEndpoint { url: url.into(), event_types, description: None };
        webhooks.register(caller, new).await.unwrap();
    }
}

async fn virtual_day(recharges: u64, seed: u64) {
    let books = in_memory(8);
    let store: Arc<dyn Store> = books.store.clone();
    let faulty = Arc::new(FaultyStore::new(store.clone(), seed, FaultRates::default()));
    let broken = broken(&books, &faulty);
    let world = World::with(books, EngineConfig::default()).await;
    world.reseller("bank", 0).await;
    let mut outlets = Vec::new();
    for number in 0..OUTLETS {
        let name = format!("R{number}");
        world.reseller_below("bank", &name, STOCK).await;
        outlets.push(world.id(&name));
    }
    let caller = client(&world, "bank", &[Scope::RechargesWrite, Scope::RechargesRead], &["bank"]).await;
    let receivers = Receivers::new(seed);
    let webhooks = webhooks(&world, receivers.clone());
    endpoints(&webhooks, &caller).await;
    let (clock, network) = (VirtualClock::new(), Network::new(seed));
    let around = Surroundings {
        world: &world,
        books: broken,
        clock: clock.clone(),
        network: network.clone(),
        notifier: receivers.clone(),
        seed,
    };
    let nodes = (1..=2).map(|number| Node::start(&around, number)).collect();
    let shop = Arc::new(Shop { nodes, caller, outlets, day: partners::Day::default() });
    faulty.set_rates(ordinary());

    let begun = Instant::now();
    let mut restarts = Restarts { store: faulty.clone(), network: network.clone(), down: [false; 2], count: 0 };
    sell(&shop, recharges, seed, &mut restarts).await;
    let lasted = begun.elapsed();
    // Nothing is sent any more: whatever is open ends within its promise.
    sleep(Duration::from_millis(u64::try_from(OPEN_FOR_MS).unwrap())).await;
    assert_eq!(
        store.doubt(taabia::domain::Timestamp::from_unix_ms(i64::MAX)).await.unwrap(),
        (0, None),
        "nothing is open"
    );

    let log = judge::Log::read(&*store, &*world.books.webhooks, &nodes::evidence()).await;
    let told = log.told(&receivers, &judge::endpoints(&webhooks, &shop.caller).await).await;
    faulty.end_faults();
    let sums = judge::compare(&shop.day, &*store, &network).await;
    println!(
        "{recharges} recharges in {} virtual hours, seed {seed}: {sums}\n{}\n{told}\n{} answers said nothing, {} replays; \
         commits lost: {} applied, {} not; {} restarts",
        lasted.as_secs() / 3_600,
        log.figures(),
        shop.day.again.load(Ordering::Relaxed),
        shop.day.replayed.load(Ordering::Relaxed),
        faulty.struck(Point::Commit, Fault::LostApplied),
        faulty.struck(Point::Commit, Fault::LostNotApplied),
        restarts.count,
    );
    for node in &shop.nodes {
        node.stop.send_replace(true);
        node.engine.close().await;
    }
    judge::import_record(&world, &network, &clock).await;
    must_verify(&*world.books.audit).await;
    world.close().await;
}

/// Customers come all day long, and partners insist until each is answered.
async fn sell(shop: &Arc<Shop>, recharges: u64, seed: u64, restarts: &mut Restarts) {
    let random = SeededRandomness::new(seed ^ 0xda1);
    let begun = Instant::now();
    let mut at_us = 0;
    for number in 0..recharges {
        let average_us = DAY_MS * 1_000_000 / (recharges * busy(at_us / 1_000));
        at_us += random.next() % (2 * average_us + 1);
        tokio::time::sleep_until(begun + Duration::from_micros(at_us)).await;
        restarts.at(at_us / 1_000);
        shop.comes(number, random.next());
    }
    restarts.at(0);
    shop.all_are_told().await;
}

#[test]
fn a_virtual_day_ends_with_equal_books() {
    let recharges = setting("TAABIA_CAMPAIGN_RECHARGES", 12_000);
    let seed = setting("TAABIA_CAMPAIGN_SEED", 7);
    println!("TAABIA_CAMPAIGN_RECHARGES={recharges} TAABIA_CAMPAIGN_SEED={seed}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(virtual_day(recharges, seed));
}
