//! What an acquirer tells by itself: late, twice, out of order, of other money, of nothing that we know.

use taabia::domain::{AccountClass, Decline, Money, Operation, OperationKind, Status};
use taabia::ports::NotificationOutcome;
use taabia::ports::acquirer::{
    Authorised, CustomerAction, Done, Event, Lookup, Notification, Outcome, PaymentStage, Refusal, RefusalReason,
};

use super::{buy_with, stands, stock_of_shop, stored, till, total};
use crate::support::on_every_store;
use crate::support::topups::{DEADLINE_MS, HORIZON_MS, Till, captured, known, money, reference};
use crate::support::world::Books;

fn taken(minor: i64) -> Event {
    Event::Captured { amount: money(minor) }
}

fn by_reply(minor: i64) -> Event {
    Event::Authorised { amount: money(minor), captured_by_reply: true }
}

fn refused() -> Event {
    Event::Refused(Refusal::new(RefusalReason::CardDeclined, "05"))
}

/// A top-up whose customer was sent to the acquirer's page; its id there.
async fn on_the_page(till: &Till, key: &str) -> (Operation, String) {
    let action = CustomerAction::Redirect { url: "https://bank.example/3ds".into() };
    let needs = Outcome::Done(Authorised::NeedsCustomer { reference: None, action });
    let bought = buy_with(till, key, 70_000, needs).await;
    let id = OperationKind::Topup.render(bought.id);
    (bought, id)
}

/// What is kept for somebody to match, by key.
async fn kept(till: &Till) -> Vec<(String, NotificationOutcome, i64)> {
    let kept = till.world.books.notifications.kept_notifications(100).await.unwrap();
    kept.iter().map(|it| (it.key.to_string(), it.outcome, it.times)).collect()
}

on_every_store!(what_is_told_of_the_capture_is_credited_once, once);
async fn once(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, Outcome::unknown("no answer")).await;
    let id = OperationKind::Topup.render(bought.id);
    for _ in 0..3 {
        assert_eq!(till.tells(&id, "pay_1", "evt_1", taken(70_000)).await, "keep");
    }
    // The same said in other words, what was before it, and what cannot be any more.
    assert_eq!(till.tells(&id, "pay_1", "evt_2", taken(70_000)).await, "keep");
    let authorised = Event::Authorised { amount: money(70_000), captured_by_reply: false };
    for (key, event) in [("evt_3", authorised), ("evt_4", refused()), ("evt_5", Event::Voided)] {
        assert_eq!(till.tells(&id, "pay_1", key, event).await, "keep");
    }
    assert_eq!((stock_of_shop(&till).await, total(&till, AccountClass::AcquirerReceivable).await), (80_000, 70_000));
    assert_eq!((till.bank.asked("lookup"), till.bank.asked("capture")), (0, 0));
    assert_eq!(kept(&till).await, []);
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(several_at_once_and_a_look_credit_once, racing);
async fn racing(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, Outcome::unknown("no answer")).await;
    let id = OperationKind::Topup.render(bought.id);
    till.bank.next_lookup(known(&id, PaymentStage::Captured, 70_000));
    let (first, second, looked) = tokio::join!(
        till.tells(&id, "pay_1", "evt_1", taken(70_000)),
        till.tells(&id, "pay_1", "evt_1", taken(70_000)),
        till.job.look_at_all(),
    );
    looked.unwrap();
    assert_eq!((first, second), ("keep", "keep"));
    assert_eq!((stock_of_shop(&till).await, total(&till, AccountClass::AcquirerReceivable).await), (80_000, 70_000));
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(what_nobody_signed_changes_nothing, forged);
async fn forged(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, Outcome::unknown("no answer")).await;
    let name = "bank".parse().unwrap();
    assert_eq!(till.topups.notified(&name, &[], b"forged").await.unwrap().body, "refuse");
    assert!(till.topups.notified(&"nobody".parse().unwrap(), &[], b"").await.is_none());
    assert_eq!(kept(&till).await, []);
    stands(&till, Status::InDoubt, &bought).await;
}

