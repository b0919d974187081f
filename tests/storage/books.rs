//! What a poster writes is what is read, and what it does not commit never was.

use taabia::domain::operation::claim_key;
use taabia::domain::records::{Bounds, LimitChange};
use taabia::domain::{
    AccountClass, AccountNumber, Allocation, Asked, BusinessDay, ClientId, Decline, Details, Direction, EntryKind,
    FourEyes, LimitRaise, Limits, Operation, OperationId, Price, Proposal, ResellerId, Ruling, Run, RunLine, RunTotals,
    Standing, Status, Terms, Usage, Verdict,
};
use taabia::ledger::Head;
use taabia::ledger::merkle::Frontier;
use taabia::ports::{Claim, Loaded, RecentRecharge, SalesSince, ShardKey, StoreError, Wants};

use super::samples::{
    append, at, bare_recharge, changes, full_recharge, head, hold, msisdn, operation_id, posting, recharge,
    registration, reseller, reseller_id, session, shard, stock_account, write,
};
use crate::support::database::{Database, install_options, on_both};

async fn load(db: &Database, wants: Wants) -> Loaded {
    let mut session = session(db).await;
    let shards: Vec<_> = (0..4).map(shard).collect();
    session.lock(&shards).await.unwrap();
    let loaded = session.load(&wants).await.unwrap();
    session.rollback().await.unwrap();
    loaded
}

async fn stored(db: &Database, id: OperationId) -> Option<Operation> {
    db.storage.store.operation(id).await.unwrap()
}

/// One operation of each kind, every field of it filled, beside those that are given.
fn one_of_each(full: &Operation, bare: &Operation, seller: ResellerId, receiver: ResellerId) -> [Operation; 8] {
    let tombstone = Operation {
        amount_minor: 0,
        status: Status::Declined,
        decline: Some(Decline::Voided),
        details: Details::Tombstone,
        ..bare_recharge(operation_id(shard(1), 3, 3), seller)
    };
    let issue = Operation {
        reseller: ResellerId::OPERATOR,
        details: proposed(Proposal::Issue, None),
        ..bare_recharge(operation_id(shard(1), 4, 4), seller)
    };
    let allocation = Operation {
        reseller: ResellerId::OPERATOR,
        details: Details::Allocation(Box::new(Allocation {
            to: receiver,
            terms: Terms::OnAccount,
            reason: "Réassort".parse().unwrap(),
            asked: Asked::TopUpTo(7),
            price: Some(Price { net_minor: 5, vat_minor: 1, discount_minor: 2, residue_minor: -1, catalogue: 7 }),
            run: Some(RunLine { run: operation_id(shard(1), 7, 7), number: 3 }),
        })),
        ..bare_recharge(operation_id(shard(1), 5, 5), seller)
    };
    let adjustment = Operation {
        reseller: ResellerId::OPERATOR,
        details: proposed(
            Proposal::Adjustment { reseller: Some(receiver), direction: Direction::Out },
            Some(Verdict {
                checker: ClientId::from_uuid(uuid::Uuid::from_u128(2)),
                ruling: Ruling::Refuse,
                reason: "لا".parse().unwrap(),
                at: at(7),
            }),
        ),
        status: Status::Refused,
        ..bare_recharge(operation_id(shard(1), 6, 6), seller)
    };
    let change = LimitChange {
        reseller: receiver,
        effective_from: Some(at(8)),
        terminal: Some("T \"1\"".parse().unwrap()),
        bounds: Bounds { per_day_count: Some(0), per_month_minor: Some(i64::MAX), ..Bounds::default() },
        credit_limit_minor: Some(3),
    };
    let raise = Operation {
        reseller: ResellerId::OPERATOR,
        amount_minor: 0,
        details: proposed(Proposal::LimitRaise(Box::new(LimitRaise { change, version: 4 })), None),
        status: Status::PendingApproval,
        ..bare_recharge(operation_id(shard(1), 8, 8), seller)
    };
    let run = Operation {
        reseller: ResellerId::OPERATOR,
        details: Details::Run(Box::new(Run {
            terms: Terms::Consignment,
            reason: "الافتتاح".parse().unwrap(),
            started_by: ClientId::from_uuid(uuid::Uuid::from_u128(3)),
            request: [1; 32],
            lines: 3,
            lines_digest: [2; 32],
            totals: Some(RunTotals { done: 2, refused: 1, amount_minor: 9 }),
        })),
        status: Status::CompletedWithRefusals,
        ..bare_recharge(operation_id(shard(1), 7, 7), seller)
    };
    [full.clone(), bare.clone(), tombstone, issue, allocation, adjustment, run, raise]
}

