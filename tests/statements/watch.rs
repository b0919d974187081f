//! Stock that is watched: told once when it crosses, brought up once for each time and day that it is low.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use taabia::domain::records::{Replenishment, ReplenishmentSource, StockAlert, StockWatch};
use taabia::domain::{Content, EntryKind, RecordKind};
use taabia::engine::EngineConfig;
use taabia::jobs::StockWatchJob;
use taabia::ledger::command::PutRecord;
use taabia::ledger::{Refusal, Request, stock_watch};
use taabia::ports::LedgerError;

use super::{calendar, sell};
use crate::support::SeededRandomness;
use crate::support::on_every_store;
use crate::support::world::{Books, World};

/// No two jobs draw the same ids, although the clock stands still.
static SEED: AtomicU64 = AtomicU64::new(77);

fn job(world: &World, node: usize) -> StockWatchJob {
    StockWatchJob {
        ledger: world.nodes[node].clone(),
        reads: world.books.store.clone(),
        movements: world.books.movements.clone(),
        registry: world.books.registry.clone(),
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(SEED.fetch_add(1_000_000, Ordering::Relaxed))),
        calendar: calendar(),
        shards: world.books.store.shards(),
        interval_ms: 1,
    }
}

async fn watch(world: &World, name: &str, threshold_minor: i64, up_to_minor: Option<i64>) {
    watch_from(world, name, threshold_minor, up_to_minor, ReplenishmentSource::Operator).await;
}

async fn watch_from(
    world: &World,
    name: &str,
    threshold_minor: i64,
    up_to_minor: Option<i64>,
    source: ReplenishmentSource,
) {
    let replenish = up_to_minor.map(|up_to_minor| Replenishment { source, up_to_minor });
    let key = stock_watch::key(RecordKind::StockWatch, world.id(name));
    let content = Content::StockWatch(StockWatch { threshold_minor, replenish });
    world.must(Request::PutRecord(PutRecord { key, expected: None, content })).await;
}

/// Opens a reseller below another.
fn below(world: &World, name: &str, parent: &str) -> Request {
    let Request::OpenReseller(mut open) = world.open(name) else { unreachable!("it opens a reseller") };
    open.registration.parent = Some(world.id(parent));
    Request::OpenReseller(open)
}

async fn alert(world: &World, name: &str) -> Option<(i64, StockAlert)> {
    let key = stock_watch::key(RecordKind::StockAlert, world.id(name));
    let record = world.books.store.record(world.shard(name), &key).await.unwrap()?;
    Some((record.version(), *record.body().unwrap()))
}

/// What the journal told of a reseller's stock.
async fn told(world: &World, name: &str) -> Vec<EntryKind> {
    let entries = world.books.audit.entries(world.shard(name), 0, i64::MAX, 10_000).await.unwrap();
    let subject = stock_watch::key(RecordKind::StockAlert, world.id(name)).subject();
    entries.iter().filter(|found| found.entry.subject == subject).map(|found| found.entry.kind).collect()
}

on_every_store!(a_crossing_is_told_once, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    world.reseller("R1", 10_000).await;
    world.reseller("R2", 10_000).await;
    watch(&world, "R1", 9_000, None).await;
    let both = async || {
        let (one, other) = (job(&world, 0), job(&world, 1));
        let (one, other) = tokio::join!(one.sweep(), other.sweep());
        one.and(other).unwrap();
    };
    both().await;
    assert_eq!(alert(&world, "R1").await, None);
    sell(&world, "R1", "a", 1_000).await;
    both().await;
    assert_eq!(alert(&world, "R1").await, None, "9,000 is not below 9,000");
    // What is held is not available.
    let held = world.recharge("R1", "b", 500).await;
    both().await;
    let (version, low) = alert(&world, "R1").await.unwrap();
    assert_eq!((version, low.is_low, low.available_minor, low.threshold_minor), (1, true, 8_500, 9_000));
    both().await;
    assert_eq!(told(&world, "R1").await, [EntryKind::StockLow]);
    world.must(World::resolve(held.id, crate::support::world::RELEASE)).await;
    both().await;
    assert_eq!(told(&world, "R1").await, [EntryKind::StockLow, EntryKind::StockRecovered]);
    sell(&world, "R1", "c", 1_000).await;
    both().await;
    // One that is not watched any more is not low.
    watch(&world, "R1", 0, None).await;
    both().await;
    assert_eq!(told(&world, "R1").await[2..], [EntryKind::StockLow, EntryKind::StockRecovered]);
    assert_eq!(told(&world, "R2").await, []);
    world.close().await;
});

