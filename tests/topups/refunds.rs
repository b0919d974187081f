//! Money that goes back to the card, and what comes back for it.

use std::sync::Arc;

use taabia::domain::{AccountClass, Decline, Operation, OperationKind, Status};
use taabia::ledger::command::Evidence;
use taabia::ports::NotificationOutcome;
use taabia::ports::acquirer::{
    Done, Event, Lookup, NotSent, Outcome, PaymentStage, RefundStage, RefundState, RefusalReason,
};
use taabia::reports::verify::{Options, verify};
use taabia::services::ServiceError;
use taabia::services::refunds::RefundOrder;

use super::{buy_with, stands, stock_of_shop, stored, till, total};
use crate::support::on_every_store;
use crate::support::topups::{DEADLINE_MS, HORIZON_MS, Till, captured, known, money, reference};
use crate::support::world::{Books, World};

fn order(topup: &Operation, key: &str, amount_minor: Option<i64>) -> RefundOrder {
    RefundOrder { topup: topup.id, external_id: key.parse().unwrap(), amount_minor, reason: "bought twice".into() }
}

pub(super) async fn refund(till: &Till, topup: &Operation, key: &str, amount_minor: Option<i64>) -> Operation {
    let answer = till.topups.refund(&till.caller("shop"), order(topup, key, amount_minor)).await.unwrap();
    Operation::clone(&answer.operation)
}

pub(super) fn given(minor: i64) -> Outcome<Done> {
    Outcome::Done(Done { reference: "ref_1".parse().unwrap(), amount: money(minor), settled: true })
}

/// Bought for 1,000.00 by a reseller that had 100.00.
async fn bought(till: &Till) -> Operation {
    buy_with(till, "a", 100_000, captured(100_000)).await
}

/// The shop sells 700.00.
async fn sell(till: &Till) {
    for (key, minor) in [("sold-1", 30_000), ("sold-2", 40_000)] {
        let recharge = till.world.recharge("shop", key, minor).await;
        till.world.must(World::resolve(recharge.id, Evidence::Applied)).await;
    }
}

/// What all the accounts that a sale touches have: stock of the operator, set aside, sales, VAT, rounding, debt, taken.
async fn accounts(till: &Till) -> [i64; 8] {
    let mut found = [0; 8];
    let classes = [
        AccountClass::OperatorStock,
        AccountClass::StockReserved,
        AccountClass::StockSales,
        AccountClass::VatPayable,
        AccountClass::MoneyRounding,
        AccountClass::CapturedNotCredited,
        AccountClass::AcquirerReceivable,
        AccountClass::ResellerReceivable,
    ];
    for (place, class) in found.iter_mut().zip(classes) {
        *place = total(till, class).await;
    }
    found
}

const BEFORE: [i64; 8] = [500_000, 0, 0, 0, 0, 0, 0, 0];

on_every_store!(a_full_refund_leaves_the_books_as_they_were, full);
async fn full(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    till.bank.next_refund(given(100_000));
    let refunded = refund(&till, &topup, "r", None).await;
    assert_eq!((refunded.status, refunded.amount_minor), (Status::Refunded, 100_000));
    assert_eq!((accounts(&till).await, stock_of_shop(&till).await), (BEFORE, 10_000));
    let replay = till.topups.refund(&till.caller("shop"), order(&topup, "r", None)).await.unwrap();
    assert!(replay.replayed && replay.operation.id == refunded.id);
    let other = till.topups.refund(&till.caller("shop"), order(&topup, "r", Some(1))).await.unwrap_err();
    assert_eq!(other, ServiceError::ExternalIdReused { field: "amount" });
    let stranger = till.topups.refund(&till.caller("elsewhere"), order(&topup, "s", None)).await.unwrap_err();
    assert_eq!(stranger, ServiceError::NotFound);
    // Nothing is left.
    assert_eq!(refund(&till, &topup, "again", None).await.decline, Some(Decline::AmountOutOfRange));
    assert_eq!(till.bank.asked("refund"), 1);
    stands(&till, Status::Refunded, &topup).await;
}

on_every_store!(parts_of_a_refund_sum_to_the_whole, parts);
async fn parts(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    for (key, minor) in [("1", 33_333), ("2", 1), ("3", 33_333)] {
        till.bank.next_refund(given(minor));
        assert_eq!(refund(&till, &topup, key, Some(minor)).await.status, Status::Refunded);
        stands(&till, Status::Credited, &topup).await;
    }
    assert_eq!(refund(&till, &topup, "too much", Some(33_334)).await.decline, Some(Decline::AmountOutOfRange));
    till.bank.next_refund(given(33_333));
    assert_eq!(refund(&till, &topup, "rest", None).await.amount_minor, 33_333);
    assert_eq!((accounts(&till).await, stock_of_shop(&till).await), (BEFORE, 10_000));
    stands(&till, Status::Refunded, &topup).await;
}

