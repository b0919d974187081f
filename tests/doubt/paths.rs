//! No path from doubt to an outcome without evidence: random sequences of everything that can happen, on every store and
//! on one that breaks, with nodes that end in between.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::future::join_all;
use taabia::domain::{
    Decline, Effect, EntryKind, EvidenceKind, Operation, OperationId, Proposal, Ruling, Says, Shard, Statement, Status,
    SystemName, Timestamp,
};
use taabia::engine::EngineConfig;
use taabia::ledger::command::{Resolve, Source};
use taabia::ledger::{Command, Evidence, Request};
use taabia::ports::{AuditedEntry, Clock as _, Ledger as _, LedgerError};
use taabia::simulator::{FaultRates, FaultyStore};

use crate::support::script::rules;
use crate::support::world::{Books, CHECKER, World, command};
use crate::support::{SeededRandomness, in_memory, on_every_store, setting};

const STOCK: i64 = 10_000_000;
const AMOUNT: i64 = 1_000;
/// Who proposes and decides statements, as the journal names them.
const STATED: &str = "client:statements";

/// What happens next to a recharge: anything that anybody may say of it, at any time, true or not.
fn happens(world: &World, random: &SeededRandomness, operation: OperationId, reference: Option<i64>) -> Request {
    let evidence = [
        Evidence::Applied,
        Evidence::NotApplied(Decline::ChargingDeclined),
        Evidence::NotApplied(Decline::SubscriberUnknown),
        Evidence::NotKnown,
        Evidence::Nothing,
        Evidence::NoAnswer,
        Evidence::NotOurs { next: "north".parse().unwrap() },
    ];
    let pick = |length: usize| usize::try_from(random.next()).unwrap() % length;
    let about = match pick(4) {
        0 => reference.map(|reference| (SystemName::MAIN, reference)),
        1 => reference.map(|reference| (SystemName::MAIN, reference + 1)),
        _ => None,
    };
    let observed_at = match pick(3) {
        // Clocks differ, and somebody may be told of tomorrow.
        0 => world.clock.now().plus_ms(86_400_000),
        1 => Timestamp::EPOCH,
        _ => world.clock.now(),
    };
    let source = Source { kind: EvidenceKind::ALL[pick(5)], about, observed_at, excerpt: "told".into() };
    Request::Resolve(Resolve { operation, evidence: evidence[pick(evidence.len())], source })
}

/// Plays some rounds over a few recharges; the other node takes over in some of them, with nothing in memory.
async fn play(world: &World, seed: u64, rounds: usize) -> Vec<OperationId> {
    let random = SeededRandomness::new(seed);
    let mut sold = Vec::new();
    for n in 0..6 {
        let reserve = Request::Reserve(world.reserve("R1", &format!("{seed}-{n}"), AMOUNT));
        for _ in 0..100 {
            if let Ok(done) = world.nodes[0].execute(command(reserve.clone())).await {
                let operation = done.operation().unwrap().clone();
                sold.push((operation.id, operation.recharge().unwrap().charging_reference));
                break;
            }
        }
    }
    let mut proposals: Vec<Arc<Operation>> = Vec::new();
    for round in 0..rounds {
        world.clock.advance_ms(i64::try_from(random.next() % 9_000).unwrap());
        let together = 1 + usize::try_from(random.next() % 4).unwrap();
        let told = (0..together).map(|_| {
            let (operation, reference) = sold[usize::try_from(random.next()).unwrap() % sold.len()];
            let node = &world.nodes[usize::try_from(random.next()).unwrap() % world.nodes.len()];
            node.execute(command(happens(world, &random, operation, reference)))
        });
        // Two persons state something, or decide what was stated, while all that goes on.
        let (operation, _) = sold[usize::try_from(random.next()).unwrap() % sold.len()];
        let stated = match proposals.pop() {
            Some(proposal) if random.next().is_multiple_of(2) => World::rule(&proposal, CHECKER, Ruling::Approve),
            _ => {
                let applied = random.next().is_multiple_of(2);
                let statement = Statement { recharge: operation, reseller: world.id("R1"), applied };
                world.propose(&format!("{seed}-s{round}"), Proposal::Statement(statement), AMOUNT)
            }
        };
        let ruled = Command { actor: STATED.into(), request: stated };
        let (told, ruled) = futures::join!(join_all(told), world.nodes[round % 2].execute(ruled));
        let ruled = ruled.ok().and_then(|done| done.operation().cloned());
        proposals.extend(ruled.filter(|operation| operation.status == Status::PendingApproval));
        for done in told {
            let lost = matches!(&done, Err(LedgerError::Internal | LedgerError::Unavailable { .. }));
            assert!(lost || matches!(&done, Ok(_) | Err(LedgerError::Refused(_))), "{done:?}");
        }
    }
    sold.into_iter().map(|(operation, _)| operation).collect()
}

