//! Compared, booked, booked once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use taabia::domain::records::SettledSum;
use taabia::domain::{AccountClass, ItemId, LineState};
use taabia::ledger::{Actor, Command, Outcome};
use taabia::ports::{Ledger, LedgerError};
use taabia::services::settlement::ItemFilter;

use super::{HEADING, entries, file_of, import, line, order, paid, services};
use crate::support::world::Books;
use crate::support::{must_verify, on_every_store};
use crate::topups::{till, total};

fn sum(count: i64, gross_minor: i64, fee_minor: i64) -> SettledSum {
    SettledSum { count, gross_minor, fee_minor }
}

on_every_store!(each_line_is_compared_and_booked, compared);
async fn compared(books: Books) {
    let till = till(books).await;
    let (one, two) = (paid(&till, "a", 100_000, "p1").await, paid(&till, "b", 50_000, "p2").await);
    let three = paid(&till, "c", 20_000, "p3").await;
    let four = paid(&till, "d", 10_000, "p4").await;
    assert_eq!(total(&till, AccountClass::AcquirerReceivable).await, 180_000);
    let text = [
        HEADING,
        &line(&order(&one), "p1", "payment", 100_000, 1_500),
        // Found by its reference alone.
        &line("", "p2", "payment", 50_000, 750),
        &line(&order(&three), "p3", "payment", 19_000, 285),
        &line("top_unheard", "=HYPERLINK(1)", "payment", 7_000, 105),
        &line(&order(&one), "p1", "payment", 100_000, 1_500),
        // The same payment under another reference.
        &line(&order(&two), "p2b", "payment", 50_000, 750),
        &line(&order(&one), "cb1", "chargeback", -100_000, 0),
    ]
    .concat();
    let (settlement, before) = import(&till, text.as_bytes()).await.unwrap();
    let file = &settlement.file;
    assert!(!before && file.is_complete() && file.lines == 7);
    assert_eq!(file.matched, sum(2, 150_000, 2_250));
    assert_eq!(file.amount_differs, sum(1, 19_000, 285));
    assert_eq!(file.missing_here, sum(2, -93_000, 105));
    assert_eq!(file.duplicate, sum(2, 150_000, 2_250));
    // The repeated reference posts nothing; the other duplicate is money that came.
    assert_eq!((file.net_minor, file.fees_minor), (122_610, 3_390));
    assert_eq!(total(&till, AccountClass::AcquirerReceivable).await, 30_000);
    assert_eq!(total(&till, AccountClass::AcquirerSettled).await, 122_610);
    assert_eq!(total(&till, AccountClass::AcquirerFees).await, 3_390);
    assert_eq!(total(&till, AccountClass::MoneySuspense).await, 19_000 + 7_000 + 50_000 - 100_000);
    assert_eq!(total(&till, AccountClass::MoneyInTransit).await, 0);
    must_verify(&*till.world.books.audit).await;

    // The same file again changes nothing.
    let written = entries(&till).await;
    let (again, before) = import(&till, text.as_bytes()).await.unwrap();
    assert!(before && again.id == settlement.id && again.file == settlement.file);
    assert_eq!(entries(&till).await, written);

    // A line that came before is a duplicate in any other file.
    let text = [HEADING, &line(&order(&one), "p1", "payment", 100_000, 1_500)].concat();
    let (other, _) = import(&till, text.as_bytes()).await.unwrap();
    assert_eq!((other.file.duplicate.count, other.file.net_minor), (1, 0));
    assert_eq!(total(&till, AccountClass::AcquirerSettled).await, 122_610);
    must_verify(&*till.world.books.audit).await;

    // What is left over on either side.
    let services = services(&till, till.world.nodes[0].clone());
    let all = ItemFilter::default();
    let (items, more) = services.items(&all, None, 2).await.unwrap();
    assert!(items.len() == 2 && more);
    let last = items[1].clone();
    let ItemId::Line { file, number } = last.item.id else { panic!("it is a line") };
    let place = (last.item.since, file, number);
    let (rest, more) = services.items(&all, Some(place), 100).await.unwrap();
    assert!(rest.len() == 4 && !more);
    let filter = ItemFilter { state: Some(LineState::MissingHere), ..all };
    let (missing, _) = services.items(&filter, None, 100).await.unwrap();
    let mut references: Vec<_> = missing.iter().map(|item| item.reference.as_deref().unwrap()).collect();
    references.sort_unstable();
    assert_eq!(references, ["=HYPERLINK(1)", "cb1"]);
    till.world.clock.advance_ms(10 * 86_400_000);
    let aged = |min_age_days| ItemFilter { min_age_days, ..all };
    let (missing, _) = services.missing_there(&aged(3), None, 100).await.unwrap();
    let ids: Vec<_> = missing.iter().map(|view| view.topup.unwrap()).collect();
    assert_eq!(ids, [three.id, four.id]);
    let (second, more) = services.missing_there(&aged(3), Some(three.id), 1).await.unwrap();
    assert!(second[0].topup == Some(four.id) && more.is_none());
    assert!(services.missing_there(&aged(11), None, 100).await.unwrap().0.is_empty());
}

