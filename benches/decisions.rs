//! What a decision costs in memory: the part of a recharge that no store and no network explains.
//!
//! `cargo bench --bench decisions`

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use taabia::domain::catalogue::{Band, Catalogue, Import, Offer, PayIn, Period, Product, ProductKind, Rule, RuleKind};
use taabia::domain::ids::uuid_v7;
use taabia::domain::{
    Account, AccountClass, AccountNumber, Channel, Currency, LevelName, Limits, Money, Msisdn, OperationId, PartnerId,
    Record, RecordKey, RecordKind, ResellerId, Rung, Shard, Timestamp,
};
use taabia::ledger::command::{Actor, Evidence, Reserve, Resolve};
use taabia::ledger::merkle::Frontier;
use taabia::ledger::network::opened;
use taabia::ledger::{Books, Command, Moment, Registration, Request, Rules, ShardBooks, decide};

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
        evidence: taabia::ledger::evidence::EvidenceRules::default(),
        charging_deadline_ms: 4_000,
        approval_expiry_ms: 86_400_000,
        issue_per_day_minor: None,
        vat_basis_points: 2_000,
        topup_minor: 1..=i64::MAX / 4,
        topup_fee: taabia::domain::catalogue::Rate::ZERO,
        topup_quote_ms: 900_000,
        suspend_on_chargeback: true,
        edges: Vec::new(),
        accept_within_ms: 86_400_000,
        levels: vec![level()],
        calendar: taabia::domain::Calendar::new(jiff::tz::TimeZone::UTC, taabia::domain::CutOff::default()),
    }
}

fn level() -> LevelName {
    "outlet".parse().expect("a name of a level")
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
        let (code, name) = (format!("R{number}"), format!("Reseller {number}"));
        let registration = Registration { id, code, name, level: level(), parent: None, created_at: NOW };
        shard.admit_reseller(opened(&registration, stock_account, Limits::default()));
    }
    let mut books = Books::default();
    books.insert(shard);
    books
}

/// With a catalogue of many rules, by which three resellers earn by each recharge.
fn books_with_rules() -> Books {
    let mut books = books();
    let shard = books.shard_mut(Shard::OPERATOR);
    let band = |step: i64| Some(Band { min_minor: step * 10_000 + 1, max_minor: (step + 1) * 10_000 });
    let rule = |kind, level: &str, step: i64| Rule {
        code: format!("{level}-{step}").parse().expect("a code"),
        kind,
        level: Some(level.into()),
        product: None,
        channel: None,
        amounts: band(step),
        rate: "2.5".parse().expect("a rate"),
        pay_in: Some(if kind == RuleKind::Commission { PayIn::Stock } else { PayIn::Money }),
        period: Period::ALWAYS,
    };
    let levels = ["outlet", "wholesaler", "distributor"];
    let rules = (0..20).flat_map(|step| {
        let kinds = [RuleKind::Commission, RuleKind::Override, RuleKind::Override];
        levels.iter().zip(kinds).map(move |(level, kind)| rule(kind, level, step)).collect::<Vec<_>>()
    });
    let amounts = (0..10).map(|step| Offer {
        name: "airtime".into(),
        min_minor: 500 + step * 500,
        max_minor: 500 + step * 500,
        benefits: Vec::new(),
        validity_hours: None,
        period: Period::ALWAYS,
    });
    let product = Product {
        code: "airtime".parse().expect("a code"),
        name: "airtime".into(),
        kind: ProductKind::Denomination,
        offers: amounts.collect(),
    };
    let import = Import { products: vec![product], rules: rules.collect(), ..Import::default() };
    let catalogue = Catalogue::default().with(&import, NOW).expect("it fits").expect("it is new");
    let key = RecordKey::of_operator(RecordKind::Catalogue, Catalogue::ID.parse().expect("it is short"));
    shard.admit_record(Record::new(key, 1, catalogue.into()).into());
    for number in 0..RESELLERS {
        let above = [(number, 1), (number % 4, 4), (0, 5)];
        let rungs = above.iter().zip(levels).map(|((number, kind), level)| Rung {
            reseller: ResellerId::from_uuid(id(*number, *kind)),
            level: level.parse().expect("a level"),
        });
        shard.owners_mut().admit_ancestry(rungs.collect());
    }
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
            system: taabia::domain::SystemName::MAIN,
        })
    };
    let settle = |number: u32| {
        Request::Resolve(Resolve {
            operation: OperationId::from_uuid(id(number, 2)),
            evidence: Evidence::Applied,
            source: taabia::ledger::command::Source::answer(taabia::domain::Timestamp::EPOCH),
        })
    };
    let actor = Actor::from("client:bench");
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
    group.bench_function("the same with a catalogue and three commissions", |bencher| {
        let with_rules = books_with_rules();
        bencher.iter_batched(
            || with_rules.clone(),
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
    group.bench_function("leaf of a settlement", |bencher| bencher.iter(|| black_box(&settlement.entry).leaf()));
    group.bench_function("leaf and append", |bencher| {
        let mut frontier = Frontier::default();
        bencher.iter(|| frontier.append(black_box(&settlement.entry).leaf()));
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
