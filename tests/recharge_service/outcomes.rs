//! What the charging system says, when, and what becomes of it.

use std::sync::{Arc, Mutex};

use futures::future::join_all;
use taabia::domain::{Decline, Operation, Status};
use taabia::ports::{ChargingOutcome, LookupOutcome};
use taabia::services::ServiceError;

use super::script::{DEADLINE_MS, HORIZON_MS, Scripted, Shop};
use crate::support::database::Database;
use crate::support::program::until;
use crate::support::world::Books;
use crate::support::{books_of, in_memory, on_every_store};

on_every_store!(a_slow_answer_settles_what_was_answered_as_submitted, async |books: Books| {
    let (shop, charging) = (Shop::new(books).await, Scripted::silent());
    let node = shop.hasty_node(&charging);
    // On a busy machine even the reservation may take too long; then the same id is sent again.
    let first = until("the reservation", async || shop.sell(&node, "k").await.ok()).await;
    assert_eq!(first.operation.status, Status::Submitted);
    assert!(node.recharges.final_status_expected_at(&first.operation).is_some());
    assert_eq!(shop.sold_and_held().await, (0, 1_000));
    let again = until("the replay", async || shop.sell(&node, "k").await.ok()).await;
    assert!(again.replayed && again.operation.status == Status::Submitted, "{again:?}");
    assert_eq!(again.operation.id, first.operation.id);
    charging.answers(ChargingOutcome::Approved);
    shop.becomes(first.operation.id, Status::Completed).await;
    assert_eq!(shop.sold_and_held().await, (1_000, 0));
    let now = until("the replay", async || shop.sell(&node, "k").await.ok()).await;
    assert!(now.replayed && now.operation.status == Status::Completed, "a replay tells the present: {now:?}");
    assert_eq!(charging.refills(), (1, 1));
    shop.close(&[node]).await;
});

on_every_store!(an_answer_after_the_deadline_ends_the_doubt, async |books: Books| {
    let (shop, charging) = (Shop::new(books).await, Scripted::silent());
    let node = shop.node(&charging);
    let approved = shop.sell(&node, "approved").await.unwrap().operation.id;
    shop.becomes(approved, Status::InDoubt).await;
    assert_eq!(shop.sold_and_held().await, (0, 1_000), "doubt keeps the hold");
    charging.answers(ChargingOutcome::Approved);
    shop.becomes(approved, Status::Completed).await;
    assert_eq!(shop.sold_and_held().await, (1_000, 0));
    assert_eq!((charging.refills(), charging.lookups()), ((1, 1), 0));
    shop.close(&[node]).await;
});

on_every_store!(refusals_and_what_was_never_sent_give_the_stock_back, async |books: Books| {
    let shop = Shop::new(books).await;
    let mut nodes = Vec::new();
    for (outcome, decline) in [
        (ChargingOutcome::Declined(Decline::SubscriberBarred), Decline::SubscriberBarred),
        (ChargingOutcome::Declined(Decline::SubscriberUnknown), Decline::SubscriberUnknown),
        (ChargingOutcome::NotSent, Decline::ChargingDeclined),
    ] {
        let charging = Scripted::answering(outcome);
        let node = shop.node(&charging);
        let answer = shop.sell(&node, decline.code()).await.unwrap();
        assert_eq!((answer.operation.status, answer.operation.decline), (Status::Declined, Some(decline)));
        let again = shop.sell(&node, decline.code()).await.unwrap();
        assert!(again.replayed && again.operation.decline == Some(decline), "final for its key");
        assert_eq!((shop.sold_and_held().await, charging.refills()), ((0, 0), (1, 1)));
        nodes.push(node);
    }
    shop.close(&nodes).await;
});

on_every_store!(of_64_identical_requests_one_refills, async |books: Books| {
    let (shop, charging) = (Shop::new(books).await, Scripted::answering(ChargingOutcome::Approved));
    let nodes = [shop.node(&charging), shop.node(&charging)];
    let answers = join_all((0..64).map(|n| shop.sell(&nodes[n % 2], "k"))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let id = answers[0].operation.id;
    assert!(answers.iter().all(|answer| answer.operation.id == id), "one recharge");
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    shop.becomes(id, Status::Completed).await;
    assert_eq!((shop.sold_and_held().await, charging.refills()), ((1_000, 0), (1, 1)));
    shop.close(&nodes).await;
});

on_every_store!(draining_waits_for_what_is_outstanding_and_takes_no_more, async |books: Books| {
    let (shop, charging) = (Shop::new(books).await, Scripted::silent());
    let node = shop.node(&charging);
    let outstanding = shop.sell(&node, "k").await.unwrap().operation.id;
    let recharges = node.recharges.clone();
    let mut drained = std::pin::pin!(recharges.drain());
    assert!(futures::poll!(drained.as_mut()).is_pending());
    let refused = shop.sell(&node, "late").await;
    assert!(matches!(refused, Err(ServiceError::Overloaded { .. })), "{refused:?}");
    shop.becomes(outstanding, Status::InDoubt).await;
    assert!(futures::poll!(drained.as_mut()).is_pending(), "the answer may still come");
    charging.answers(ChargingOutcome::Approved);
    drained.await;
    assert_eq!(shop.stored(outstanding).await.status, Status::Completed);
    shop.close(&[node]).await;
});

/// What was logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The charging system is late beyond its own horizon: what was released stays released, and somebody is told.
async fn an_approval_after_the_release(books: Books) {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    // Of this thread alone, which runs everything of this test.
    let _logging = tracing::subscriber::set_default(lines);
    let (shop, charging) = (Shop::new(books).await, Scripted::silent());
    let node = shop.node(&charging);
    let id = shop.sell(&node, "k").await.unwrap().operation.id;
    shop.becomes(id, Status::InDoubt).await;
    charging.finds(LookupOutcome::NotKnown);
    shop.world.clock.advance_ms(DEADLINE_MS + HORIZON_MS + 1);
    let doubt = shop.doubt(&node, &charging, 10);
    let released = shop.becomes(id, Status::Declined).await;
    charging.answers(ChargingOutcome::Approved);
    let text = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    until("the alarm", async || text().lines().any(|line| line.contains("ERROR")).then_some(())).await;
    assert!(text().contains(&format!("rch_{}", id.uuid())), "{}", text());
    assert!(!text().contains("212612345678"), "numbers stay out of logs: {}", text());
    let stored = shop.stored(id).await;
    // The contradiction is an entry of its own, and nothing else of it changes.
    assert!(stored.last_sequence > released.last_sequence, "{stored:?}");
    assert_eq!(Operation { last_sequence: released.last_sequence, ..stored }, released);
    assert_eq!(shop.sold_and_held().await, (0, 0));
    doubt.end().await;
    shop.close(&[node]).await;
}

#[tokio::test]
async fn an_approval_after_the_release_changes_nothing_in_memory() {
    an_approval_after_the_release(in_memory(3)).await;
}

#[tokio::test]
async fn an_approval_after_the_release_changes_nothing_on_sqlite() {
    an_approval_after_the_release(books_of(&Database::sqlite().await)).await;
}

#[tokio::test]
async fn an_approval_after_the_release_changes_nothing_on_postgres() {
    an_approval_after_the_release(books_of(&Database::postgres().await)).await;
}
