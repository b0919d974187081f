//! Staff actions: whatever is done to their rows is found.

use std::sync::Arc;

use taabia::domain::{Origin, StaffAction, Standing, Via};
use taabia::ledger::{Actor, Command};
use taabia::ports::Ledger;
use taabia::simulator::MemoryStore;

use super::*;
use crate::support::in_memory_on;
use crate::support::world::World as Business;

/// A reseller that was suspended and resumed, and the shard where that stands.
async fn business() -> (MemoryStore, usize) {
    let store = MemoryStore::new(3);
    let world = Business::new(in_memory_on(&store)).await;
    world.reseller("R1", 0).await;
    let origin = Origin { via: Via::Api, address: None, request: None, reason: Some("case 17".into()) };
    for standing in [Standing::Suspended, Standing::Active] {
        let actor = Actor::person("client:maker", origin.clone());
        world.nodes[0].execute(Command { actor, request: world.standing("R1", standing) }).await.unwrap();
    }
    let shard = world.shard("R1").index();
    world.close().await;
    (store, shard)
}

async fn staff_finding(tamper: impl FnOnce(&mut Books)) -> String {
    let (store, shard) = business().await;
    store.with_raw(|state| tamper(&mut state.books[shard]));
    audit(&store).await.expect_err("tampered books are not right")
}

#[tokio::test]
async fn an_edited_added_or_deleted_staff_action_is_named() {
    type Edit = fn(&mut StaffAction);
    let edits: [Edit; 6] = [
        |action| action.after = "{}".into(),
        |action| action.before = None,
        |action| action.actor = "client:other".into(),
        |action| action.reseller = ResellerId::OPERATOR,
        |action| action.recorded_at = Timestamp::EPOCH,
        |action| action.origin = Arc::new(Origin { reason: None, ..Origin::clone(&action.origin) }),
    ];
    for edit in edits {
        // The first of two, which no row of a reseller tells of any more.
        let found = staff_finding(|books| {
            let action = books.actions.first_entry().unwrap().into_mut();
            edit(Arc::make_mut(action));
        });
        assert_names(&found.await, "it does not give its stored leaf");
    }
    let deleted = staff_finding(|books| drop(books.actions.pop_first()));
    assert_names(&deleted.await, "it does not give its stored leaf");
    let added = staff_finding(|books| {
        let action = books.actions.values().next().unwrap().clone();
        let bare = *books.entries.keys().find(|sequence| !books.actions.contains_key(sequence)).unwrap();
        books.actions.insert(bare, action);
    });
    assert_names(&added.await, "it does not give its stored leaf");
    let stray = staff_finding(|books| {
        let action = books.actions.values().next().unwrap().clone();
        books.actions.insert(9_999, action);
    });
    assert_names(&stray.await, "staff action of entry 9999: its entry does not exist");
}
