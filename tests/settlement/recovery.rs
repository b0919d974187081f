//! After a restore from a backup nothing is sold until the books agree with the outside.

use std::sync::Arc;

use taabia::domain::records::Outstanding;
use taabia::domain::settlement::CHARGING_SYSTEM;
use taabia::domain::{BusinessDay, ItemResolution, Proposal, Resolution, Ruling, Status};
use taabia::ledger::command::Evidence;
use taabia::ledger::{Actor, Request};
use taabia::ports::{Clock, LedgerError};
use taabia::services::recovery::{self, Recoveries, RecoveryError};
use taabia::services::settlement::ItemFilter;

use super::{file_of, services};
use crate::support::topups::Till;
use crate::support::world::{Books, CHECKER, World};
use crate::support::{must_verify, on_every_store};
use crate::topups::till;

const HEADING: &str = "reference,msisdn,amount,time,result\n";

fn recoveries(till: &Till) -> Recoveries {
    Recoveries {
        settlements: Arc::new(services(till, till.world.nodes[0].clone())),
        topups: till.world.books.topups.clone(),
        audit: till.world.books.audit.clone(),
        calendar: crate::support::script::rules().calendar,
    }
}

fn person() -> Actor {
    Actor::from("operator:command_line")
}

async fn heed(till: &Till) {
    recovery::heed(&*till.world.books.store, till.world.nodes[0].gate()).await.unwrap();
}

async fn outstanding(recoveries: &Recoveries, without: &[Box<str>]) -> Vec<Outstanding> {
    recoveries.outstanding(without).await.unwrap().1
}

/// A line of the charging system's record about this day of the test's clock.
fn told(reference: i64, amount: &str, day: BusinessDay) -> String {
    format!("{reference},,{amount},{day}T08:00:00Z,applied\n")
}

on_every_store!(nothing_is_sold_until_the_books_agree, agreed);
async fn agreed(books: Books) {
    let till = till(books).await;
    let doubt = till.world.recharge("shop", "doubt", 700).await;
    till.world.must(World::resolve(doubt.id, Evidence::NoAnswer)).await;
    let charging = Box::<str>::from(CHARGING_SYSTEM);
    let bank = [Box::<str>::from("bank")];
    let recoveries = recoveries(&till);
    assert!(matches!(recoveries.outstanding(&[]).await, Err(RecoveryError::NotBegun)));
    assert!(matches!(recoveries.finish(person(), &[]).await, Err(RecoveryError::NotBegun)));
    let (begun, before) = recoveries.begin(person()).await.unwrap();
    assert!(!before && begun.restored_to_ms <= begun.begun_at_ms);
    assert_eq!(recoveries.begin(person()).await.unwrap(), (begun.clone(), true));

    // A node heeds it, and so does one that starts later.
    let refused = || till.world.execute(Request::Reserve(till.world.reserve("shop", "new", 500)));
    heed(&till).await;
    assert!(matches!(refused().await, Err(LedgerError::Recovering { .. })));
    // The key may be that of a sale that is lost here.
    let voided = till.world.execute(till.world.void("shop", "lost")).await;
    assert!(matches!(voided, Err(LedgerError::Recovering { .. })));
    let nothing = |source: &str| Outstanding::NothingImported { source: source.into() };
    let found = outstanding(&recoveries, &[]).await;
    assert_eq!(found, [nothing(&charging), nothing("bank"), Outstanding::InDoubt { count: 1 }]);
    assert_eq!(outstanding(&recoveries, &bank).await, [nothing(&charging), Outstanding::InDoubt { count: 1 }]);
    let unknown = recoveries.outstanding(&["nobody".into()]).await;
    assert!(matches!(unknown, Err(RecoveryError::UnknownSource(name)) if &*name == "nobody"));

    // The record moves what was in doubt, which no gate refuses, and tells of one sale that is lost here.
    let import = async |lines: &[String]| {
        let text = [HEADING.to_owned(), lines.concat()].concat();
        recoveries.settlements.import_record(&person(), file_of(text.as_bytes())).await.unwrap()
    };
    let day = BusinessDay::of(Clock::now(&*till.world.clock), &jiff::tz::TimeZone::UTC);
    till.world.clock.advance_ms(86_400_000);
    let tomorrow = BusinessDay(day.0 + 1);
    import(&[told(18, "1.00", tomorrow)]).await;
    let late = Outstanding::BeginsTooLate { source: charging.clone(), first_day: tomorrow, needed: day };
    assert!(outstanding(&recoveries, &bank).await.contains(&late));
    let reference = doubt.recharge().unwrap().charging_reference.unwrap();
    import(&[told(reference, "7.00", day), told(17, "4.00", day)]).await;
    let items = |count| Outstanding::OpenItems { source: charging.clone(), count };
    assert_eq!(outstanding(&recoveries, &bank).await, [items(2)]);
    match recoveries.finish(person(), &bank).await {
        Err(RecoveryError::Outstanding(found)) => assert_eq!(found, [items(2)]),
        other => panic!("{other:?}"),
    }
    heed(&till).await;
    assert!(matches!(refused().await, Err(LedgerError::Recovering { .. })));

    // Two persons decide what becomes of it, which no gate refuses either.
    let (views, _) = recoveries.settlements.items(&ItemFilter::default(), None, 10).await.unwrap();
    assert_eq!(views.len(), 2);
    for (number, view) in views.iter().enumerate() {
        let item = view.item.clone();
        let amount_minor = item.amount_minor.abs();
        let resolution = Box::new(ItemResolution { item, resolution: Resolution::WriteOff });
        let proposed = till.world.propose(&format!("r{number}"), Proposal::Resolution(resolution), amount_minor);
        let proposed = till.world.must(proposed).await.operation().unwrap().clone();
        till.world.must(World::rule(&proposed, CHECKER, Ruling::Approve)).await;
    }
    assert_eq!(outstanding(&recoveries, &bank).await, []);
    let ended = recoveries.finish(person(), &bank).await.unwrap();
    assert!(!ended.is_open() && ended.without == bank);
    assert!(matches!(recoveries.finish(person(), &bank).await, Err(RecoveryError::NotBegun)));
    heed(&till).await;
    assert_eq!(till.world.recharge("shop", "new", 500).await.status, Status::Submitted);
    must_verify(&*till.world.books.audit).await;

    // Another time.
    let (again, before) = recoveries.begin(person()).await.unwrap();
    assert!(!before && again.without.is_empty() && again.restored_to_ms >= begun.restored_to_ms);
}
