//! Business days are closed by whatever comes first after them, and stay as they were closed.

use std::sync::Arc;

use taabia::domain::records::BusinessDayClosing;
use taabia::domain::{AccountClass, BusinessDay, Content, EntryKind, Record, Shard};
use taabia::engine::EngineConfig;
use taabia::ledger::command::PutRecord;
use taabia::ledger::{Refusal, Request, closing};
use taabia::ports::{Clock, LedgerError};
use taabia::reports::verify::{Options, verify};
use taabia::services::business_days::BusinessDays;
use taabia::services::statements::{Period, Summary};

use super::{calendar, sell, service};
use crate::support::database::on_both;
use crate::support::world::{Books, World};
use crate::support::{books_of, on_every_store};

const DAY_MS: i64 = 86_400_000;

fn days(world: &World) -> BusinessDays {
    BusinessDays {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        movements: world.books.movements.clone(),
        clock: world.clock.clone(),
        calendar: calendar(),
        shards: world.books.store.shards(),
    }
}

async fn closing_of(world: &World, shard: Shard, day: &str) -> Option<Record> {
    world.books.store.record(shard, &closing::key(day.parse().unwrap())).await.unwrap()
}

async fn summary(world: &World, name: &str, day: &str) -> Summary {
    let period = Period::Day(day.parse().unwrap());
    let mut summary = service(world).open(world.id(name), period, None).await.unwrap().summary;
    summary.as_of = taabia::domain::Timestamp::EPOCH;
    summary
}

on_every_store!(the_first_command_of_a_day_closes_the_one_before, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    sell(&world, "R1", "a", 700).await;
    let shard = world.shard("R1");
    let open = summary(&world, "R1", "2026-11-22").await;
    assert!(!open.is_final);
    assert_eq!(closing_of(&world, shard, "2026-11-22").await, None);

    world.clock.advance_ms(DAY_MS);
    let before = world.books.movements.log_place(shard).await.unwrap().head;
    sell(&world, "R1", "b", 500).await;
    let record = closing_of(&world, shard, "2026-11-22").await.unwrap();
    let closing: &BusinessDayClosing = record.body().unwrap();
    assert_eq!((closing.sequence, closing.closed_at_ms), (before + 1, world.clock.now().unix_ms()));
    let delivered = closing.balances.iter().find(|balance| balance.account == "delivered").unwrap();
    assert_eq!(delivered.posted_minor, 700);
    let entry = &world.books.audit.entries(shard, before, before + 1, 1).await.unwrap()[0].entry;
    assert_eq!((entry.kind, &*entry.actor, entry.postings.len()), (EntryKind::DayClosed, closing::ACTOR, 0));

    // A closed balance is the one that its entry found, whatever happens later.
    let closed = summary(&world, "R1", "2026-11-22").await;
    assert_eq!((closed.closing_minor, closed.is_final), (99_300, true));
    sell(&world, "R1", "c", 500).await;
    world.clock.advance_ms(3 * DAY_MS);
    sell(&world, "R1", "d", 500).await;
    assert_eq!(summary(&world, "R1", "2026-11-22").await, closed);
    let next = summary(&world, "R1", "2026-11-23").await;
    assert_eq!((next.opening_minor, next.out_minor, next.closing_minor), (99_300, 1_000, 98_300));
    for quiet in ["2026-11-24", "2026-11-25"] {
        assert!(closing_of(&world, shard, quiet).await.is_some(), "{quiet}");
        let quiet = summary(&world, "R1", quiet).await;
        assert_eq!((quiet.opening_minor, quiet.closing_minor, quiet.is_final), (98_300, 98_300, true));
    }
    assert_eq!(closing_of(&world, shard, "2026-11-26").await, None, "today");
    world.close().await;
});