on_every_store!(low_stock_is_brought_up_once_for_each_time_and_day, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    world.reseller("R1", 10_000).await;
    watch(&world, "R1", 9_500, Some(20_000)).await;
    let both = async || {
        let (one, other) = (job(&world, 0), job(&world, 1));
        let (one, other) = tokio::join!(one.sweep(), other.sweep());
        one.and(other).unwrap();
    };
    sell(&world, "R1", "a", 700).await;
    for _ in 0..4 {
        both().await;
    }
    assert_eq!(world.stock("R1").await.posted, 20_000);
    assert_eq!(told(&world, "R1").await, [EntryKind::StockLow, EntryKind::StockRecovered]);

    // A second time on the same day.
    watch(&world, "R1", 19_900, Some(30_000)).await;
    sell(&world, "R1", "b", 700).await;
    for _ in 0..4 {
        both().await;
    }
    assert_eq!(world.stock("R1").await.posted, 30_000);

    // What the operator does not have is tried once a day.
    let everything = 1_000_000_000_000;
    watch(&world, "R1", 50_000, Some(everything * 2)).await;
    for _ in 0..4 {
        both().await;
    }
    assert_eq!(world.stock("R1").await.posted, 30_000);
    let declined = async || {
        let entries = world.books.audit.entries(taabia::domain::Shard::OPERATOR, 0, i64::MAX, 10_000).await.unwrap();
        entries.iter().filter(|found| found.entry.kind == EntryKind::AllocationDeclined).count()
    };
    assert_eq!(declined().await, 1);
    world.clock.advance_ms(86_400_000);
    for _ in 0..3 {
        both().await;
    }
    assert_eq!(declined().await, 2);
    world.close().await;
});

on_every_store!(the_parent_brings_up_what_it_has, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    world.reseller("W1", 50_000).await;
    world.must(below(&world, "R1", "W1")).await;
    let parent = ReplenishmentSource::Parent;
    let both = async || {
        for _ in 0..4 {
            let (one, other) = (job(&world, 0), job(&world, 1));
            let (one, other) = tokio::join!(one.sweep(), other.sweep());
            one.and(other).unwrap();
        }
    };
    let declined = async || {
        let entries = world.books.audit.entries(world.shard("W1"), 0, i64::MAX, 10_000).await.unwrap();
        entries.iter().filter(|found| found.entry.kind == EntryKind::TransferDeclined).count()
    };
    let posted = async || (world.stock("W1").await.posted, world.stock("R1").await.posted);
    let operator = world.books.stock.operator_stock().await.unwrap();

    watch_from(&world, "R1", 5_000, Some(20_000), parent).await;
    both().await;
    assert_eq!(posted().await, (30_000, 20_000), "once, however many nodes look");
    assert_eq!(told(&world, "R1").await, [EntryKind::StockLow, EntryKind::StockRecovered]);
    // Low a second time on the same day: another alert, another key.
    sell(&world, "R1", "a", 16_000).await;
    both().await;
    assert_eq!(posted().await, (14_000, 20_000));

    // What the parent does not have is declined, and asked for once a day.
    sell(&world, "R1", "b", 19_000).await;
    both().await;
    assert_eq!((posted().await, declined().await), ((14_000, 1_000), 1));
    world.clock.advance_ms(86_400_000);
    both().await;
    assert_eq!((posted().await, declined().await), ((14_000, 1_000), 2));
    world.must(world.allocate("more", "W1", 10_000)).await;
    world.clock.advance_ms(86_400_000);
    both().await;
    assert_eq!((posted().await, declined().await), ((5_000, 20_000), 2));
    assert_eq!(world.books.stock.operator_stock().await.unwrap(), operator - 10_000, "the operator gave nothing else");

    // At the top nobody is asked.
    watch_from(&world, "W1", 50_000, Some(60_000), parent).await;
    both().await;
    assert_eq!(posted().await, (5_000, 20_000));
    assert_eq!(told(&world, "W1").await, [EntryKind::StockLow]);
    world.close().await;
});

on_every_store!(nobody_puts_an_alert, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 0).await;
    let key = stock_watch::key(RecordKind::StockAlert, world.id("R1"));
    let body = StockAlert { is_low: true, available_minor: 0, threshold_minor: 1, since_ms: 0 };
    let put = PutRecord { key, expected: None, content: Content::StockAlert(body) };
    let refused = world.execute(Request::PutRecord(put)).await;
    assert!(matches!(refused, Err(LedgerError::Refused(Refusal::StaleVersion { .. }))), "{refused:?}");
    let unknown = world.execute(Request::LookAtStock(world.id("nobody"))).await;
    assert_eq!(unknown.unwrap_err(), LedgerError::Refused(Refusal::UnknownReseller));
    world.close().await;
});