on_both! {
    async fn a_new_shard_has_an_empty_log_and_its_system_accounts(db: &Database) {
        let mut session = session(db).await;
        let heads = session.lock(&[shard(2), shard(0), shard(99)]).await.unwrap();
        let empty = |number| Head {
            shard: shard(number),
            version: 0,
            sequence: 0,
            frontier: Frontier::default(),
            recorded_at: install_options().created_at,
            next_account: AccountNumber::FIRST_OWN.0,
        };
        assert_eq!(heads, [empty(0), empty(2)]);
        let wants = Wants { system_accounts: vec![shard(0), shard(2)], ..Wants::default() };
        let loaded = session.load(&wants).await.unwrap();
        for number in [0, 2] {
            let mut classes: Vec<AccountClass> =
                loaded.accounts.iter().filter(|(of, _)| *of == shard(number)).map(|(_, account)| account.class).collect();
            classes.sort_unstable();
            assert_eq!(classes, AccountClass::system_classes(shard(number)).collect::<Vec<_>>(), "shard {number}");
        }
        assert!(loaded.accounts.iter().all(|(_, account)| account.number == account.class.system_account()));
        session.rollback().await.unwrap();
    }

    async fn every_field_of_every_row_reads_back(db: &Database) {
        let (seller, receiver) = (reseller_id(1), reseller_id(2));
        let full = full_recharge(operation_id(shard(1), 1, 1), seller);
        let bare = bare_recharge(operation_id(shard(1), 2, 2), seller);
        let operations = one_of_each(&full, &bare, seller, receiver);
        let held = hold(&full, 90);
        let (rich, poor) = (reseller(seller, 1_000), reseller(receiver, 1_001));
        let poor = taabia::domain::Reseller { limits: Limits::default(), standing: Standing::Active, ..poor };
        let accounts = [stock_account(1_000, seller), stock_account(1_001, receiver)];
        let expected = operations.clone();
        write(db, shard(1), |changes| {
            changes.new_operations = operations.to_vec();
            changes.placed_holds = vec![held];
            changes.new_accounts = accounts.to_vec();
            changes.new_resellers = vec![rich, poor];
            changes.registrations = vec![registration(seller, None), registration(receiver, Some(seller))];
            changes.head.next_account = 1_002;
            append(changes, EntryKind::RechargeReserved, full.id.uuid(), [7; 32], vec![posting(5, 1_000, 3)]);
        })
        .await;

        for operation in &expected {
            assert_eq!(stored(db, operation.id).await.as_ref(), Some(operation));
        }
        let wants = Wants {
            resellers: vec![(shard(1), seller), (shard(1), receiver), (shard(2), seller)],
            operations: vec![full.id, bare.id, operation_id(shard(1), 9, 9)],
            ..Wants::default()
        };
        let mut loaded = load(db, wants).await;
        loaded.resellers.sort_by_key(|(_, reseller)| reseller.stock_account);
        assert_eq!(loaded.resellers, [(shard(1), rich), (shard(1), poor)]);
        loaded.accounts.sort_by_key(|(_, account)| account.number);
        assert_eq!(loaded.accounts, accounts.map(|account| (shard(1), account)));
        loaded.operations.sort_by_key(|(operation, _)| operation.id);
        assert_eq!(loaded.operations, [(full, Some(held)), (bare, None)]);
        assert_eq!(db.storage.store.stock(shard(1), seller).await.unwrap(), Some(accounts[0]));
        assert_eq!(db.storage.store.stock(shard(2), seller).await.unwrap(), None);
        let after = head(db, shard(1)).await;
        assert_eq!((after.version, after.sequence, after.next_account), (1, 1, 1_002));
        assert_eq!((after.frontier.size(), after.recorded_at), (1, at(1)));
    }

    async fn rows_change_to_their_new_state(db: &Database) {
        let seller = reseller_id(1);
        let reserved = bare_recharge(operation_id(shard(1), 1, 1), seller);
        let tombstone =
            Operation { details: Details::Tombstone, ..bare_recharge(operation_id(shard(1), 2, 2), seller) };
        let account = stock_account(1_000, seller);
        write(db, shard(1), |changes| {
            changes.new_operations = vec![reserved.clone(), tombstone.clone()];
            changes.placed_holds = vec![hold(&reserved, 90)];
            changes.new_accounts = vec![account];
            changes.new_resellers = vec![reseller(seller, 1_000)];
            changes.registrations = vec![registration(seller, None)];
        })
        .await;

        let settled = Operation {
            status: Status::Declined,
            decline: Some(Decline::SubscriberBarred),
            updated_at: at(50),
            last_sequence: 2,
            ..reserved
        };
        // The late request for a voided key brings its content.
        let late = full_recharge(tombstone.id, seller);
        let late = Operation {
            external_id: tombstone.external_id,
            created_at: tombstone.created_at,
            decline: Some(Decline::Voided),
            ..late
        };
        let mut after = account;
        (after.posted, after.held, after.credit_limit) = (1, 0, 2);
        after.usage = Usage { day: BusinessDay(3), count: 4, amount_minor: 5 };
        let opened = taabia::domain::Reseller {
            standing: Standing::Closed,
            limits: Limits::default(),
            ..reseller(seller, 1_000)
        };
        let (settled_too, late_too) = (settled.clone(), late.clone());
        write(db, shard(1), move |changes| {
            changes.updated_operations = vec![settled_too, late_too];
            changes.removed_holds = vec![settled.id];
            changes.updated_accounts = vec![after];
            changes.updated_resellers = vec![opened];
        })
        .await;

        let wants = Wants {
            resellers: vec![(shard(1), seller)],
            operations: vec![late.id],
            ..Wants::default()
        };
        let loaded = load(db, wants).await;
        assert_eq!(loaded.accounts, [(shard(1), after)]);
        assert_eq!(loaded.resellers, [(shard(1), opened)]);
        assert_eq!(loaded.operations, [(late, None)]);
        let settled = stored(db, reserved.id).await.unwrap();
        assert_eq!((settled.status, settled.decline), (Status::Declined, Some(Decline::SubscriberBarred)));
        assert_eq!(settled.updated_at, at(50));
        assert_eq!(db.storage.store.doubt(at(1_000)).await.unwrap(), (0, None));
    }

    async fn one_transaction_writes_several_shards(db: &Database) {
        let mut session = session(db).await;
        let heads = session.lock(&[shard(3), shard(1)]).await.unwrap();
        let batch: Vec<_> = heads.iter().map(changes).collect();
        session.persist(&batch).await.unwrap();
        session.commit().await.unwrap();
        let heads = session.lock(&[shard(1), shard(2), shard(3)]).await.unwrap();
        assert_eq!(heads.iter().map(|head| head.version).collect::<Vec<_>>(), [1, 0, 1]);
        session.rollback().await.unwrap();
    }

    async fn a_key_is_claimed_once(db: &Database) {
        let seller = reseller_id(1);
        let first = bare_recharge(operation_id(shard(1), 1, 1), seller);
        let wanted = |key| ShardKey { shard: shard(1), key };
        let mut session = session(db).await;
        let heads = session.lock(&[shard(1)]).await.unwrap();
        assert_eq!(session.holders(&[wanted(first.key()), wanted([0; 16])]).await.unwrap(), []);
        assert_eq!(session.holders(&[]).await.unwrap(), []);
        let mut batch = changes(&heads[0]);
        batch.new_operations.push(first.clone());
        session.persist(&[batch]).await.unwrap();
        session.commit().await.unwrap();

        let heads = session.lock(&[shard(1)]).await.unwrap();
        let holders = session.holders(&[wanted([1; 16]), wanted(first.key()), wanted([2; 16])]).await.unwrap();
        assert_eq!(holders, [Claim { shard: shard(1), key: first.key(), operation: first.id }]);
        let mut batch = changes(&heads[0]);
        batch.new_operations.push(Operation { id: operation_id(shard(1), 1, 2), ..first.clone() });
        let again = session.persist(&[batch]).await;
        assert!(matches!(again, Err(StoreError::KeyTaken(_))), "{again:?}");
        session.rollback().await.unwrap();

        let store = &db.storage.store;
        let by_key = |external_id| store.operation_by_key(shard(1), first.partner, seller, external_id);
        assert_eq!(by_key(&first.external_id).await.unwrap(), Some(first.clone()));
        assert_eq!(by_key(&"another".parse().unwrap()).await.unwrap(), None);
    }

    async fn a_key_that_only_hashes_alike_is_not_the_same(db: &Database) {
        let first = bare_recharge(operation_id(shard(1), 1, 1), reseller_id(1));
        let other_id = "another".parse().unwrap();
        write(db, shard(1), |changes| changes.new_operations.push(first.clone())).await;
        let alike = claim_key(first.partner, first.reseller, &other_id);
        let (open, close) = if db.is_postgres() { ("'\\x", "'") } else { ("x'", "'") };
        let literal = |key: [u8; 16]| format!("{open}{}{close}", hex::encode(key));
        let statement = format!("UPDATE claim SET key = {} WHERE key = {}", literal(alike), literal(first.key()));
        assert_eq!(db.by_hand(statement.leak()).await.unwrap(), 1);
        let found = db.storage.store.operation_by_key(shard(1), first.partner, first.reseller, &other_id).await;
        assert_eq!(found.unwrap(), None);
    }

    async fn a_new_memory_reads_what_was_sold_lately(db: &Database) {
        let (seller, number) = (reseller_id(1), msisdn(1));
        write(db, shard(1), |changes| {
            for (ms, status) in [(1_000, Status::Completed), (2_000, Status::Submitted), (3_000, Status::Declined)] {
                changes.new_operations.push(recharge(shard(1), ms, seller, number, status));
            }
        })
        .await;
        let question = SalesSince { shard: shard(1), since: at(500), limit: 2 };
        let sales = vec![
            question,
            SalesSince { since: at(1_000), ..question },
            SalesSince { limit: 1, ..question },
            SalesSince { shard: shard(2), ..question },
        ];
        let loaded = load(db, Wants { sales: sales.clone(), ..Wants::default() }).await;
        let key = (seller, number, 2_000);
        let answers = [Some(vec![(key, at(1_000)), (key, at(2_000))]), Some(vec![(key, at(2_000))]), None, Some(vec![])];
        assert_eq!(loaded.sales, sales.into_iter().zip(answers).collect::<Vec<_>>());
    }

    async fn the_guard_finds_the_latest_similar_recharge(db: &Database) {
        let (seller, number) = (reseller_id(1), msisdn(1));
        write(db, shard(1), |changes| {
            for (ms, status) in [(1_000, Status::Completed), (2_000, Status::Submitted), (3_000, Status::Declined)] {
                changes.new_operations.push(recharge(shard(1), ms, seller, number, status));
            }
        })
        .await;
        let question = RecentRecharge {
            shard: shard(1),
            reseller: seller,
            msisdn: number,
            amount_minor: 2_000,
            since: at(500),
        };
        let recent = vec![
            question,
            RecentRecharge { since: at(1_999), ..question },
            RecentRecharge { since: at(2_000), ..question },
            RecentRecharge { amount_minor: 2_001, ..question },
            RecentRecharge { msisdn: msisdn(2), ..question },
            RecentRecharge { reseller: reseller_id(2), ..question },
            RecentRecharge { shard: shard(2), ..question },
        ];
        let loaded = load(db, Wants { recent: recent.clone(), ..Wants::default() }).await;
        assert_eq!(loaded.recent, [(recent[0], at(2_000)), (recent[1], at(2_000))]);
    }

    async fn a_rollback_leaves_nothing(db: &Database) {
        let operation = bare_recharge(operation_id(shard(1), 1, 1), reseller_id(1));
        let mut session = session(db).await;
        let heads = session.lock(&[shard(1)]).await.unwrap();
        let mut batch = changes(&heads[0]);
        batch.new_operations.push(operation.clone());
        session.persist(&[batch]).await.unwrap();
        session.rollback().await.unwrap();
        assert_eq!(session.lock(&[shard(1)]).await.unwrap(), heads);
        assert_eq!(session.holders(&[ShardKey { shard: shard(1), key: operation.key() }]).await.unwrap(), []);
        session.rollback().await.unwrap();
        assert_eq!(stored(db, operation.id).await, None);
    }

    async fn a_dropped_session_leaves_nothing(db: &Database) {
        let operation = bare_recharge(operation_id(shard(1), 1, 1), reseller_id(1));
        let mut dropped = session(db).await;
        let heads = dropped.lock(&[shard(1)]).await.unwrap();
        let mut batch = changes(&heads[0]);
        batch.new_operations.push(operation.clone());
        dropped.persist(&[batch]).await.unwrap();
        drop(dropped);
        // The lock is free again as soon as the database noticed.
        assert_eq!(head(db, shard(1)).await, heads[0]);
        assert_eq!(stored(db, operation.id).await, None);
    }

    async fn a_refused_statement_spoils_its_transaction_only(db: &Database) {
        let mut session = session(db).await;
        let heads = session.lock(&[shard(1)]).await.unwrap();
        let mut bad = changes(&heads[0]);
        let mut account = stock_account(1_000, reseller_id(1));
        account.held = -1;
        bad.new_accounts.push(account);
        assert!(matches!(session.persist(&[bad]).await, Err(StoreError::Refused(_))));
        assert!(matches!(session.commit().await, Err(StoreError::Refused(_))), "a spoilt transaction is not committed");
        session.rollback().await.unwrap();
        assert_eq!(session.lock(&[shard(1)]).await.unwrap(), heads);
        session.persist(&[changes(&heads[0])]).await.unwrap();
        session.commit().await.unwrap();
        assert_eq!(head(db, shard(1)).await.version, 1);
    }

    async fn rows_that_are_not_there_cannot_change(db: &Database) {
        let ghost = bare_recharge(operation_id(shard(1), 1, 1), reseller_id(1));
        let before = head(db, shard(1)).await;
        let mut cases = Vec::new();
        for spoil in 0..5 {
            let mut batch = changes(&before);
            match spoil {
                0 => batch.updated_operations.push(ghost.clone()),
                1 => batch.removed_holds.push(ghost.id),
                2 => batch.updated_accounts.push(stock_account(1_000, reseller_id(1))),
                3 => batch.updated_resellers.push(reseller(reseller_id(1), 1_000)),
                _ => batch.head.version += 1,
            }
            cases.push(batch);
        }
        let mut session = session(db).await;
        for (case, batch) in cases.into_iter().enumerate() {
            session.lock(&[shard(1)]).await.unwrap();
            let refused = session.persist(&[batch]).await;
            assert!(matches!(refused, Err(StoreError::Refused(_))), "case {case}: {refused:?}");
            assert!(session.commit().await.is_err(), "case {case}");
            session.rollback().await.unwrap();
        }
        assert_eq!(head(db, shard(1)).await, before);
    }

    async fn changes_of_another_shard_are_refused(db: &Database) {
        let stray = bare_recharge(operation_id(shard(2), 1, 1), reseller_id(1));
        let mut session = session(db).await;
        let heads = session.lock(&[shard(1)]).await.unwrap();
        let mut batch = changes(&heads[0]);
        batch.new_operations.push(stray);
        assert!(matches!(session.persist(&[batch]).await, Err(StoreError::Refused(_))));
    }

    async fn two_posters_never_hold_one_shard(db: &Database) {
        let mut first = session(db).await;
        first.lock(&[shard(1)]).await.unwrap();
        let second = async {
            let mut second = session(db).await;
            let heads = second.lock(&[shard(1)]).await.unwrap();
            second.rollback().await.unwrap();
            heads[0].version
        };
        let first = async {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            let heads = first.load(&Wants::default()).await;
            assert!(heads.is_ok());
            let head = Head { version: 0, ..head_of_zero() };
            first.persist(&[changes(&head)]).await.unwrap();
            first.commit().await.unwrap();
        };
        let (seen, ()) = tokio::join!(second, first);
        assert_eq!(seen, 1, "the second sees what the lock waited for");
    }

    async fn text_that_a_database_cannot_hold_is_refused(db: &Database) {
        let mut session = session(db).await;
        let heads = session.lock(&[shard(1)]).await.unwrap();
        let mut batch = changes(&heads[0]);
        let mut registered = registration(reseller_id(1), None);
        registered.name = "a\0b".into();
        batch.registrations.push(registered.clone());
        let written = session.persist(&[batch]).await;
        if db.is_postgres() {
            assert!(matches!(written, Err(StoreError::Refused(_))), "{written:?}");
            session.rollback().await.unwrap();
            assert_eq!(session.lock(&[shard(1)]).await.unwrap(), heads);
        } else {
            session.commit().await.unwrap();
            assert_eq!(db.storage.registry.reseller(registered.id).await.unwrap(), Some(registered));
        }
    }
}

fn head_of_zero() -> Head {
    Head {
        shard: shard(1),
        version: 0,
        sequence: 0,
        frontier: Frontier::default(),
        recorded_at: install_options().created_at,
        next_account: AccountNumber::FIRST_OWN.0,
    }
}

fn proposed(proposal: Proposal, verdict: Option<Verdict>) -> Details {
    Details::FourEyes(Box::new(FourEyes {
        proposal,
        maker: ClientId::from_uuid(uuid::Uuid::from_u128(1)),
        reason: "Réassort \"d'avril\"".parse().unwrap(),
        document: "PO 7 \\ ✓".parse().unwrap(),
        expires_at: at(99),
        verdict,
    }))
}