on_every_store!(idle_shards_are_closed_by_the_job_and_all_once, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    world.reseller("R1", 10_000).await;
    world.clock.advance_ms(2 * DAY_MS);
    let days = days(&world);
    let listed = days.list(None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|day| day.is_closed).collect::<Vec<_>>(), [false]);
    // Two nodes and a recharge at once.
    let other = BusinessDays { ledger: world.nodes[1].clone(), ..self::days(&world) };
    let (one, two, ()) = tokio::join!(days.close(), other.close(), sell(&world, "R1", "a", 500));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(days.close().await, Ok(0));

    let listed = days.list(None, 10).await.unwrap();
    let shown: Vec<_> = listed.iter().map(|day| (day.day.to_string(), day.is_closed)).collect();
    assert_eq!(
        shown,
        [("2026-11-24".into(), false), ("2026-11-23".into(), true), ("2026-11-22".into(), true)],
        "back to the first that was closed"
    );
    assert_eq!(listed[1].closed_at, Some(world.clock.now()));
    // The operator issued 10,000,000,000.00 and gave 100.00 to R1; the day after, nothing happened.
    let (issued, delivered) = (listed[2].balances["issued"], listed[2].balances["delivered"]);
    assert_eq!((issued, delivered, listed[1].balances == listed[2].balances), (1_000_000_000_000, 0, true));
    assert_eq!(days.list(Some(BusinessDay(listed[1].day.0)), 10).await.unwrap(), listed[2..]);
    assert_eq!(days.list(None, 1).await.unwrap(), listed[..1]);
    let mut entries = 0;
    for shard in Shard::all(world.books.store.shards()) {
        let all = world.books.audit.entries(shard, 0, i64::MAX, 1_000).await.unwrap();
        entries += all.iter().filter(|found| found.entry.kind == EntryKind::DayClosed).count();
    }
    let begun = usize::from(world.shard("R1") != Shard::OPERATOR) + 1;
    assert_eq!(entries, begun * 2, "each day once in each shard that had begun");
    world.close().await;
});

on_every_store!(nobody_puts_a_closing, async |books: Books| {
    let world = World::new(books).await;
    let body = BusinessDayClosing { sequence: 1, closed_at_ms: 1, balances: vec![] };
    let key = closing::key("2026-11-22".parse().unwrap());
    let put = PutRecord { key, expected: None, content: Content::BusinessDayClosing(body) };
    let refused = world.execute(Request::PutRecord(put)).await;
    assert!(matches!(refused, Err(LedgerError::Refused(Refusal::StaleVersion { .. }))), "{refused:?}");
    world.close().await;
});

on_both! {
    async fn what_is_done_to_a_closed_day_is_found(db: &Database) {
        let world = World::new(books_of(db)).await;
        world.reseller("R1", 10_000).await;
        world.clock.advance_ms(DAY_MS);
        days(&world).close().await.unwrap();
        crate::support::must_verify(&*world.books.audit).await;
        for (tamper, mend, expected) in [
            (
                "UPDATE record SET content = replace(content, '\"sequence\":', '\"sequence\":1') WHERE kind = 70",
                "UPDATE record SET content = replace(content, '\"sequence\":1', '\"sequence\":') WHERE kind = 70",
                "it is not what entry",
            ),
            (
                "UPDATE record SET id = '2026-11-01' WHERE kind = 70",
                "UPDATE record SET id = '2026-11-22' WHERE kind = 70",
                "it closes a day of which there is no record",
            ),
        ] {
            assert!(db.by_hand(tamper).await.unwrap() > 0);
            let found = verify(&*world.books.audit, &Options::default(), &mut |_| {}).await;
            let found = found.expect_err(tamper).to_string();
            assert!(found.contains(expected), "{tamper}: {found}");
            db.by_hand(mend).await.unwrap();
        }
        world.close().await;
    }
}

/// With the cut-off at six in the morning, what happens at five belongs to the day before.
#[test]
fn the_cut_off_says_which_day_it_is() {
    let calendar = taabia::domain::Calendar::new(jiff::tz::TimeZone::UTC, "06:00".parse().unwrap());
    let at = |text: &str| taabia::domain::Timestamp::parse(text).unwrap();
    let rules = Arc::new(taabia::ledger::Rules { calendar, ..crate::support::script::rules() });
    let mut books = taabia::ledger::ShardBooks::installed(Shard::OPERATOR);
    let moment = |text: &str| taabia::ledger::Moment { now: at(text), rules: &rules };
    assert_eq!(closing::days_over(&books, &moment("2026-11-22T08:00:00Z")), [], "nothing was ever recorded");
    let step = closing::close(&books, BusinessDay(0), &moment("2026-11-22T08:00:00Z")).unwrap();
    books.record(step, &"test".into(), at("2026-11-22T08:00:00Z"));
    assert_eq!(closing::days_over(&books, &moment("2026-11-23T05:59:59Z")), []);
    let over = closing::days_over(&books, &moment("2026-11-23T06:00:00Z"));
    assert_eq!(over.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2026-11-22"]);
    assert!(books.account(AccountClass::OperatorStock.system_account()).is_some());
}
