//! Records, which the engine writes: verification finds what was done to their rows.

use taabia::domain::{Record, RecordKey};
use taabia::simulator::MemoryStore;

use super::*;
use crate::support::in_memory_on;
use crate::support::world::World as Business;

/// A user in the shard of R1 and the policy in all three shards, both changed once.
async fn business() -> (MemoryStore, usize) {
    let store = MemoryStore::new(3);
    let world = Business::new(in_memory_on(&store)).await;
    world.reseller("R1", 0).await;
    for number in [1, 2] {
        world.must(world.put(None, number, None)).await;
        world.must(world.put(Some("R1"), number, None)).await;
    }
    let shard = world.shard("R1").index();
    world.close().await;
    (store, shard)
}

async fn record_finding(tamper: impl FnOnce(&mut State, usize)) -> String {
    let (store, shard) = business().await;
    store.with_raw(|state| tamper(state, shard));
    audit(&store).await.expect_err("tampered books are not right")
}

fn key(state: &State, shard: usize, kind: &str) -> RecordKey {
    state.books[shard].records.keys().find(|key| key.kind().name() == kind).unwrap().clone()
}

#[tokio::test]
async fn an_edited_record_is_named() {
    for kind in ["user", "pin_policy"] {
        let found = record_finding(|state, shard| {
            let key = key(state, shard, kind);
            let stored = &state.books[shard].records[&key];
            let text = stored.text().replace("attempts\":", "attempts\": ");
            let edited = Record::read(key.clone(), stored.version(), &text).unwrap();
            state.books[shard].records.insert(key, edited);
        });
        let found = found.await;
        assert_names(&found, &format!("record {kind} default"));
        assert_names(&found, "its row is not as entry");
        let found = record_finding(|state, shard| {
            let key = key(state, shard, kind);
            let older = Record::read(key.clone(), 1, state.books[shard].records[&key].text()).unwrap();
            state.books[shard].records.insert(key, older);
        });
        assert_names(&found.await, "its row is not as entry");
        let found = record_finding(|state, shard| {
            let key = key(state, shard, kind);
            state.books[shard].records.remove(&key);
        });
        assert_names(&found.await, "is about it, but its row does not exist");
    }
}

#[tokio::test]
async fn a_record_without_an_entry_is_named() {
    let found = record_finding(|state, shard| {
        let key = key(state, shard, "user");
        let there = state.books[shard].records[&key].clone();
        let elsewhere = (shard + 1) % 3;
        state.books[elsewhere].records.insert(key, there);
    });
    assert_names(&found.await, "no journal entry put it");
}

#[tokio::test]
async fn a_copy_that_was_left_behind_is_named() {
    // One shard is put back to books in which the record never was, consistent in themselves.
    let (store, _) = business().await;
    let empty = MemoryStore::new(3);
    store.with_raw(|state| {
        let policy = key(state, 0, "pin_policy");
        let owned = |state: &State, shard: usize| state.books[shard].resellers.is_empty();
        let shard = (1..3).find(|shard| owned(state, *shard)).unwrap();
        empty.with_raw(|empty| std::mem::swap(&mut state.books[shard], &mut empty.books[shard]));
        assert!(!state.books[shard].records.contains_key(&policy));
    });
    let found = audit(&store).await.expect_err("a copy is missing");
    assert_names(&found, "record pin_policy default: it is not the same in this shard as in shard 0");
}
