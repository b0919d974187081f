//! Money that comes late, or otherwise than it was asked for: booked, never lost.

use taabia::domain::{AccountClass, Standing, Status};
use taabia::ledger::command::TopupEvidence;
use taabia::ports::acquirer::{Outcome, RefusalReason};

use super::{buy_with, stands, stock_of_shop, stored, till, total};
use crate::support::on_every_store;
use crate::support::topups::{Till, captured};
use crate::support::world::Books;

async fn taken(till: &Till, operation: &taabia::domain::Operation, amount_minor: i64) {
    let evidence = TopupEvidence::Taken { acquirer: "bank".into(), amount_minor };
    till.cashier.advance(operation, None, evidence).await.unwrap();
}

on_every_store!(taken_after_it_was_given_up_is_our_debt_until_credited, after_decline);
async fn after_decline(books: Books) {
    let till = till(books).await;
    let refused = Outcome::refused(RefusalReason::CardDeclined, "x");
    let bought = buy_with(&till, "a", 70_000, refused).await;
    taken(&till, &bought, 70_000).await;
    assert_eq!(total(&till, AccountClass::CapturedNotCredited).await, 70_000);
    stands(&till, Status::Captured, &bought).await;
    // Twice is once.
    taken(&till, &bought, 70_000).await;
    assert_eq!(total(&till, AccountClass::AcquirerReceivable).await, 70_000);
    // The stock that was set aside is gone; the operator has more.
    till.job.look_at_all().await.unwrap();
    assert_eq!((stock_of_shop(&till).await, total(&till, AccountClass::CapturedNotCredited).await), (80_000, 0));
    assert_eq!(total(&till, AccountClass::OperatorStock).await, 430_000);
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(another_amount_is_not_credited, another_amount);
async fn another_amount(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, captured(69_999)).await;
    assert_eq!((bought.status, stock_of_shop(&till).await), (Status::Captured, 10_000));
    till.job.look_at_all().await.unwrap();
    assert_eq!(total(&till, AccountClass::CapturedNotCredited).await, 69_999);
    stands(&till, Status::Captured, &bought).await;
}

on_every_store!(who_is_closed_meanwhile_is_credited_when_open_again, closed);
async fn closed(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, Outcome::unknown("no answer")).await;
    till.world.must(till.world.standing("shop", Standing::Suspended)).await;
    taken(&till, &bought, 70_000).await;
    // Suspended, it does not sell; what it paid for is its own.
    assert_eq!(stored(&till, &bought).await.status, Status::Credited);
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(a_refusal_after_the_money_was_taken_changes_nothing, refusal_after);
async fn refusal_after(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, captured(70_000)).await;
    let evidence = TopupEvidence::NotTaken(taabia::domain::Decline::PaymentDeclined);
    till.cashier.advance(&bought, None, evidence).await.unwrap();
    till.cashier.advance(&bought, None, TopupEvidence::Unknown).await.unwrap();
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(money_of_another_acquirer_waits_for_somebody, another_acquirer);
async fn another_acquirer(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, Outcome::unknown("no answer")).await;
    let evidence = TopupEvidence::Taken { acquirer: "other".into(), amount_minor: 70_000 };
    till.cashier.advance(&bought, None, evidence).await.unwrap();
    assert_eq!(total(&till, AccountClass::CapturedNotCredited).await, 70_000);
    stands(&till, Status::Captured, &bought).await;
}