on_every_store!(other_money_is_booked_and_not_credited, other_amount);
async fn other_amount(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, Outcome::unknown("no answer")).await;
    let id = OperationKind::Topup.render(bought.id);
    let euros = Event::Captured { amount: Money::from_minor(70_000, "EUR".parse().unwrap()) };
    assert_eq!(till.tells(&id, "pay_1", "evt_euro", euros).await, "keep");
    assert_eq!(stored(&till, &bought).await.status, Status::InDoubt);
    assert_eq!(till.tells(&id, "pay_1", "evt_1", taken(69_999)).await, "keep");
    assert_eq!((stock_of_shop(&till).await, total(&till, AccountClass::CapturedNotCredited).await), (10_000, 69_999));
    // A second capture is not swallowed either: the top-up accounts for one.
    assert_eq!(till.tells(&id, "pay_2", "evt_2", taken(70_000)).await, "keep");
    let expected = [
        ("evt_2".to_owned(), NotificationOutcome::Unexpected, 1),
        ("evt_euro".to_owned(), NotificationOutcome::OtherCurrency, 1),
    ];
    assert_eq!(kept(&till).await, expected);
    stands(&till, Status::Captured, &bought).await;
}

on_every_store!(what_fits_no_top_up_is_kept, unknown_order);
async fn unknown_order(books: Books) {
    let till = till(books).await;
    let stranger = OperationKind::Topup.render(till.world.draw(till.world.shard("shop")));
    assert_eq!(till.tells(&stranger, "pay_9", "evt_1", taken(70_000)).await, "keep");
    assert_eq!(till.tells("another-merchant", "pay_9", "evt_2", taken(70_000)).await, "keep");
    // Nothing is captured for it.
    assert_eq!(till.tells(&stranger, "pay_9", "evt_3", by_reply(70_000)).await, "refuse");
    assert_eq!(till.tells(&stranger, "pay_9", "evt_3", by_reply(70_000)).await, "refuse");
    let unknown = NotificationOutcome::UnknownOrder;
    let expected = [("evt_1", unknown, 1), ("evt_2", unknown, 1), ("evt_3", unknown, 2)];
    assert_eq!(kept(&till).await, expected.map(|(key, outcome, times)| (key.to_owned(), outcome, times)));
}

