//! Rows of the books made by hand, and the ways to write them.

use taabia::domain::encoding::Hash;
use taabia::domain::ids::uuid_v7;
use taabia::domain::{
    Account, AccountClass, AccountNumber, Asset, BusinessDay, Channel, Decline, Details, Entry, EntryKind, Hold,
    Limits, Msisdn, Operation, OperationId, PartnerId, Posting, Recharge, Reseller, ResellerId, Shard, Standing,
    Status, Timestamp, Usage,
};
use taabia::ledger::{Changes, Head, Registration};
use taabia::ports::Session;
use uuid::Uuid;

use crate::support::database::Database;

/// A moment of the test's day, in milliseconds after its beginning.
pub fn at(ms: i64) -> Timestamp {
    Timestamp::parse("2026-11-22T08:00:00Z").unwrap().plus_ms(ms)
}

pub fn shard(number: u8) -> Shard {
    Shard::new(number)
}

pub fn reseller_id(number: u128) -> ResellerId {
    ResellerId::from_uuid(Uuid::from_u128(0x0193_9f3e_0000_7000_8000_0000_0000_0000 + number))
}

pub fn partner_id(number: u128) -> PartnerId {
    PartnerId::from_uuid(Uuid::from_u128(0x0193_9f3e_0000_7000_9000_0000_0000_0000 + number))
}

/// The id of an operation created at `at(ms)`; `number` tells those of one millisecond apart.
pub fn operation_id(shard: Shard, ms: i64, number: u8) -> OperationId {
    OperationId::from_uuid(uuid_v7(at(ms), [number; 10], shard))
}

pub fn msisdn(last_digits: u64) -> Msisdn {
    Msisdn::from_digits(212_612_000_000 + last_digits).unwrap()
}

/// A recharge with every optional field.
pub fn full_recharge(id: OperationId, reseller: ResellerId) -> Operation {
    Operation {
        id,
        partner: partner_id(1),
        reseller,
        external_id: format!("atm7 {}", id.uuid()).parse().unwrap(),
        amount_minor: 2_000,
        status: Status::Submitted,
        decline: Some(Decline::ChargingDeclined),
        balance_after: Some(-7),
        created_at: at(11),
        updated_at: at(12),
        details: Details::Recharge(Recharge {
            msisdn: msisdn(345_678),
            salt: [0xa5; 16],
            product: "classic ✓ \"quoted\" \\".into(),
            terms: "7:3s0>1044=60,5m1>1001=20;m1;s-1".parse().unwrap(),
            channel: Channel::Whatsapp,
            terminal: Some("T 1~\"'\\".parse().unwrap()),
            allow_repeat: true,
            charging_reference: Some(i64::MAX),
            asked: "north".parse().unwrap(),
            submit_by: at(13),
            reversed_minor: 0,
        }),
        last_sequence: 1,
    }
}

/// A recharge without any.
pub fn bare_recharge(id: OperationId, reseller: ResellerId) -> Operation {
    let mut operation = full_recharge(id, reseller);
    operation.decline = None;
    operation.balance_after = None;
    let Details::Recharge(recharge) = &mut operation.details else { panic!("made as a recharge") };
    recharge.terminal = None;
    recharge.charging_reference = None;
    recharge.allow_repeat = false;
    recharge.channel = Channel::Atm;
    operation
}

/// A recharge as lists look for it.
pub fn recharge(shard: Shard, ms: i64, reseller: ResellerId, number: Msisdn, status: Status) -> Operation {
    let mut operation = bare_recharge(operation_id(shard, ms, 1), reseller);
    operation.created_at = at(ms);
    operation.updated_at = at(ms);
    operation.status = status;
    operation.decline = (status == Status::Declined).then_some(Decline::InsufficientStock);
    let Details::Recharge(recharge) = &mut operation.details else { panic!("made as a recharge") };
    recharge.msisdn = number;
    operation
}

pub fn hold(operation: &Operation, due_ms: i64) -> Hold {
    Hold {
        operation: operation.id,
        account: AccountNumber(1_000),
        amount_minor: operation.amount_minor,
        placed_at: operation.created_at,
        due_at: at(due_ms),
    }
}

/// A reseller's stock with every number different.
pub fn stock_account(number: i64, owner: ResellerId) -> Account {
    Account {
        posted: 10_000,
        held: 2_000,
        credit_limit: 500,
        usage: Usage { day: BusinessDay(20_779), count: 3, amount_minor: 6_000 },
        ..Account::empty(AccountNumber(number), AccountClass::ResellerStock, Some(owner))
    }
}

pub fn reseller(id: ResellerId, stock_account: i64) -> Reseller {
    Reseller {
        id,
        stock_account: AccountNumber(stock_account),
        standing: Standing::Suspended,
        limits: Limits { per_operation_minor: Some(1), per_day_count: Some(2), per_day_minor: Some(3) },
        parent: Some(reseller_id(77)),
        level: "wholesaler".parse().unwrap(),
        place: [0xa5; 32],
        version: 7,
    }
}

pub fn registration(id: ResellerId, parent: Option<ResellerId>) -> Registration {
    Registration {
        id,
        code: format!("R-{}", id.uuid()),
        name: "Épicerie \"تعبئة\" \\ 'x'".into(),
        level: "outlet".parse().unwrap(),
        parent,
        created_at: at(1),
    }
}

pub fn posting(debit: i64, credit: i64, amount_minor: i64) -> Posting {
    Posting {
        debit: AccountNumber(debit),
        credit: AccountNumber(credit),
        asset: Asset::Airtime,
        amount_minor,
        debit_after: -1,
        credit_after: i64::MIN,
    }
}

/// Changes of a shard that write nothing yet but the version.
pub fn changes(head: &Head) -> Changes {
    Changes::of(head.clone(), Head { version: head.version + 1, ..head.clone() })
}

/// Appends an entry to the changes and the log; gives its leaf.
pub fn append(changes: &mut Changes, kind: EntryKind, subject: Uuid, digest: Hash, postings: Vec<Posting>) -> Hash {
    changes.head.sequence += 1;
    changes.head.recorded_at = at(changes.head.sequence);
    let entry = Entry {
        shard: changes.head.shard,
        sequence: changes.head.sequence,
        kind,
        subject,
        digest,
        actor: "client:cli_\"1\"".into(),
        recorded_at: changes.head.recorded_at,
        postings,
        staff: None,
        evidence: None,
    };
    let leaf = entry.leaf();
    changes.head.frontier.append(leaf);
    changes.entries.push(entry.into());
    leaf
}

pub async fn session(db: &Database) -> Box<dyn Session> {
    db.storage.store.session().await.expect("a session opens")
}

/// Locks one shard, writes what `fill` adds to its changes, and commits.
pub async fn write(db: &Database, shard: Shard, fill: impl FnOnce(&mut Changes)) {
    let mut session = session(db).await;
    let heads = session.lock(&[shard]).await.expect("the shard is locked");
    let mut changes = changes(&heads[0]);
    fill(&mut changes);
    session.persist(&[changes]).await.expect("the changes are written");
    session.commit().await.expect("the transaction is committed");
}

/// The head of a shard as it stands.
pub async fn head(db: &Database, shard: Shard) -> Head {
    let mut session = session(db).await;
    let mut heads = session.lock(&[shard]).await.expect("the shard is locked");
    session.rollback().await.expect("nothing is written");
    heads.pop().expect("the shard exists")
}