/// The journal of all shards.
async fn journal(books: &Books, shards: u16) -> Vec<AuditedEntry> {
    let mut entries = Vec::new();
    for shard in Shard::all(shards) {
        entries.extend(books.audit.entries(shard, 0, i64::MAX, 1_000_000).await.unwrap());
    }
    entries
}

/// What must hold of every entry about a recharge, by the rules and nothing else.
fn check(entries: &[AuditedEntry]) {
    let mut doubtful = HashSet::new();
    let mut ended: HashMap<_, EntryKind> = HashMap::new();
    for AuditedEntry { entry, .. } in entries {
        let item = entry.evidence.as_deref();
        match entry.kind {
            EntryKind::RechargeInDoubt => drop(doubtful.insert(entry.subject)),
            kind @ (EntryKind::RechargeCompleted | EntryKind::RechargeReleased) => {
                assert_eq!(ended.insert(entry.subject, kind), None, "an outcome has one effect: {entry:?}");
                let Some(item) = item else {
                    assert!(!doubtful.contains(&entry.subject), "out of doubt without evidence: {entry:?}");
                    continue;
                };
                assert_eq!((item.operation.uuid(), item.effect), (entry.subject, Effect::Decided));
                let proven = match item.says {
                    Says::Applied => Some(EntryKind::RechargeCompleted),
                    Says::NotApplied(_) => Some(EntryKind::RechargeReleased),
                    Says::NotKnown => {
                        let horizon = item.submit_by.plus_ms(10_000);
                        assert!(item.kind == EvidenceKind::Inquiry && item.observed_at > horizon, "{item:?}");
                        assert!(entry.recorded_at > horizon, "nobody knows before: {entry:?}");
                        Some(EntryKind::RechargeReleased)
                    }
                    Says::Nothing => None,
                };
                assert_eq!(Some(kind), proven, "{item:?}");
                let early = item.kind == EvidenceKind::Statement && entry.recorded_at < item.promised_at;
                assert!(!early, "nobody states anything while the promise can be kept: {entry:?}");
                let by_checker = entry.actor.as_ref() == STATED;
                assert_eq!(item.kind == EvidenceKind::Statement, by_checker, "nobody states anything alone: {entry:?}");
            }
            EntryKind::EvidenceRecorded => {
                assert!(doubtful.contains(&entry.subject) && !ended.contains_key(&entry.subject), "{entry:?}");
                assert_eq!(item.unwrap().effect, Effect::Nothing);
            }
            EntryKind::EvidenceContradicts => {
                assert!(ended.contains_key(&entry.subject), "{entry:?}");
                assert_eq!(item.unwrap().effect, Effect::Contradicts);
            }
            _ => assert_eq!(item, None),
        }
    }
}

/// The stock follows from the outcomes, each counted once.
async fn settle_up(world: &World, operations: &[OperationId]) {
    let (mut sold, mut held) = (0, 0);
    for operation in operations {
        let stored = world.books.store.operation(*operation).await.unwrap().unwrap();
        sold += if stored.status == Status::Completed { AMOUNT } else { 0 };
        held += if stored.status.is_open() { AMOUNT } else { 0 };
        let items = world.books.store.evidence(&[*operation]).await.unwrap();
        // Kinds by what each can say: no more, however long it goes on.
        assert!(items.len() <= 40, "{items:?}");
    }
    let stock = world.stock("R1").await;
    assert_eq!((stock.posted, stock.held), (STOCK - sold, held));
}

fn config() -> EngineConfig {
    EngineConfig { cached_rows: 0, ..EngineConfig::default() }
}

on_every_store!(no_path_out_of_doubt_without_evidence, async |books: Books| {
    let world = World::new(books.clone()).await.node(&config());
    world.reseller("R1", STOCK).await;
    assert_eq!(rules().evidence.standard.miss_counts_after_ms, Some(10_000));
    let mut operations = Vec::new();
    for seed in 0..setting("TAABIA_DOUBT_SEEDS", 12) {
        operations.extend(play(&world, seed, 25).await);
    }
    check(&journal(&books, books.store.shards()).await);
    settle_up(&world, &operations).await;
    world.close().await;
});

#[tokio::test(start_paused = true)]
async fn nor_on_a_store_that_breaks() {
    for seed in 0..setting("TAABIA_DOUBT_SEEDS", 12) {
        let books = in_memory(2);
        let faulty = Arc::new(FaultyStore::new(books.store.clone(), seed, FaultRates::default()));
        let world = World::with(Books { store: faulty.clone(), ..books.clone() }, config()).await.node(&config());
        world.reseller("R1", STOCK).await;
        faulty.set_rates(FaultRates {
            lock_conflict_permille: 40,
            unavailable_permille: 20,
            refused_permille: 10,
            commit_lost_applied_permille: 60,
            commit_lost_not_applied_permille: 60,
            ..FaultRates::default()
        });
        let operations = play(&world, seed, 60).await;
        faulty.end_faults();
        check(&journal(&books, 2).await);
        settle_up(&world, &operations).await;
        world.close().await;
    }
}
