//! What a decision costs in memory: the part of a recharge that no store and no network explains.
//!
//! `cargo bench --bench decisions`

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use taabia::domain::ids::uuid_v7;
use taabia::domain::{
    Account, AccountClass, AccountNumber, Channel, Currency, Limits, Money, Msisdn, OperationId, PartnerId, Reseller,
    ResellerId, Shard, Standing, Timestamp,
};
use taabia::ledger::command::{Evidence, Reserve, Resolve};
use taabia::ledger::merkle::Frontier;
use taabia::ledger::{Books, Command, Moment, Request, Rules, ShardBooks, decide};

/// Recharges of one batch.
const BATCH: u32 = 512;
const RESELLERS: u32 = 64;
const NOW: Timestamp = Timestamp::EPOCH;

fn id(number: u32, kind: u8) -> uuid::Uuid {
    let mut random = [kind; 10];
    random[..4].copy_from_slice(&number.to_be_bytes());
    uuid_v7(NOW, random, Shard::OPERATOR)
}

fn rules() -> Rules {
    Rules {
        airtime_minor: 500..=50_000,
        similar_guard_ms: 120_000,
        charging_deadline_ms: 4_000,
        calendar: taabia::domain::Calendar::new(jiff::tz::TimeZone::UTC, taabia::domain::CutOff::default()),
    }
}

/// One shard with resellers that have plenty of stock.
fn books() -> Books {
    let mut shard = ShardBooks::installed(Shard::OPERATOR);
    for number in 0..RESELLERS {
        let id = ResellerId::from_uuid(id(number, 1));
        let stock_account = AccountNumber(AccountNumber::FIRST_OWN.0 + i64::from(number));
        let mut stock = Account::empty(stock_account, AccountClass::ResellerStock, Some(id));
        stock.posted = 1_000_000_000_000;
        shard.admit_account(stock);
        shard.admit_reseller(Reseller { id, stock_account, standing: Standing::Active, limits: Limits::default() });
    }
    let mut books = Books::default();
    books.insert(shard);
    books
}

/// A batch of reservations, then the settlement of each.
fn commands() -> Vec<Command> {
    let reserve = |number: u32| {
        Request::Reserve(Reserve {
            operation: OperationId::from_uuid(id(number, 2)),
            partner: PartnerId::from_uuid(id(0, 3)),
            reseller: ResellerId::from_uuid(id(number % RESELLERS, 1)),
            external_id: format!("bench-{number}").parse().expect("a key of printable ASCII"),
            msisdn: Msisdn::from_digits(212_600_000_000 + u64::from(number)).expect("twelve digits"),
            salt: [7; 16],
            amount_minor: 2_000,
            product: "airtime".into(),
            channel: Channel::Atm,
            terminal: None,
            allow_repeat: false,
        })
    };
    let settle = |number: u32| {
        Request::Resolve(Resolve { operation: OperationId::from_uuid(id(number, 2)), evidence: Evidence::Applied })
    };
    let actor: Arc<str> = "client:bench".into();
    (0..BATCH)
        .map(reserve)
        .chain((0..BATCH).map(settle))
        .map(|request| Command { actor: actor.clone(), request })
        .collect()
}

fn recharges(criterion: &mut Criterion) {
    let (commands, rules) = (commands(), rules());
    let moment = Moment { now: NOW, rules: &rules };
    let mut group = criterion.benchmark_group("decisions");
    group.throughput(Throughput::Elements(BATCH.into()));
    group.bench_function("recharge, reserved and settled, with entries, digests and leaves", |bencher| {
        bencher.iter_batched(
            books,
            |mut books| {
                for command in &commands {
                    decide(&mut books, 1, command, None, &moment).expect("every command fits the books");
                }
                black_box(books.shard_mut(Shard::OPERATOR).take_changes())
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn log(criterion: &mut Criterion) {
    let (commands, rules) = (commands(), rules());
    let moment = Moment { now: NOW, rules: &rules };
    let mut books = books();
    for command in &commands {
        decide(&mut books, 1, command, None, &moment).expect("every command fits the books");
    }
    let entries = books.shard_mut(Shard::OPERATOR).take_changes().expect("something was decided").entries;
    let settlement = entries.last().expect("a batch has entries");
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Elements(1));
    group.bench_function("leaf of a settlement", |bencher| bencher.iter(|| black_box(settlement).leaf()));
    group.bench_function("leaf and append", |bencher| {
        let mut frontier = Frontier::default();
        bencher.iter(|| frontier.append(black_box(settlement).leaf()));
    });
    group.finish();
}

fn money(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("money");
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Money::parse(black_box("1234.56"), Currency::MAD).expect("an amount"));
    });
    group.bench_function("print", |bencher| {
        let amount = Money::from_minor(123_456, Currency::MAD);
        bencher.iter(|| black_box(amount).to_string());
    });
    group.finish();
}

criterion_group!(benches, recharges, log, money);
criterion_main!(benches);
