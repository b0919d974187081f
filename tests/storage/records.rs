//! Records as rows.

use taabia::domain::{Record, RecordKind, RecordWant, ResellerId};
use taabia::ports::{StoreError, Wants};

use super::samples::{changes, reseller_id, session, shard, write};
use crate::support::database::{Database, on_both};
use crate::support::world::record;

fn sample(owner: Option<ResellerId>, version: i64) -> Record {
    let (key, content) = record(owner, 3);
    Record::new(key, version, content)
}

async fn load(db: &Database, want: RecordWant) -> Vec<Record> {
    let mut session = session(db).await;
    session.lock(&[shard(1)]).await.unwrap();
    let wants = Wants { records: vec![(shard(1), want)], ..Wants::default() };
    let mut loaded: Vec<Record> = session.load(&wants).await.unwrap().records.into_iter().map(|(_, r)| r).collect();
    session.rollback().await.unwrap();
    loaded.sort_by(|left, right| left.key().cmp(right.key()));
    loaded
}

on_both! {
    async fn records_read_back_as_they_are_wanted(db: &Database) {
        let (one, other) = (reseller_id(1), reseller_id(2));
        let records = [sample(None, 1), sample(Some(one), 1), sample(Some(other), 1)];
        let written = records.clone().map(Into::into);
        write(db, shard(1), |changes| changes.new_records = written.to_vec()).await;
        let snapshot = db.storage.audit.snapshot().await.unwrap();
        assert_eq!(snapshot.records, records.clone().map(|record| (shard(1), record)));
        for record in &records {
            assert_eq!(load(db, RecordWant::One(record.key().clone())).await, std::slice::from_ref(record));
            assert_eq!(db.storage.store.record(shard(1), record.key()).await.unwrap().as_ref(), Some(record));
            assert_eq!(db.storage.store.record(shard(2), record.key()).await.unwrap(), None);
        }
        assert_eq!(load(db, RecordWant::Kind(RecordKind::User)).await, records[1..]);
        assert_eq!(load(db, RecordWant::Owned(RecordKind::User, other)).await, records[2..]);
        assert_eq!(load(db, RecordWant::Owned(RecordKind::User, reseller_id(9))).await, []);
    }

    async fn a_record_changes_only_to_a_later_version(db: &Database) {
        let first = sample(Some(reseller_id(1)), 1);
        write(db, shard(1), |changes| changes.new_records = vec![first.clone().into()]).await;
        let later = sample(Some(reseller_id(1)), 3);
        write(db, shard(1), |changes| changes.updated_records = vec![later.clone().into()]).await;
        assert_eq!(db.storage.store.record(shard(1), later.key()).await.unwrap(), Some(later.clone()));
        let unknown = sample(Some(reseller_id(2)), 4);
        for (new, changed) in [(Some(first.clone()), None), (None, Some(later)), (None, Some(first)), (None, Some(unknown))] {
            let mut session = session(db).await;
            let head = session.lock(&[shard(1)]).await.unwrap().remove(0);
            let mut changes = changes(&head);
            changes.new_records.extend(new.map(Into::into));
            changes.updated_records.extend(changed.map(Into::into));
            let refused = session.persist(&[changes]).await;
            assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
            session.rollback().await.unwrap();
        }
    }

    async fn a_row_that_nothing_of_ours_wrote_is_corrupt(db: &Database) {
        let insert = if db.is_postgres() {
            "INSERT INTO record VALUES (1, 80, '00000000-0000-0000-0000-000000000000', 'default', 1, '{}')"
        } else {
            "INSERT INTO record VALUES (1, 80, zeroblob(16), 'default', 1, '{}')"
        };
        db.by_hand(insert).await.unwrap();
        let found = db.storage.store.record(shard(1), sample(None, 1).key()).await;
        assert_eq!(found, Err(StoreError::Corrupt("column record.content".into())));
    }
}