on_every_store!(an_acquirer_may_tell_its_own_id_alone, own_id);
async fn own_id(books: Books) {
    let till = till(books).await;
    let waits = Outcome::Done(Authorised::Pending { reference: reference() });
    let bought = buy_with(&till, "a", 70_000, waits).await;
    let notification = |reference: &str, key: &str| Notification {
        key: key.into(),
        order: None,
        reference: Some(reference.parse().unwrap()),
        occurred_at: None,
        event: taken(70_000),
    };
    assert_eq!(till.tell(notification("pay_other", "evt_1")).await, "keep");
    assert_eq!(stored(&till, &bought).await.status, Status::Processing);
    assert_eq!(till.tell(notification("pay_1", "evt_2")).await, "keep");
    assert_eq!(kept(&till).await, [("evt_1".to_owned(), NotificationOutcome::UnknownOrder, 1)]);
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(money_is_taken_by_the_answer_once_it_is_in_the_books, answered);
async fn answered(books: Books) {
    let till = till(books).await;
    let (bought, id) = on_the_page(&till, "a").await;
    // Rejections may precede the acceptance for the same order.
    till.bank.next_lookup(Lookup::NotOffered);
    assert_eq!(till.tells(&id, "trans_0", "evt_0", refused()).await, "keep");
    assert_eq!(stored(&till, &bought).await.status, Status::RequiresAction);
    assert_eq!(till.tells(&id, "trans_1", "evt_1", by_reply(69_999)).await, "refuse");
    assert_eq!(total(&till, AccountClass::AcquirerReceivable).await, 0, "what is not captured is not booked");
    for _ in 0..3 {
        assert_eq!(till.tells(&id, "trans_2", "evt_2", by_reply(70_000)).await, "take");
    }
    // Another authorisation for what is paid already, and a rejection afterwards.
    assert_eq!(till.tells(&id, "trans_3", "evt_3", by_reply(70_000)).await, "refuse");
    assert_eq!(till.tells(&id, "trans_4", "evt_4", refused()).await, "keep");
    assert_eq!((stock_of_shop(&till).await, total(&till, AccountClass::AcquirerReceivable).await), (80_000, 70_000));
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(what_was_given_up_is_not_taken_by_the_answer, too_late);
async fn too_late(books: Books) {
    let till = till(books).await;
    let (bought, id) = on_the_page(&till, "a").await;
    till.world.clock.advance_ms(900_000 + HORIZON_MS + 1);
    till.bank.next_lookup(Lookup::NotKnown);
    till.job.look_at_all().await.unwrap();
    // It was on a page, and nobody knows of it: given up.
    let bought = stored(&till, &bought).await;
    assert_eq!((bought.status, bought.decline), (Status::Declined, Some(Decline::PaymentNotMade)));
    assert_eq!(till.tells(&id, "trans_1", "evt_1", by_reply(70_000)).await, "refuse");
    assert_eq!(total(&till, AccountClass::AcquirerReceivable).await, 0);
    stands(&till, Status::Declined, &bought).await;
}

on_every_store!(a_refusal_counts_when_the_acquirer_says_so_again, refusal);
async fn refusal(books: Books) {
    let till = till(books).await;
    let (bought, id) = on_the_page(&till, "a").await;
    till.bank.next_lookup(known(&id, PaymentStage::NeedsCustomer(None), 0));
    assert_eq!(till.tells(&id, "pay_1", "evt_1", refused()).await, "keep");
    assert_eq!(stored(&till, &bought).await.status, Status::RequiresAction);
    let declined = Refusal::new(RefusalReason::CardDeclined, "05");
    till.bank.next_lookup(known(&id, PaymentStage::Refused(declined), 0));
    assert_eq!(till.tells(&id, "pay_1", "evt_2", refused()).await, "keep");
    stands(&till, Status::Declined, &bought).await;
}

on_every_store!(whoever_asked_takes_what_is_set_aside, asked);
async fn asked(books: Books) {
    let till = till(books).await;
    let (bought, id) = on_the_page(&till, "a").await;
    let authorised = Event::Authorised { amount: money(70_000), captured_by_reply: false };
    // This acquirer captures by itself.
    assert_eq!(till.tells(&id, "pay_1", "evt_1", authorised).await, "keep");
    assert_eq!((stored(&till, &bought).await.status, till.bank.asked("capture")), (Status::Processing, 0));
    assert_eq!(till.tells(&id, "pay_1", "evt_2", taken(70_000)).await, "keep");
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(a_late_capture_of_what_was_given_up_is_our_debt, late);
async fn late(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, Outcome::unknown("no answer")).await;
    till.world.clock.advance_ms(DEADLINE_MS + HORIZON_MS + 1);
    till.bank.next_lookup(Lookup::NotKnown);
    till.job.look_at_all().await.unwrap();
    let id = OperationKind::Topup.render(bought.id);
    assert_eq!(till.tells(&id, "pay_1", "evt_1", taken(70_000)).await, "keep");
    assert_eq!(total(&till, AccountClass::CapturedNotCredited).await, 70_000);
    stands(&till, Status::Captured, &bought).await;
    till.job.look_at_all().await.unwrap();
    assert_eq!(till.tells(&id, "pay_1", "evt_1", taken(70_000)).await, "keep");
    stands(&till, Status::Credited, &bought).await;
}

on_every_store!(the_answer_and_the_notification_credit_once, before_the_answer);
async fn before_the_answer(books: Books) {
    let till = till(books).await;
    let bought = buy_with(&till, "a", 70_000, captured(70_000)).await;
    let id = OperationKind::Topup.render(bought.id);
    assert_eq!(till.tells(&id, "pay_1", "evt_1", taken(70_000)).await, "keep");
    till.bank.next_capture(Outcome::Done(Done { reference: reference(), amount: money(70_000), settled: true }));
    assert_eq!((stock_of_shop(&till).await, till.bank.asked("capture")), (80_000, 0));
    stands(&till, Status::Credited, &bought).await;
}
