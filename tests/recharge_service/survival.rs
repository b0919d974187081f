//! Callers that vanish, and a store that is away at the worst moment.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use sqlx::{Connection, PgConnection, SqliteConnection};
use taabia::domain::Status;
use taabia::ports::ChargingOutcome;
use taabia::services::{RechargeFilter, ServiceError};
use taabia::simulator::{Fault, FaultRates, FaultyStore, Point};
use tokio::time::timeout;

use super::script::{Scripted, Shop};
use crate::support::database::{Database, on_both};
use crate::support::program::until;
use crate::support::world::Books;
use crate::support::{SeededRandomness, books_of, on_every_store};

const ABORTED: usize = 10_000;

on_both! {
    /// Each of them is dropped somewhere on its way: while it is authorised, queues, is decided, is charged.
    async fn ten_thousand_callers_that_vanish(db: &Database) {
        let (shop, charging) = (Shop::new(books_of(db)).await, Scripted::answering(ChargingOutcome::Approved));
        let node = shop.node(&charging);
        let random = SeededRandomness::new(3);
        let requests = (0..ABORTED).map(|n| {
            let (patience, order) = (Duration::from_micros(random.next() % 80_000), shop.order(&format!("k{n}")));
            let (recharges, caller) = (node.recharges.clone(), shop.caller.clone());
            async move { timeout(patience, recharges.create(&caller, order)).await }
        });
        futures::stream::iter(requests).buffer_unordered(500).for_each(|_| std::future::ready(())).await;
        node.recharges.drain().await;
        let mut filter = RechargeFilter { reseller: Some(shop.world.id("R1")), limit: 200, ..RechargeFilter::default() };
        let mut found = 0;
        loop {
            let page = node.recharges.list(&shop.caller, filter.clone()).await.unwrap();
            for operation in &page.items {
                assert_eq!(operation.status, Status::Completed, "whole: {operation:?}");
            }
            found += page.items.len();
            filter.after = page.next;
            if filter.after.is_none() {
                break;
            }
        }
        println!("{found} of {ABORTED} had reached the ledger");
        assert!(found > 0);
        assert_eq!(shop.sold_and_held().await, (1_000 * i64::try_from(found).unwrap(), 0));
        assert_eq!(charging.refills(), (found, found));
        until("no open transaction", async || (open_transactions(db).await == 0).then_some(())).await;
        shop.close(&[node]).await;
    }
}

/// Transactions that somebody began and nobody ended.
async fn open_transactions(db: &Database) -> i64 {
    if db.is_postgres() {
        let mut connection = PgConnection::connect(&db.url).await.unwrap();
        let open = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
        return sqlx::query_scalar(open).fetch_one(&mut connection).await.unwrap();
    }
    // Truncating the log is "busy" as long as anybody reads or writes.
    let mut connection = SqliteConnection::connect(&db.url).await.unwrap();
    let (busy, _, _): (i64, i64, i64) =
        sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await.unwrap();
    busy
}

on_every_store!(an_approval_while_the_store_is_away_is_settled_when_it_is_back, async |books: Books| {
    let faulty = Arc::new(FaultyStore::new(books.store.clone(), 1, FaultRates::default()));
    let (shop, charging) = (Shop::new(Books { store: faulty.clone(), ..books }).await, Scripted::silent());
    let node = shop.node(&charging);
    let id = shop.sell(&node, "k").await.unwrap().operation.id;
    faulty.set_rates(FaultRates {
        session_unavailable_permille: 1_000,
        unavailable_permille: 1_000,
        ..FaultRates::default()
    });
    charging.answers(ChargingOutcome::Approved);
    // Its first try breaks the connection, the next ones get none.
    until("tries", async || (faulty.struck(Point::Session, Fault::Unavailable) >= 3).then_some(())).await;
    let refused = shop.sell(&node, "meanwhile").await;
    assert!(matches!(refused, Err(ServiceError::Unavailable { .. })), "{refused:?}");
    assert!(shop.stored(id).await.status.is_open());
    faulty.set_rates(FaultRates::default());
    shop.becomes(id, Status::Completed).await;
    assert_eq!((shop.sold_and_held().await, charging.refills()), ((1_000, 0), (1, 1)));
    let meanwhile = shop.sell(&node, "meanwhile").await.unwrap();
    assert!(!meanwhile.replayed, "what was refused had stored nothing");
    shop.becomes(meanwhile.operation.id, Status::Completed).await;
    shop.close(&[node]).await;
});
