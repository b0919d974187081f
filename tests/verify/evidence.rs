//! Evidence of doubts: whatever is done to its rows is found.

use std::sync::Arc;

use taabia::domain::{Effect, EvidenceItem, EvidenceKind, Says};
use taabia::ledger::Evidence;
use taabia::simulator::MemoryStore;

use super::*;
use crate::support::in_memory_on;
use crate::support::world::{RELEASE, World as Business};

/// A recharge that came out of doubt and one that is still in it, each with an item, and the shard where that stands.
async fn business() -> (MemoryStore, usize) {
    let store = MemoryStore::new(3);
    let world = Business::new(in_memory_on(&store)).await;
    world.reseller("R1", 10_000).await;
    for (key, evidence) in [("a", Evidence::Applied), ("b", RELEASE), ("c", Evidence::NotKnown)] {
        let operation = world.recharge("R1", key, 1_000).await;
        world.must(Business::resolve(operation.id, Evidence::NoAnswer)).await;
        world.must(Business::resolve(operation.id, evidence)).await;
    }
    let shard = world.shard("R1").index();
    world.close().await;
    (store, shard)
}

async fn finding(tamper: impl FnOnce(&mut Books)) -> String {
    let (store, shard) = business().await;
    store.with_raw(|state| tamper(&mut state.books[shard]));
    audit(&store).await.expect_err("tampered books are not right")
}

#[tokio::test]
async fn an_edited_added_or_deleted_item_is_named() {
    type Edit = fn(&mut EvidenceItem);
    let edits: [Edit; 9] = [
        |item| item.kind = EvidenceKind::DailyRecord,
        |item| item.says = Says::Nothing,
        |item| item.effect = Effect::Contradicts,
        |item| item.reference += 1,
        |item| item.system = "north".parse().unwrap(),
        |item| item.observed_at = Timestamp::from_unix_ms(1),
        |item| item.excerpt = "other".into(),
        |item| item.submit_by = Timestamp::EPOCH,
        |item| item.promised_at = Timestamp::EPOCH,
    ];
    for edit in edits {
        let found = finding(|books| edit(Arc::make_mut(books.evidence.first_entry().unwrap().into_mut())));
        assert_names(&found.await, "it does not give its stored leaf");
    }
    for which in 0..3 {
        let deleted = finding(|books| {
            let key = *books.evidence.keys().nth(which).unwrap();
            books.evidence.remove(&key);
        });
        assert_names(&deleted.await, "it does not give its stored leaf");
    }
    let stray = finding(|books| {
        let ((operation, _), item) = books.evidence.first_key_value().unwrap();
        let (operation, item) = (*operation, item.clone());
        books.evidence.insert((operation, 9_999), item);
    });
    assert_names(&stray.await, "item of evidence of entry 9999: there is no entry about its operation");
}

/// A doubt that was ended by somebody who writes leaves and heads himself.
#[tokio::test]
async fn an_outcome_of_a_doubt_without_evidence_is_named() {
    let store = MemoryStore::new(2);
    let mut scribe = Scribe::new(&store);
    let outlet = scribe.open_reseller(Shard::new(1), "R1").await;
    scribe.issue(ISSUED).await;
    scribe.allocate(outlet, 10_000).await;
    let doubt = scribe.reserve(outlet, 1_000).await;
    scribe.resolve(doubt, Status::InDoubt).await;
    scribe.resolve_unproven(doubt, Status::Completed).await;
    let found = audit(&store).await.expect_err("a doubt ended without evidence");
    assert_names(&found, "ended its doubt without an item of evidence that decided");
}