on_every_store!(what_was_sold_is_owed_at_the_price_of_the_top_up, sold);
async fn sold(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    // Of 1,100.00 only 400.00 are left.
    sell(&till).await;
    till.bank.next_refund(given(100_000));
    let refunded = refund(&till, &topup, "r", None).await;
    let clawed = refunded.refund().unwrap().clawed;
    assert_eq!((clawed.face_minor, clawed.owed_minor, stock_of_shop(&till).await), (40_000, 60_000, 0));
    let [stock, reserved, sales, vat, rounding, debt, taken, owed] = accounts(&till).await;
    assert_eq!((stock, reserved, debt, taken, owed), (440_000, 0, 0, 0, 60_000));
    assert_eq!(sales + vat + rounding, 60_000, "what was sold stays sold, to the reseller");
    stands(&till, Status::Refunded, &topup).await;
}

on_every_store!(what_the_acquirer_refuses_is_put_back, refused);
async fn refused(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    sell(&till).await;
    let before = (accounts(&till).await, stock_of_shop(&till).await);
    for (key, outcome, decline) in [
        ("1", Outcome::refused(RefusalReason::AcquirerError, "x"), Decline::PaymentDeclined),
        ("2", Outcome::NotSent(NotSent::NotOffered), Decline::PaymentNotOffered),
        ("3", Outcome::NotSent(NotSent::TooLate), Decline::PaymentNotMade),
    ] {
        till.bank.next_refund(outcome);
        let declined = refund(&till, &topup, key, Some(55_555)).await;
        assert_eq!((declined.status, declined.decline), (Status::Declined, Some(decline)));
        assert_eq!((accounts(&till).await, stock_of_shop(&till).await), before);
        stands(&till, Status::Credited, &topup).await;
    }
}

on_every_store!(doubt_about_a_refund_is_looked_up, doubt);
async fn doubt(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    let id = OperationKind::Topup.render(topup.id);
    let state = |refund: Option<&Operation>, minor: i64, stage| {
        let Lookup::Known(mut state) = known(&id, PaymentStage::Captured, 100_000) else { unreachable!("it is known") };
        state.refunded = money(if stage == RefundStage::Done { minor } else { 0 });
        state.refunds.extend(refund.map(|refund| RefundState {
            refund: Some(OperationKind::TopupRefund.render(refund.id).parse().unwrap()),
            reference: reference(),
            amount: money(minor),
            stage,
        }));
        Lookup::Known(state)
    };
    till.bank.next_refund(Outcome::unknown("no answer"));
    let first = refund(&till, &topup, "1", Some(40_000)).await;
    assert_eq!((first.status, total(&till, AccountClass::CapturedNotCredited).await), (Status::InDoubt, 40_000));
    stands(&till, Status::Credited, &topup).await;
    // Not yet known, unknown, pending; then done.
    let nothing = state(None, 0, RefundStage::Done);
    for lookup in [nothing.clone(), Lookup::Unknown("500".into()), state(Some(&first), 40_000, RefundStage::Pending)] {
        till.bank.next_lookup(lookup);
        till.job.look_at_all().await.unwrap();
        assert_eq!(stored(&till, &first).await.status, Status::InDoubt);
    }
    till.bank.next_lookup(state(Some(&first), 40_000, RefundStage::Done));
    till.job.look_at_all().await.unwrap();
    assert_eq!(stored(&till, &first).await.status, Status::Refunded);
    // One that is not there after the horizon was never made; what nobody tells one by one proves nothing.
    till.bank.next_refund(Outcome::unknown("no answer"));
    let second = refund(&till, &topup, "2", Some(10_000)).await;
    till.world.clock.advance_ms(DEADLINE_MS + HORIZON_MS + 1);
    let Lookup::Known(mut sums) = nothing else { unreachable!("it is known") };
    sums.refunded = money(40_000);
    till.bank.next_lookup(Lookup::Known(sums));
    till.job.look_at_all().await.unwrap();
    assert_eq!(stored(&till, &second).await.status, Status::InDoubt);
    till.bank.next_lookup(state(Some(&first), 40_000, RefundStage::Done));
    till.job.look_at_all().await.unwrap();
    assert_eq!(stored(&till, &second).await.decline, Some(Decline::PaymentNotMade));
    assert_eq!(
        (till.bank.asked("refund"), stored(&till, &topup).await.topup().unwrap().payment.refunded_minor),
        (2, 40_000)
    );
    stands(&till, Status::Credited, &topup).await;
}

