//! Accounts, holds and operations.

use super::*;

#[tokio::test]
async fn an_edited_account_is_named() {
    let account = AccountNumber(1_000);
    let found = finding(|state, _| state.books[OUTLETS].accounts.get_mut(&account).unwrap().posted += 1);
    assert_names(&found.await, "shard 1, account 1000 (reseller_stock): its balance is 98001, its postings give 98000");
    let found = finding(|state, _| state.books[OUTLETS].accounts.get_mut(&account).unwrap().held = 0);
    assert_names(&found.await, "shard 1, account 1000 (reseller_stock): 0 of it is held, its open holds sum to 6000");
    let found = finding(|state, world| {
        let other = ResellerId::from_uuid(uuid::Uuid::from_u128(1));
        let account = state.books[OUTLETS].accounts.values_mut().find(|account| account.owner == Some(world.outlet));
        account.unwrap().owner = Some(other);
    });
    assert_names(&found.await, "its account 1000 is not of the reseller that sells");
    let found = finding(|state, _| {
        state.books[OUTLETS].accounts.get_mut(&account).unwrap().owner = None;
        state.books[OUTLETS].holds.clear();
    });
    assert_names(&found.await, "its hold does not exist");
    let found = finding(|state, _| {
        state.books[OUTLETS].accounts.remove(&account);
    });
    assert_names(&found.await, "shard 1, posting 0 of entry 3: its account 1000 does not exist");
    let found = finding(|state, _| {
        let system = AccountClass::Issued.system_account();
        state.books[OUTLETS].accounts.get_mut(&system).unwrap().owner = Some(ResellerId::OPERATOR);
    });
    assert_names(&found.await, "shard 1, account 1 (issued): its number, class and owner");
}

#[tokio::test]
async fn an_edited_counter_is_named() {
    type Edit = fn(&mut taabia::domain::Usage);
    let edits: [Edit; 3] = [|usage| usage.count -= 1, |usage| usage.amount_minor -= 1, |usage| usage.day.0 += 1];
    for edit in edits {
        let account = AccountNumber(1_000);
        let found =
            finding(move |state, _| edit(&mut state.books[OUTLETS].accounts.get_mut(&account).unwrap().usage)).await;
        assert_names(&found, "shard 1, account 1000 (reseller_stock): it counts ");
    }
}

#[tokio::test]
async fn an_edited_hold_is_named() {
    let found = finding(|state, world| {
        state.books[OUTLETS].holds.get_mut(&world.submitted).unwrap().amount_minor = 1;
    });
    assert_names(&found.await, "it sets 1 aside for an operation of 1000");
    let found = finding(|state, world| {
        state.books[OUTLETS].holds.get_mut(&world.submitted).unwrap().account = AccountNumber(1_001);
    });
    assert_names(&found.await, "its account 1001 is not of the reseller that sells");
    let found = finding(|state, world| {
        state.books[OUTLETS].holds.remove(&world.in_doubt);
    });
    assert_names(&found.await, "it waits for an outcome since entry 7, but its hold does not exist");
    let world = world().await;
    world.store.with_raw(|state| {
        let mut hold = state.books[OUTLETS].holds[&world.submitted];
        hold.operation = world.completed;
        state.books[OUTLETS].holds.insert(world.completed, hold);
    });
    let found = audit(&world.store).await.unwrap_err();
    assert_names(&found, &format!("shard 1, hold of operation {}: no operation", world.completed.uuid()));
}

