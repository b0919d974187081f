//! A batch that was decided by memory is written in one step, or not at all.

use taabia::domain::{Operation, ResellerId};
use taabia::ports::StoreError;

use super::samples::{
    bare_recharge, changes, head, operation_id, registration, reseller, reseller_id, session, shard, stock_account,
    write,
};
use crate::support::database::{Database, on_both};

async fn stored(db: &Database, operation: &Operation) -> Option<Operation> {
    db.storage.store.operation(operation.id).await.unwrap()
}

on_both! {
    async fn a_batch_is_posted_without_a_lock(db: &Database) {
        let (first, second) = (head(db, shard(1)).await, head(db, shard(2)).await);
        let operation = bare_recharge(operation_id(shard(1), 1, 1), reseller_id(1));
        let mut batch = [changes(&first), changes(&second)];
        batch[0].new_operations.push(operation.clone());
        let mut session = session(db).await;
        session.post(&batch).await.unwrap();
        assert_eq!(stored(db, &operation).await, Some(operation));
        assert_eq!((head(db, shard(1)).await, head(db, shard(2)).await), (batch[0].head.clone(), batch[1].head.clone()));
    }

    async fn a_shard_that_has_changed_takes_nothing(db: &Database) {
        let (first, second) = (head(db, shard(1)).await, head(db, shard(2)).await);
        let operation = bare_recharge(operation_id(shard(1), 1, 1), reseller_id(1));
        let mut batch = [changes(&first), changes(&second)];
        batch[0].new_operations.push(operation.clone());
        write(db, shard(2), |_| ()).await;
        let mut session = session(db).await;
        let posted = session.post(&batch).await;
        assert!(matches!(posted, Err(StoreError::Stale(_))), "{posted:?}");
        assert_eq!(stored(db, &operation).await, None);
        assert_eq!(head(db, shard(1)).await, first);
        // The session goes on.
        session.lock(&[shard(1)]).await.unwrap();
        session.rollback().await.unwrap();
        batch[1] = changes(&head(db, shard(2)).await);
        session.post(&batch).await.unwrap();
        assert_eq!(stored(db, &operation).await, Some(operation));
    }

    async fn another_log_of_the_same_length_is_not_taken_for_ours(db: &Database) {
        let before = head(db, shard(1)).await;
        let mut batch = changes(&before);
        batch.before.frontier.append([7; 32]);
        let mut session = session(db).await;
        let posted = session.post(&[batch]).await;
        assert!(matches!(posted, Err(StoreError::Stale(_))), "{posted:?}");
        assert_eq!(head(db, shard(1)).await, before);
    }

    async fn a_taken_key_refuses_the_whole_batch(db: &Database) {
        let first = bare_recharge(operation_id(shard(1), 1, 1), reseller_id(1));
        write(db, shard(1), |changes| changes.new_operations.push(first.clone())).await;
        let before = head(db, shard(1)).await;
        let mut batch = changes(&before);
        let (again, other) = (operation_id(shard(1), 1, 2), operation_id(shard(1), 1, 3));
        batch.new_operations.push(Operation { id: again, ..first.clone() });
        let other = Operation { id: other, external_id: "other".parse().unwrap(), ..first.clone() };
        batch.new_operations.push(other.clone());
        let mut session = session(db).await;
        let posted = session.post(&[batch]).await;
        assert!(matches!(posted, Err(StoreError::KeyTaken(_))), "{posted:?}");
        assert_eq!((stored(db, &other).await, head(db, shard(1)).await), (None, before));
    }

    async fn rows_that_are_not_there_refuse_the_whole_batch(db: &Database) {
        let before = head(db, shard(1)).await;
        let ghost = bare_recharge(operation_id(shard(1), 1, 1), reseller_id(1));
        let mut session = session(db).await;
        for spoil in 0..3 {
            let mut batch = changes(&before);
            match spoil {
                0 => batch.updated_operations.push(ghost.clone()),
                1 => batch.removed_holds.push(ghost.id),
                _ => batch.updated_accounts.push(stock_account(1_000, reseller_id(1))),
            }
            let posted = session.post(&[batch]).await;
            assert!(matches!(posted, Err(StoreError::Refused(_))), "case {spoil}: {posted:?}");
            assert_eq!(head(db, shard(1)).await, before, "case {spoil}");
        }
    }

    async fn what_one_statement_does_not_write_is_posted_too(db: &Database) {
        let id: ResellerId = reseller_id(1);
        let mut batch = changes(&head(db, shard(1)).await);
        batch.registrations.push(registration(id, None));
        batch.new_resellers.push(reseller(id, 1_000));
        batch.new_accounts.push(stock_account(1_000, id));
        session(db).await.post(&[batch]).await.unwrap();
        assert!(db.storage.registry.reseller(id).await.unwrap().is_some());
    }
}
