//! Outcomes that are not known, and what a crash leaves behind.

use taabia::domain::{AccountClass, Decline, OperationKind, Status};
use taabia::ledger::command::{Request, StartTopup};
use taabia::ports::acquirer::{Authorised, CustomerAction, Done, Lookup, Outcome, PaymentStage};

use super::{buy, buy_with, stands, stock_of_shop, stored, till, total};
use crate::support::on_every_store;
use crate::support::topups::{DEADLINE_MS, HORIZON_MS, known, money, reference};
use crate::support::world::Books;

on_every_store!(unknown_is_not_failure, unknown);
async fn unknown(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, Outcome::unknown("no answer")).await;
    assert_eq!((bought.status, total(&till, AccountClass::StockReserved).await), (Status::InDoubt, 70_000));
    let id = OperationKind::Topup.render(bought.id);
    // It does not know it yet, then fails to say, then says that it was taken; saying it twice changes nothing.
    till.bank.next_lookup(Lookup::NotKnown);
    till.bank.next_lookup(Lookup::Unknown("500".into()));
    for _ in 0..2 {
        till.job.look_at_all().await.unwrap();
        assert_eq!(stored(&till, &bought).await.status, Status::InDoubt);
    }
    till.bank.next_lookup(known(&id, PaymentStage::Captured, 70_000));
    till.job.look_at_all().await.unwrap();
    assert_eq!((stored(&till, &bought).await.status, stock_of_shop(&till).await), (Status::Credited, 80_000));
    till.job.look_at_all().await.unwrap();
    assert_eq!(till.bank.asked("lookup"), 3);
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(a_miss_counts_only_after_the_horizon, miss);
async fn miss(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, Outcome::unknown("no answer")).await;
    till.world.clock.advance_ms(DEADLINE_MS + HORIZON_MS);
    till.bank.next_lookup(Lookup::NotKnown);
    till.job.look_at_all().await.unwrap();
    assert_eq!(stored(&till, &bought).await.status, Status::InDoubt);
    till.world.clock.advance_ms(1);
    till.bank.next_lookup(Lookup::NotKnown);
    till.job.look_at_all().await.unwrap();
    assert_eq!(stored(&till, &bought).await.decline, Some(Decline::PaymentNotMade));
    assert_eq!(total(&till, AccountClass::OperatorStock).await, 500_000);
    stands(&till, Status::Declined, &bought).await;
}

on_every_store!(what_a_crash_left_before_anybody_was_asked_is_given_up, crashed);
async fn crashed(books: Books) {
    let till = till(books).await;
    let order = till.order("a", "shop", 70_000);
    let started = till
        .world
        .must(Request::StartTopup(StartTopup {
            operation: till.world.draw(till.world.shard("shop")),
            partner: till.world.partner,
            external_id: order.external_id.clone(),
            reseller: order.reseller,
            face_minor: 70_000,
            named: None,
            method: Some(taabia::domain::topup::method_digest("tok_visa")),
            return_url: None,
            asked: None,
            recharge: None,
        }))
        .await;
    let operation = started.operation().unwrap().clone();
    till.job.look_at_all().await.unwrap();
    assert_eq!(stored(&till, &operation).await.status, Status::Created, "whoever began it may still be at it");
    till.world.clock.advance_ms(DEADLINE_MS + 1);
    till.job.look_at_all().await.unwrap();
    assert_eq!(stored(&till, &operation).await.decline, Some(Decline::PaymentNotMade));
    assert!(!till.cashier.asks(&operation, "bank").await, "nobody is asked any more");
    assert_eq!(till.bank.asked("lookup"), 0);
    // The same request again gets that answer.
    let again = buy(&till, "a", 70_000).await;
    assert_eq!((again.id, again.status), (operation.id, Status::Declined));
    stands(&till, Status::Declined, &operation).await;
}

on_every_store!(a_page_that_nobody_uses_is_given_up_at_the_acquirer_first, abandoned);
async fn abandoned(books: Books) {
    let till = till(books).await;
    let action = CustomerAction::Redirect { url: "https://bank.example/3ds".into() };
    let needs = Outcome::Done(Authorised::NeedsCustomer { reference: Some(reference()), action });
    let bought = buy_with(&till, "a", 70_000, needs).await;
    let id = OperationKind::Topup.render(bought.id);
    till.world.clock.advance_ms(900_000 + HORIZON_MS + 1);
    // The void is not answered: the stock stays set aside.
    till.bank.next_lookup(known(&id, PaymentStage::NeedsCustomer(None), 0));
    till.bank.next_void(Outcome::unknown("no answer"));
    till.job.look_at_all().await.unwrap();
    assert_eq!(total(&till, AccountClass::StockReserved).await, 70_000);
    till.bank.next_lookup(known(&id, PaymentStage::NeedsCustomer(None), 0));
    till.bank.next_void(Outcome::Done(Done { reference: reference(), amount: money(70_000), settled: true }));
    till.job.look_at_all().await.unwrap();
    assert_eq!(stored(&till, &bought).await.decline, Some(Decline::PaymentAbandoned));
    stands(&till, Status::Declined, &bought).await;
}

on_every_store!(a_capture_that_fails_is_asked_again, capture_again);
async fn capture_again(books: Books) {
    let till = till(books).await;
    till.bank.next_capture(Outcome::unknown("no answer"));
    let held = Outcome::Done(Authorised::Held { reference: reference(), amount: money(70_000) });
    let bought = buy_with(&till, "a", 70_000, held).await;
    assert_eq!(bought.status, Status::InDoubt);
    let id = OperationKind::Topup.render(bought.id);
    till.bank.next_lookup(known(&id, PaymentStage::Authorised, 0));
    till.bank.next_capture(Outcome::Done(Done { reference: reference(), amount: money(70_000), settled: true }));
    till.job.look_at_all().await.unwrap();
    stands(&till, Status::Credited, &bought).await;
}