#[tokio::test]
async fn an_edited_operation_is_named() {
    type Edit = fn(&mut taabia::domain::Operation);
    let edits: [(&str, Edit); 6] = [
        ("amount", |operation| operation.amount_minor += 1),
        ("status", |operation| operation.status = Status::Reversed),
        ("decline", |operation| operation.decline = Some(Decline::SubscriberBarred)),
        ("balance", |operation| operation.balance_after = None),
        ("external id", |operation| operation.external_id = "other".parse().unwrap()),
        ("time", |operation| operation.created_at = Timestamp::EPOCH),
    ];
    for (name, edit) in edits {
        let world = world().await;
        for id in [world.completed, world.declined] {
            let before = world.store.with_raw(|state| state.books[OUTLETS].operations[&id].clone());
            world.store.with_raw(|state| edit(state.books[OUTLETS].operations.get_mut(&id).unwrap()));
            let found = audit(&world.store).await.expect_err(name);
            assert_names(&found, &format!("shard 1, operation rch_{}: its row does not have the content", id.uuid()));
            world.store.with_raw(|state| state.books[OUTLETS].operations.insert(id, before));
        }
        audit(&world.store).await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_or_rolled_back_operation_is_named() {
    let world = world().await;
    let row = |state: &mut State| state.books[OUTLETS].operations.remove(&world.completed).unwrap();
    let mut completed = world.store.with_raw(row);
    let name = format!("operation {}", world.completed.uuid());
    let found = audit(&world.store).await.unwrap_err();
    assert_names(&found, &format!("shard 1, {name}: entry 5 is about it, but its row does not exist"));

    completed.status = Status::Submitted;
    completed.updated_at = completed.created_at;
    completed.last_sequence = 5;
    world.store.with_raw(|state| state.books[OUTLETS].operations.insert(world.completed, completed));
    let found = audit(&world.store).await.unwrap_err();
    assert_names(&found, "its row stands at entry 5, but entry 8 moved it on: the row was set back");
}

#[tokio::test]
async fn an_operation_without_an_entry_is_named() {
    for (last_sequence, shard) in [(0, OUTLETS), (3, OUTLETS), (14, OUTLETS), (99, OUTLETS), (1, SELLER.index())] {
        let world = world().await;
        let id = OperationId::from_uuid(uuid::Uuid::from_u128(0x0193_9f3e_7c00_7000_8000_0000_0000_0000));
        world.store.with_raw(|state| {
            let mut operation = state.books[0].operations[&world.issue].clone();
            (operation.id, operation.last_sequence) = (id, last_sequence);
            state.books[shard].operations.insert(id, operation);
        });
        let found = audit(&world.store).await.unwrap_err();
        let expected = format!("shard {shard}, operation iss_{}: no journal entry brought it", id.uuid());
        assert_names(&found, &expected);
    }
    // A row that claims a later entry, so that its own is not compared.
    let world = world().await;
    for last_sequence in [14, 99] {
        world.store.with_raw(|state| {
            let operation = state.books[OUTLETS].operations.get_mut(&world.completed).unwrap();
            operation.amount_minor = 1;
            operation.last_sequence = last_sequence;
        });
        let found = audit(&world.store).await.unwrap_err();
        assert_names(&found, &format!("operation rch_{}: no journal entry", world.completed.uuid()));
    }
}

#[tokio::test]
async fn what_decisions_read_of_a_reseller_cannot_be_edited() {
    let limit = finding(|state, world| {
        let reseller = state.books[OUTLETS].resellers.get_mut(&world.outlet).unwrap();
        reseller.limits.per_day_minor = Some(1);
    });
    assert_names(&limit.await, "is not as entry 1 left it");
    let credit = finding(|state, _| {
        state.books[OUTLETS].accounts.get_mut(&AccountNumber(1_000)).unwrap().credit_limit = 5_000;
    });
    assert_names(&credit.await, "is not as entry 1 left it");
    let standing = finding(|state, world| {
        state.books[OUTLETS].resellers.get_mut(&world.outlet).unwrap().standing = taabia::domain::Standing::Closed;
    });
    assert_names(&standing.await, "is not as entry 1 left it");
    let name = finding(|state, world| {
        state.network.registrations.get_mut(&world.outlet).unwrap().name = "Somebody else".into();
    });
    assert_names(&name.await, "is not as entry 1 left it");
    let gone = finding(|state, world| {
        state.books[OUTLETS].resellers.remove(&world.outlet);
    });
    assert_names(&gone.await, "entry 1 is about it, but its row does not exist");
}
