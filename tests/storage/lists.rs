//! Lists of recharges, newest first, and the holds that are due.

use taabia::domain::{Details, Operation, OperationId, Shard, Status};
use taabia::ports::{RechargeQuery, Scope};

use super::samples::{
    at, bare_recharge, hold, msisdn, operation_id, recharge, registration, reseller_id, shard, write,
};
use crate::support::database::{Database, on_both};

/// Shard of a seller of these tests.
fn home(seller: u128) -> Shard {
    shard(u8::try_from(seller % 4).unwrap())
}

/// Sellers 1 and 2 below distributor 10, seller 3 below distributor 20. Each sells at times of its own to one of
/// two numbers; every third recharge is declined, every tenth waits. Newest first.
async fn network(db: &Database) -> Vec<Operation> {
    let (left, right) = (reseller_id(10), reseller_id(20));
    write(db, shard(0), |changes| {
        let tree = [(10, None), (20, None), (1, Some(left)), (2, Some(left)), (3, Some(right))];
        changes.registrations = tree.map(|(id, parent)| registration(reseller_id(id), parent)).into();
    })
    .await;
    let mut all = Vec::new();
    for seller in 1..=3_u128 {
        let mine: Vec<Operation> = (0..20)
            .map(|n| {
                let status = match n {
                    _ if n % 10 == 9 => Status::Submitted,
                    _ if n % 3 == 0 => Status::Declined,
                    _ => Status::Completed,
                };
                let ms = n * 1_000 + i64::try_from(seller).unwrap();
                recharge(home(seller), ms, reseller_id(seller), msisdn(u64::try_from(n % 2).unwrap()), status)
            })
            .collect();
        let allocation = Operation {
            details: crate::scribe::allocated(reseller_id(10)),
            ..bare_recharge(operation_id(home(seller), 500, 7), reseller_id(seller))
        };
        all.extend(mine.clone());
        write(db, home(seller), |changes| {
            changes.placed_holds =
                mine.iter().filter(|operation| operation.status.is_open()).map(|it| hold(it, 60_000)).collect();
            changes.new_operations = mine;
            changes.new_operations.push(allocation);
        })
        .await;
    }
    all.sort_by_key(|operation| std::cmp::Reverse(operation.id));
    all
}

fn everything(scope: Scope) -> RechargeQuery {
    RechargeQuery { scope, msisdn: None, status: None, from: None, to: None, after: None, limit: 1_000 }
}

fn few(sellers: &[u128]) -> Scope {
    Scope::Resellers(sellers.iter().map(|seller| (home(*seller), reseller_id(*seller))).collect())
}

async fn ids(db: &Database, query: &RechargeQuery) -> Vec<OperationId> {
    db.storage.store.recharges(query).await.unwrap().iter().map(|operation| operation.id).collect()
}

on_both! {
    async fn every_filter_gives_what_a_scan_of_all_would(db: &Database) {
        let all = network(db).await;
        let scopes: [(Scope, &[u128]); 6] = [
            (few(&[1, 2, 3]), &[1, 2, 3]),
            (few(&[2]), &[2]),
            (few(&[]), &[]),
            (Scope::Subtrees(vec![reseller_id(10)]), &[1, 2]),
            (Scope::Subtrees(vec![reseller_id(10), reseller_id(1), reseller_id(20)]), &[1, 2, 3]),
            (Scope::Subtrees(vec![reseller_id(77)]), &[]),
        ];
        let numbers = [None, Some(msisdn(1)), Some(msisdn(5))];
        let statuses = [None, Some(Status::Declined), Some(Status::Submitted), Some(Status::InDoubt)];
        let spans = [(None, None), (Some(at(5_002)), None), (None, Some(at(5_002))), (Some(at(2_000)), Some(at(9_003)))];
        let afters = [None, Some(all[20].id)];
        for (scope, sellers) in scopes {
            for msisdn in numbers {
                for status in statuses {
                    for (from, to) in spans {
                        for after in afters {
                            let query =
                                RechargeQuery { msisdn, status, from, to, after, ..everything(scope.clone()) };
                            let expected: Vec<OperationId> = all
                                .iter()
                                .filter(|o| sellers.iter().any(|seller| reseller_id(*seller) == o.reseller))
                                .filter(|o| msisdn.is_none_or(|number| o.recharge().unwrap().msisdn == number))
                                .filter(|o| status.is_none_or(|status| o.status == status))
                                .filter(|o| from.is_none_or(|from| o.created_at >= from))
                                .filter(|o| to.is_none_or(|to| o.created_at < to))
                                .filter(|o| after.is_none_or(|after| o.id < after))
                                .map(|o| o.id)
                                .collect();
                            assert_eq!(ids(db, &query).await, expected, "{query:?}");
                        }
                    }
                }
            }
        }
    }

    async fn pages_follow_each_other_without_gap_or_overlap(db: &Database) {
        let all = network(db).await;
        for scope in [few(&[1, 2, 3]), Scope::Subtrees(vec![reseller_id(10), reseller_id(20)])] {
            let mut seen = Vec::new();
            loop {
                let query =
                    RechargeQuery { after: seen.last().copied(), limit: 7, ..everything(scope.clone()) };
                let page = ids(db, &query).await;
                assert!(page.len() <= 7);
                if page.is_empty() {
                    break;
                }
                seen.extend(page);
            }
            assert_eq!(seen, all.iter().map(|operation| operation.id).collect::<Vec<_>>());
        }
    }

    async fn a_voided_key_is_in_the_list(db: &Database) {
        let tombstone = Operation {
            details: Details::Tombstone,
            amount_minor: 0,
            ..bare_recharge(operation_id(home(1), 1, 1), reseller_id(1))
        };
        write(db, home(1), |changes| changes.new_operations = vec![tombstone.clone()]).await;
        assert_eq!(db.storage.store.recharges(&everything(few(&[1]))).await.unwrap(), [tombstone]);
    }

    async fn the_longest_due_come_first(db: &Database) {
        let open = |ms, number: u8| bare_recharge(operation_id(shard(number), ms, number), reseller_id(1));
        let operations = [(open(1, 1), 300), (open(2, 2), 100), (open(3, 3), 200)];
        for (operation, due_ms) in &operations {
            write(db, operation.id.shard(), |changes| {
                changes.new_operations = vec![operation.clone()];
                changes.placed_holds = vec![taabia::domain::Hold {
                    placed_at: at(due_ms - 50),
                    ..hold(operation, *due_ms)
                }];
            })
            .await;
        }
        let store = &db.storage.store;
        let due = async |due_by, limit| -> Vec<i64> {
            let found = store.due(at(due_by), None, limit).await.unwrap();
            found.iter().map(|o| operations.iter().find(|(known, _)| known == o).unwrap().1).collect()
        };
        assert_eq!(due(299, 10).await, [100, 200]);
        assert_eq!(due(300, 10).await, [100, 200, 300]);
        assert_eq!(due(300, 1).await, [100]);
        assert_eq!(due(99, 10).await, [0_i64; 0]);
        assert_eq!(store.doubt(at(200)).await.unwrap(), (2, Some(at(50))));
        assert_eq!(store.doubt(at(99)).await.unwrap(), (0, None));
    }
}
