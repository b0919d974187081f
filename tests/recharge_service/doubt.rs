//! Doubt is resolved by inquiry, by whichever node is there.

use std::sync::Arc;
use std::time::Duration;

use taabia::domain::{Decline, Status};
use taabia::ports::{Clock, LookupOutcome};
use tokio::time::Instant;

use super::script::{DEADLINE_MS, HORIZON_MS, PATIENT, Scripted, Shop, node};
use crate::support::database::{on_both, open};
use crate::support::program::until;
use crate::support::world::{Books, external_id};
use crate::support::{ManualClock, books_of, on_every_store};

on_every_store!(inquiry_says_what_became_of_it, async |books: Books| {
    let (shop, charging) = (Shop::new(books).await, Scripted::silent());
    let selling = shop.node(&charging);
    let mut sold = 0;
    for (key, found, status, decline) in [
        ("applied", LookupOutcome::Applied, Status::Completed, None),
        (
            "barred",
            LookupOutcome::NotApplied(Decline::SubscriberBarred),
            Status::Declined,
            Some(Decline::SubscriberBarred),
        ),
    ] {
        let id = shop.sell(&selling, key).await.unwrap().operation.id;
        shop.becomes(id, Status::InDoubt).await;
        charging.finds(found);
        shop.world.clock.advance_ms(DEADLINE_MS + 1);
        let doubt = shop.doubt(&selling, &charging, 10);
        assert_eq!(shop.becomes(id, status).await.decline, decline);
        doubt.end().await;
        sold += if status == Status::Completed { 1_000 } else { 0 };
        assert_eq!(shop.sold_and_held().await, (sold, 0));
    }
    assert_eq!(charging.refills(), (2, 2), "an inquiry never repeats a refill");
    shop.close(&[selling]).await;
});

on_every_store!(not_known_counts_only_after_the_horizon, async |books: Books| {
    let (shop, charging) = (Shop::new(books).await, Scripted::silent());
    let node = shop.node(&charging);
    let id = shop.sell(&node, "k").await.unwrap().operation.id;
    shop.becomes(id, Status::InDoubt).await;
    charging.finds(LookupOutcome::NotKnown);
    shop.world.clock.advance_ms(DEADLINE_MS + HORIZON_MS);
    let doubt = shop.doubt(&node, &charging, 10);
    charging.more_lookups(4).await;
    assert_eq!(shop.stored(id).await.status, Status::InDoubt, "on the horizon it may still be on its way");
    assert_eq!(shop.sold_and_held().await, (0, 1_000));
    shop.world.clock.advance_ms(1);
    let released = shop.becomes(id, Status::Declined).await;
    assert_eq!(released.decline, Some(Decline::ChargingDeclined));
    assert_eq!(shop.sold_and_held().await, (0, 0));
    doubt.end().await;
    shop.close(&[node]).await;
});

on_every_store!(failing_inquiries_back_off_and_prove_nothing, async |books: Books| {
    let (shop, charging) = (Shop::new(books).await, Scripted::silent());
    let node = shop.node(&charging);
    let id = shop.sell(&node, "k").await.unwrap().operation.id;
    shop.becomes(id, Status::InDoubt).await;
    charging.finds(LookupOutcome::Unknown("no answer".into()));
    shop.world.clock.advance_ms(DEADLINE_MS + 100 * HORIZON_MS);
    let begun = Instant::now();
    let doubt = shop.doubt(&node, &charging, 100);
    charging.more_lookups(4).await;
    // Pauses of 100, 200 and 400 ms, however often the store was read meanwhile.
    assert!(begun.elapsed() >= Duration::from_millis(700), "{:?}", begun.elapsed());
    assert_eq!(shop.stored(id).await.status, Status::InDoubt, "an inquiry that fails proves nothing, however late");
    charging.finds(LookupOutcome::Applied);
    shop.becomes(id, Status::Completed).await;
    assert_eq!(shop.sold_and_held().await, (1_000, 0));
    doubt.end().await;
    shop.close(&[node]).await;
});

on_both! {
    /// The node that reserved is gone with everything in its memory. Another takes over, but not before the
    /// deadline: until then the refill may be under way.
    async fn another_node_takes_over_after_the_deadline(db: &Database) {
        let (shop, charging) = (Shop::new(books_of(db)).await, Scripted::silent());
        let (url, caller, order) = (db.url.clone(), shop.caller.clone(), shop.order("k"));
        let (theirs, now) = (charging.clone(), shop.world.clock.now());
        // A runtime of its own dies with all its tasks, as a process does.
        let dying = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async {
                let storage = open(&url).await.unwrap();
                let books = Books {
                    store: storage.store,
                    registry: storage.registry,
                    network: storage.network,
                    audit: storage.audit,
                    movements: storage.movements,
                };
                let clock = Arc::new(ManualClock::at(&now.to_string()));
                let recharges = node(&books, &clock, &theirs, PATIENT).recharges;
                tokio::spawn(async move { recharges.create(&caller, order).await });
                until("the refill", async || (theirs.refills() == (1, 1)).then_some(())).await;
            });
            runtime.shutdown_background();
        });
        tokio::task::spawn_blocking(|| dying.join().unwrap()).await.unwrap();
        let (shard, reseller) = (shop.world.shard("R1"), shop.world.id("R1"));
        let found = shop.world.books.store.operation_by_key(shard, shop.world.partner, reseller, &external_id("k")).await;
        let id = found.unwrap().expect("its reservation is durable").id;

        let other = shop.node(&charging);
        charging.finds(LookupOutcome::Applied);
        let doubt = shop.doubt(&other, &charging, 10);
        shop.world.clock.advance_ms(DEADLINE_MS - 1);
        doubt.sweeps().await;
        assert_eq!((shop.stored(id).await.status, charging.lookups()), (Status::Submitted, 0));
        shop.world.clock.advance_ms(1);
        shop.becomes(id, Status::Completed).await;
        assert_eq!((shop.sold_and_held().await, charging.refills()), ((1_000, 0), (1, 1)));
        doubt.end().await;
        shop.close(&[other]).await;
    }
}