on_every_store!(a_notification_ends_the_doubt_about_a_refund, told);
async fn told(books: Books) {
    let till = till(books).await;
    let topup = bought(&till).await;
    let order = OperationKind::Topup.render(topup.id);
    let done = |refund: &Operation, minor: i64| Event::Refunded {
        refund: Some(OperationKind::TopupRefund.render(refund.id).parse().unwrap()),
        reference: Some(reference()),
        amount: Some(money(minor)),
        total: None,
    };
    till.bank.next_refund(Outcome::unknown("no answer"));
    let first = refund(&till, &topup, "1", None).await;
    assert_eq!(till.tells(&order, "pay_1", "evt_other", done(&first, 99_999)).await, "keep");
    for _ in 0..2 {
        assert_eq!(till.tells(&order, "pay_1", "evt_1", done(&first, 100_000)).await, "keep");
    }
    assert_eq!(stored(&till, &first).await.status, Status::Refunded);
    let failed = Event::RefundFailed {
        refund: Some(OperationKind::TopupRefund.render(first.id).parse().unwrap()),
        reference: None,
    };
    assert_eq!(till.tells(&order, "pay_1", "evt_2", failed).await, "keep");
    let kept = till.world.books.notifications.kept_notifications(10).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|it| (&*it.key, it.outcome)).collect();
    let unexpected = NotificationOutcome::Unexpected;
    assert_eq!(kept, [("evt_2", unexpected), ("evt_other", unexpected)]);
    assert_eq!((accounts(&till).await, stock_of_shop(&till).await), (BEFORE, 10_000));
    stands(&till, Status::Refunded, &topup).await;
}

on_every_store!(refunds_at_once_never_exceed_what_is_left, at_once);
async fn at_once(books: Books) {
    let till = Arc::new(till(books).await);
    let topup = bought(&till).await;
    let tasks: Vec<_> = (0..6)
        .map(|n| {
            till.bank.next_refund(given(20_000));
            let (till, topup) = (till.clone(), topup.clone());
            tokio::spawn(async move { refund(&till, &topup, &format!("r{n}"), Some(20_000)).await.status })
        })
        .collect();
    let mut refunded = 0;
    for task in tasks {
        refunded += usize::from(task.await.unwrap() == Status::Refunded);
    }
    assert_eq!((refunded, till.bank.asked("refund")), (5, 5));
    assert_eq!((accounts(&till).await, stock_of_shop(&till).await), (BEFORE, 10_000));
    stands(&till, Status::Refunded, &topup).await;
}

on_every_store!(our_debt_is_paid_back, paid_back);
async fn paid_back(books: Books) {
    let till = till(books).await;
    let topup = buy_with(&till, "a", 100_000, captured(99_999)).await;
    assert_eq!(topup.status, Status::Captured);
    till.bank.next_refund(Outcome::unknown("no answer"));
    let first = refund(&till, &topup, "1", Some(9_999)).await;
    stands(&till, Status::Captured, &topup).await;
    till.cashier.settle_refund(&first, None, taabia::ledger::command::RefundEvidence::Given).await.unwrap();
    assert_eq!(total(&till, AccountClass::CapturedNotCredited).await, 90_000);
    stands(&till, Status::Captured, &topup).await;
    till.bank.next_refund(given(90_000));
    refund(&till, &topup, "2", None).await;
    // The stock that was set aside for it is the operator's again.
    assert_eq!((accounts(&till).await, stock_of_shop(&till).await), (BEFORE, 10_000));
    stands(&till, Status::Refunded, &topup).await;
}

#[tokio::test]
async fn verification_finds_a_refund_that_its_top_up_does_not_know() {
    let store = taabia::simulator::MemoryStore::new(2);
    let till = till(crate::support::in_memory_on(&store)).await;
    let topup = bought(&till).await;
    till.bank.next_refund(given(40_000));
    refund(&till, &topup, "1", Some(40_000)).await;
    stands(&till, Status::Credited, &topup).await;
    store.with_raw(|state| {
        let operation = state.books.iter_mut().find_map(|books| books.operations.get_mut(&topup.id)).unwrap();
        let taabia::domain::Details::Topup(topup) = &mut operation.details else { panic!("it is one") };
        topup.payment.refunded_minor = 0;
    });
    assert!(verify(&*till.world.books.audit, &Options::default(), &mut |_| {}).await.is_err());
}
