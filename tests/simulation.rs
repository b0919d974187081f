//! A seeded simulation: nodes, partners and a store that breaks at every point, in virtual time.
//!
//! Partners behave as the contract asks: after an answer that says nothing they send the same id again.
//! At the end nothing that was acknowledged is lost and nothing happened twice. `TAABIA_SIMULATION_SEEDS`
//! runs more seeds; the seed of a failure is printed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use taabia::domain::{OperationId, Status};
use taabia::engine::EngineConfig;
use taabia::ledger::{Evidence, Outcome, Request};
use taabia::ports::{Ledger, LedgerError};
use taabia::simulator::{Fault, FaultRates, FaultyStore, Point};

use crate::support::world::{Books, RELEASE, World, command};
use crate::support::{SeededRandomness, in_memory, on_every_store, setting};

const RESELLERS: [&str; 5] = ["R0", "R1", "R2", "R3", "R4"];
const STOCK: i64 = 400_000;

/// What the partners were told: by reseller and key.
type Told = Arc<Mutex<HashMap<(usize, String), (OperationId, Status, i64)>>>;

fn rates(random: &SeededRandomness) -> FaultRates {
    let up_to = |most: u64| u32::try_from(random.next() % (most + 1)).unwrap();
    FaultRates {
        session_unavailable_permille: up_to(100),
        lock_conflict_permille: up_to(50),
        unavailable_permille: up_to(30),
        refused_permille: up_to(20),
        commit_lost_applied_permille: up_to(80),
        commit_lost_not_applied_permille: up_to(80),
        read_unavailable_permille: 0,
        delay_permille: up_to(300),
        delay_up_to_ms: 1 + random.next() % 40,
    }
}

