//! Paid, refused, asked twice.

use std::sync::Arc;

use taabia::domain::{AccountClass, Decline, Status};
use taabia::ports::acquirer::{Authorised, CustomerAction, Done, Outcome, RefusalReason};
use taabia::services::ServiceError;

use super::{buy, buy_with, stands, stock_of_shop, till, total};
use crate::support::on_every_store;
use crate::support::topups::{bank, captured, money, reference};
use crate::support::world::Books;

on_every_store!(what_is_paid_is_credited_in_one_entry, paid);
async fn paid(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 100_000, captured(100_000)).await;
    assert_eq!((bought.status, stock_of_shop(&till).await), (Status::Credited, 110_000));
    assert_eq!(bought.topup().unwrap().balance_after, Some(110_000));
    assert_eq!(total(&till, AccountClass::OperatorStock).await, 400_000);
    assert_eq!(total(&till, AccountClass::StockReserved).await, 0);
    assert_eq!(total(&till, AccountClass::AcquirerReceivable).await, 100_000);
    // 1,000.00 with 20 % of VAT in it.
    assert_eq!(total(&till, AccountClass::StockSales).await, 83_333);
    assert_eq!(total(&till, AccountClass::VatPayable).await, 16_667);
    // The second one uses the acquirer's account again.
    buy_with(&till, "b", 50_000, captured(50_000)).await;
    assert_eq!(total(&till, AccountClass::AcquirerReceivable).await, 150_000);
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(what_is_refused_costs_nothing, refused);
async fn refused(books: Books) {
    let till = till(books).await;
    for (reason, decline) in [
        (RefusalReason::CardDeclined, Decline::PaymentDeclined),
        (RefusalReason::InsufficientFunds, Decline::CardFundsInsufficient),
        (RefusalReason::AuthenticationFailed, Decline::PaymentAbandoned),
    ] {
        let declined = buy_with(&till, decline.code(), 100_000, Outcome::refused(reason, "x")).await;
        assert_eq!((declined.status, declined.decline), (Status::Declined, Some(decline)));
        assert_eq!(total(&till, AccountClass::OperatorStock).await, 500_000);
        stands(&till, Status::Declined, &declined).await;
    }
    assert_eq!((stock_of_shop(&till).await, total(&till, AccountClass::AcquirerReceivable).await), (10_000, 0));
}

on_every_store!(short_stock_declines_before_the_card_is_asked, short);
async fn short(books: Books) {
    let till = till(books).await;
    let declined = buy(&till, "a", 500_001).await;
    assert_eq!((declined.status, declined.decline), (Status::Declined, Some(Decline::InsufficientStock)));
    assert_eq!(till.bank.asked("authorise"), 0);
    // What is set aside for one is not there for another.
    let waits = Outcome::Done(Authorised::Pending { reference: reference() });
    let first = buy_with(&till, "b", 400_000, waits).await;
    assert_eq!(first.status, Status::Processing);
    assert_eq!(buy(&till, "c", 100_001).await.decline, Some(Decline::InsufficientStock));
    stands(&till, Status::Processing, &first).await;
}

on_every_store!(held_money_is_captured, held);
async fn held(books: Books) {
    let till = till(books).await;
    till.bank.next_capture(Outcome::Done(Done { reference: reference(), amount: money(70_000), settled: true }));
    let held = Outcome::Done(Authorised::Held { reference: reference(), amount: money(70_000) });
    let bought = buy_with(&till, "a", 70_000, held).await;
    assert_eq!((bought.status, till.bank.asked("capture")), (Status::Credited, 1));
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(the_customer_is_sent_to_the_acquirer, redirected);
async fn redirected(books: Books) {
    let till = till(books).await;
    let url: Box<str> = "https://bank.example/3ds/1".into();
    let action = CustomerAction::Redirect { url: url.clone() };
    let needs = Outcome::Done(Authorised::NeedsCustomer { reference: Some(reference()), action });
    let bought = buy_with(&till, "a", 70_000, needs).await;
    assert_eq!((bought.status, &bought.topup().unwrap().payment.action_url), (Status::RequiresAction, &Some(url)));
    // A form is posted by a page of ours.
    let action = CustomerAction::Form { url: "https://cmi.example".into(), fields: Vec::new() };
    let needs = Outcome::Done(Authorised::NeedsCustomer { reference: None, action });
    let posted = buy_with(&till, "b", 70_000, needs).await;
    let page = posted.topup().unwrap().payment.action_url.clone().unwrap();
    assert!(page.starts_with("https://pay.example/pay/top_"), "{page}");
    stands(&till, Status::RequiresAction, &bought).await;
}

on_every_store!(the_same_again_is_a_replay, again);
async fn again(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, captured(70_000)).await;
    let caller = till.caller("shop");
    let replay = till.topups.create(&caller, till.order("a", "shop", 70_000)).await.unwrap();
    assert!(replay.replayed && replay.operation.id == bought.id);
    let mut other_card = till.order("a", "shop", 70_000);
    other_card.token = Some("tok_other".parse().unwrap());
    let mut other_acquirer = till.order("a", "shop", 70_000);
    other_acquirer.acquirer = Some(bank());
    for (order, field) in
        [(till.order("a", "shop", 70_001), "stock"), (other_card, "payment_method"), (other_acquirer, "acquirer")]
    {
        let refused = till.topups.create(&caller, order).await.unwrap_err();
        assert_eq!(refused, ServiceError::ExternalIdReused { field });
    }
    let mut unknown = till.order("b", "shop", 70_000);
    unknown.acquirer = Some("nobody".parse().unwrap());
    assert_eq!(till.topups.create(&caller, unknown).await.unwrap_err(), ServiceError::UnknownAcquirer);
    assert_eq!(till.bank.asked("authorise"), 1);
}

on_every_store!(fifty_at_once_charge_one_card_once, fifty);
async fn fifty(books: Books) {
    let till = Arc::new(till(books).await);
    till.bank.next_authorisation(captured(70_000));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let till = till.clone();
            tokio::spawn(async move { buy(&till, "a", 70_000).await })
        })
        .collect();
    let mut bought = Vec::new();
    for task in tasks {
        bought.push(task.await.unwrap());
    }
    assert!(bought.iter().all(|operation| operation.id == bought[0].id));
    assert_eq!((till.bank.asked("authorise"), stock_of_shop(&till).await), (1, 80_000));
    stands(&till, Status::Credited, &bought[0]).await;
}