/// Takes so many commands and then none.
struct Stops {
    ledger: Arc<dyn Ledger>,
    left: AtomicUsize,
}

#[async_trait]
impl Ledger for Stops {
    async fn execute(&self, command: Command) -> Result<Outcome, LedgerError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() { Err(LedgerError::Internal) } else { self.ledger.execute(command).await }
    }
}

on_every_store!(a_file_that_ended_in_the_middle_goes_on_there, resumed);
async fn resumed(books: Books) {
    let till = till(books).await;
    let bought = paid(&till, "a", 100_000, "p1").await;
    let lines = (0..2_100).map(|number| line("", &format!("x{number}"), "payment", 100, 1));
    let last = line(&order(&bought), "p1", "payment", 100_000, 1_500);
    let text: String = std::iter::once(HEADING.to_owned()).chain(lines).chain([last]).collect();
    let stops = Arc::new(Stops { ledger: till.world.nodes[0].clone(), left: AtomicUsize::new(1) });
    let broken = services(&till, stops);
    let bank = "bank".parse().unwrap();
    broken.import(&Actor::from("operator:finance"), &bank, file_of(text.as_bytes())).await.unwrap_err();
    assert_eq!(total(&till, AccountClass::AcquirerSettled).await, 2_000 * 99);
    must_verify(&*till.world.books.audit).await;
    let (settlement, before) = import(&till, text.as_bytes()).await.unwrap();
    assert!(!before && settlement.file.is_complete());
    assert_eq!((settlement.file.missing_here.count, settlement.file.matched.count), (2_100, 1));
    assert_eq!(total(&till, AccountClass::AcquirerSettled).await, 2_100 * 99 + 98_500);
    assert_eq!(total(&till, AccountClass::AcquirerReceivable).await, 0);
    must_verify(&*till.world.books.audit).await;
}

on_every_store!(two_imports_of_one_file_book_it_once, raced);
async fn raced(books: Books) {
    let till = till(books).await;
    let bought = paid(&till, "a", 100_000, "p1").await;
    let lines = (0..1_500).map(|number| line("", &format!("x{number}"), "payment", 100, 1));
    let text: String = std::iter::once(HEADING.to_owned())
        .chain([line(&order(&bought), "p1", "payment", 100_000, 1_500)])
        .chain(lines)
        .collect();
    let imports = (0..4).map(|_| import(&till, text.as_bytes()));
    let done = futures::future::join_all(imports).await;
    assert!(done.iter().any(Result::is_ok));
    let (settlement, _) = import(&till, text.as_bytes()).await.unwrap();
    assert!(settlement.file.is_complete());
    assert_eq!(total(&till, AccountClass::AcquirerSettled).await, 1_500 * 99 + 98_500);
    must_verify(&*till.world.books.audit).await;
}
