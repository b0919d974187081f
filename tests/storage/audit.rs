//! What verification reads.

use taabia::domain::{AccountClass, EntryKind, Operation, Shard};
use uuid::Uuid;

use super::samples::{append, bare_recharge, hold, operation_id, posting, reseller_id, shard, stock_account, write};
use crate::support::database::{SHARDS, on_both};

on_both! {
    async fn a_snapshot_holds_heads_accounts_and_holds(db: &Database) {
        let operation = bare_recharge(operation_id(shard(1), 1, 1), reseller_id(1));
        let (held, account) = (hold(&operation, 90), stock_account(1_000, reseller_id(1)));
        write(db, shard(1), |changes| {
            changes.new_operations = vec![operation];
            changes.placed_holds = vec![held];
            changes.new_accounts = vec![account];
        })
        .await;
        let snapshot = db.storage.audit.snapshot().await.unwrap();
        let shards: Vec<Shard> = snapshot.heads.iter().map(|head| head.shard).collect();
        assert_eq!(shards, Shard::all(SHARDS).collect::<Vec<_>>());
        assert_eq!(snapshot.heads[1].version, 1);
        assert_eq!(snapshot.holds, [(shard(1), held)]);
        let system: usize = Shard::all(SHARDS).map(|shard| AccountClass::system_classes(shard).count()).sum();
        assert_eq!(snapshot.accounts.len(), system + 1);
        assert!(snapshot.accounts.contains(&(shard(1), account)));
    }

    async fn the_journal_comes_in_pages_with_postings_and_operations(db: &Database) {
        let operation = Operation { last_sequence: 3, ..bare_recharge(operation_id(shard(1), 1, 1), reseller_id(1)) };
        let mut leaves = Vec::new();
        write(db, shard(1), |changes| {
            let id = operation.id.uuid();
            let kind = EntryKind::RechargeReserved;
            leaves.push(append(changes, kind, id, [1; 32], vec![posting(1, 2, 3), posting(4, 5, 6)]));
            leaves.push(append(changes, EntryKind::ResellerOpened, Uuid::max(), [2; 32], vec![]));
            leaves.push(append(changes, EntryKind::RechargeCompleted, id, [3; 32], vec![posting(7, 8, 9)]));
            changes.new_operations = vec![operation.clone()];
        })
        .await;
        let audit = &db.storage.audit;
        let first = audit.entries(shard(1), 0, 3, 2).await.unwrap();
        let second = audit.entries(shard(1), 2, 3, 2).await.unwrap();
        let all: Vec<_> = first.iter().chain(&second).collect();
        assert_eq!((first.len(), second.len()), (2, 1));
        for (audited, leaf) in all.iter().zip(&leaves) {
            assert_eq!((audited.leaf, audited.entry.leaf()), (*leaf, *leaf));
        }
        assert_eq!(all[0].entry.postings, [posting(1, 2, 3), posting(4, 5, 6)]);
        assert_eq!(all[0].operation.as_ref(), Some(&operation));
        assert_eq!((all[1].entry.postings.len(), &all[1].operation), (0, &None));
        assert_eq!(audit.entries(shard(1), 0, 1, 10).await.unwrap().len(), 1, "none above the bound");
        assert!(audit.entries(shard(2), 0, 9, 10).await.unwrap().is_empty());
        assert_eq!(audit.count_operations(shard(1), 3).await.unwrap(), 1);
        assert_eq!(audit.count_operations(shard(1), 2).await.unwrap(), 0);
    }

    async fn a_posting_without_an_entry_is_found(db: &Database) {
        let audit = &db.storage.audit;
        assert_eq!(audit.stray_posting(shard(1), 10).await.unwrap(), None);
        let stray = db.by_hand("INSERT INTO posting VALUES (1, 7, 2, 1, 2, 1, 1, 1, 1)").await;
        if db.is_postgres() {
            // There a posting stands in the row of its entry, and nowhere else.
            return assert!(stray.unwrap_err().to_string().contains("view"));
        }
        stray.unwrap();
        assert_eq!(audit.stray_posting(shard(1), 6).await.unwrap(), None);
        assert_eq!(audit.stray_posting(shard(2), 10).await.unwrap(), None);
        assert!(audit.stray_posting(shard(1), 10).await.unwrap().unwrap().contains("7/2"));
    }
}