/// Sends until the answer says something.
async fn insist(world: &World, node: usize, request: Request) -> Outcome {
    for attempt in 0.. {
        let node = &world.nodes[(node + attempt) % world.nodes.len()];
        match node.execute(command(request.clone())).await {
            Ok(outcome) => return outcome,
            Err(LedgerError::Refused(refusal)) => panic!("refused: {refusal}"),
            Err(LedgerError::Recovering { .. }) => panic!("nobody restored anything"),
            Err(LedgerError::Overloaded { .. } | LedgerError::Unavailable { .. } | LedgerError::Internal) => {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    }
    unreachable!("it insists for ever")
}

/// One partner: recharges one after the other, each reserved and resolved, some sent twice.
async fn partner(world: Arc<World>, told: Told, number: usize, seed: u64) {
    let random = SeededRandomness::new(seed ^ (number as u64) << 32);
    for n in 0..12 {
        let reseller = usize::try_from(random.next()).unwrap() % RESELLERS.len();
        let key = format!("p{number}-{n}");
        let amount = 500 + i64::try_from(random.next() % 20_000).unwrap();
        let reserve = world.reserve(RESELLERS[reseller], &key, amount);
        let first = insist(&world, number, Request::Reserve(reserve.clone())).await;
        let operation = first.operation().unwrap().clone();
        if random.next().is_multiple_of(4) {
            let again = insist(&world, number + 1, Request::Reserve(reserve)).await;
            assert!(matches!(&again, Outcome::Replayed(again) if again.id == operation.id));
        }
        let mut status = operation.status;
        if status == Status::Submitted {
            let evidence = if random.next().is_multiple_of(3) { RELEASE } else { Evidence::Applied };
            if random.next().is_multiple_of(5) {
                insist(&world, number, World::resolve(operation.id, Evidence::NoAnswer)).await;
            }
            let resolved = insist(&world, number, World::resolve(operation.id, evidence)).await;
            status = resolved.operation().unwrap().status;
        }
        told.lock().unwrap().insert((reseller, key), (operation.id, status, amount));
    }
}

async fn run(seed: u64) {
    let books = in_memory(3);
    let store = books.store.clone();
    let random = SeededRandomness::new(seed);
    let faulty = Arc::new(FaultyStore::new(store.clone(), seed, FaultRates::default()));
    let books = Books { store: faulty.clone(), ..books };
    let config = EngineConfig { queue_deadline_ms: 500, queue_capacity: 64, max_batch: 16, ..EngineConfig::default() };
    let world = Arc::new(World::with(books, config.clone()).await.node(&config));
    for name in RESELLERS {
        world.reseller(name, STOCK).await;
    }
    faulty.set_rates(rates(&random));
    let told: Told = Arc::default();
    let partners: Vec<_> =
        (0..8).map(|number| tokio::spawn(partner(world.clone(), told.clone(), number, seed))).collect();
    for partner in partners {
        partner.await.unwrap();
    }
    faulty.end_faults();
    let told = std::mem::take(&mut *told.lock().unwrap());
    let mut sold = [0; RESELLERS.len()];
    for ((reseller, key), (id, status, amount)) in told {
        let stored = store.operation(id).await.unwrap().expect("what was acknowledged is there");
        assert_eq!((stored.status, stored.external_id.as_str()), (status, key.as_str()));
        sold[reseller] += if status == Status::Completed { amount } else { 0 };
    }
    for (name, sold) in RESELLERS.iter().zip(sold) {
        let stock = world.stock(name).await;
        assert_eq!((stock.posted, stock.held), (STOCK - sold, 0), "{name}");
    }
    Arc::into_inner(world).expect("the partners have gone").close().await;
}

#[test]
fn partners_lose_nothing_on_a_store_that_breaks() {
    for seed in 1..=setting("TAABIA_SIMULATION_SEEDS", 40) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(run(seed))));
        if let Err(panic) = outcome {
            eprintln!("the simulation failed with seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Every fault at every point of one transaction, on every store: the command has its effect once or is
/// answered with an error and has none; another try then succeeds.
async fn one_fault(books: Books, point: Point, fault: Fault) {
    let faulty = Arc::new(FaultyStore::new(books.store.clone(), 1, FaultRates::default()));
    let world = World::new(Books { store: faulty.clone(), ..books }).await;
    world.reseller("R1", 10_000).await;
    let before = world.stock("R1").await;
    faulty.script(point, 1, fault);
    let reserve = Request::Reserve(world.reserve("R1", "k", 1_000));
    let answer = world.execute(reserve.clone()).await;
    let struck = faulty.struck(point, fault) == 1;
    let stock = world.stock("R1").await;
    match &answer {
        Ok(_) => assert_eq!(stock.held, 1_000, "{point:?} {fault:?}"),
        Err(error) => {
            assert!(struck, "{point:?} {fault:?} {error}");
            assert_eq!(stock, before, "{point:?} {fault:?}");
        }
    }
    let again = insist(&world, 0, reserve).await;
    assert_eq!(world.stock("R1").await.held, 1_000, "{point:?} {fault:?}");
    let id = again.operation().unwrap().id;
    faulty.script(point, 1, fault);
    let resolved = insist(&world, 0, World::resolve(id, Evidence::Applied)).await;
    assert_eq!(resolved.operation().unwrap().status, Status::Completed);
    let after = world.stock("R1").await;
    assert_eq!((after.posted, after.held), (9_000, 0), "{point:?} {fault:?}");
    world.close().await;
}

macro_rules! one_fault_tests {
    ($($name:ident: $point:ident $fault:ident),+ $(,)?) => {
        $(on_every_store!($name, async |books: Books| one_fault(books, Point::$point, Fault::$fault).await);)+
    };
}

one_fault_tests! {
    no_session: Session Unavailable,
    lock_lost: Lock Conflict,
    lock_broken: Lock Unavailable,
    load_refused: Load Refused,
    load_broken: Load Unavailable,
    holders_refused: Holders Refused,
    holders_conflict: Holders Conflict,
    holders_broken: Holders Unavailable,
    persist_refused: Persist Refused,
    persist_conflict: Persist Conflict,
    persist_broken: Persist Unavailable,
    commit_refused: Commit Refused,
    commit_conflict: Commit Conflict,
    commit_broken: Commit Unavailable,
    commit_applied_and_answer_lost: Commit LostApplied,
    commit_and_answer_lost: Commit LostNotApplied,
}
