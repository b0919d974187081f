//! What every adapter must make of the life of a payment, whatever its wire looks like. A later adapter brings a
//! [`Bench`] with a fake that speaks its protocol, and calls [`check`].

use async_trait::async_trait;
use taabia::domain::Timestamp;
use taabia::ports::Acquirer;
use taabia::ports::acquirer::{
    Lookup, NotSent, NotificationError, NotificationVerdict, Notified, Outcome, Payment, PaymentStage, PaymentState,
    Received, RefundStage, RefusalReason,
};

use super::{mad, order_id, payment, refund_order, submit_by};
use crate::support::ManualClock;

/// An adapter with its fake.
#[async_trait]
pub trait Bench: Sync {
    fn acquirer(&self) -> &dyn Acquirer;

    /// The one that the adapter was given.
    fn clock(&self) -> &ManualClock;

    /// Brings a payment of 1,060.50 dirhams so far that its money is set aside and not taken.
    async fn authorised(&self, order: &str) -> Payment;

    /// Asks for a payment that the bank of the card refuses, and gives what the adapter made of it.
    async fn declined(&self, order: &str) -> RefusalReason;

    /// Asks again for what [`Self::authorised`] asked for.
    async fn repeat(&self, order: &str);

    /// A genuine notification of a payment of this order, signed now: headers and raw body.
    async fn notification(&self, order: &str) -> (Vec<(String, String)>, Vec<u8>);

    /// Whether captures, voids, refunds and look-ups are made over the wire; if not, money is taken by the answer to a
    /// notification.
    fn has_calls(&self) -> bool {
        true
    }

    /// Now, for the side that signs notifications.
    fn signing_time(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.clock().now_ms())
    }

    /// Whether notifications carry the time at which they were signed.
    fn signs_time(&self) -> bool;

    /// How often money was taken, and how much in all, by the fake's own books.
    async fn taken(&self) -> (u64, i64);
}

/// All of it, on fresh books.
pub async fn check(bench: &dyn Bench) {
    if bench.has_calls() {
        capture_and_refund(bench).await;
        void(bench).await;
        refusals(bench).await;
        nothing_leaves_too_late(bench).await;
    } else {
        taken_by_the_answer(bench).await;
    }
    notifications(bench).await;
}

/// What the adapter cannot do over the wire, it says; it never pretends to know.
async fn taken_by_the_answer(bench: &dyn Bench) {
    let (count, total) = bench.taken().await;
    let paid = bench.authorised("life-1").await;
    bench.repeat("life-1").await;
    assert_eq!(bench.taken().await, (count + 1, total + 106_050));
    assert_eq!(bench.declined("life-3").await, RefusalReason::CardDeclined);
    assert_eq!(bench.taken().await, (count + 1, total + 106_050));
    let acquirer = bench.acquirer();
    let by_hand = Outcome::NotSent(NotSent::NotOffered);
    assert_eq!(acquirer.capture(&paid, mad(106_050), submit_by()).await, by_hand);
    assert_eq!(acquirer.void(&paid, submit_by()).await, by_hand);
    assert_eq!(acquirer.refund(&refund_order(&paid, "refund-1", 1)).await, by_hand);
    assert_eq!(acquirer.lookup(&paid).await, Lookup::NotOffered);
}

async fn state(bench: &dyn Bench, payment: &Payment) -> PaymentState {
    match bench.acquirer().lookup(payment).await {
        Lookup::Known(state) => {
            assert_eq!(state.order, payment.order);
            assert_eq!(state.amount, payment.amount);
            state
        }
        other => panic!("{}: {other:?}", payment.order),
    }
}

fn refused<T: std::fmt::Debug>(outcome: Outcome<T>) -> RefusalReason {
    match outcome {
        Outcome::Refused(refusal) => refusal.reason,
        other => panic!("expected a refusal: {other:?}"),
    }
}

async fn capture_and_refund(bench: &dyn Bench) {
    let acquirer = bench.acquirer();
    let (count, total) = bench.taken().await;
    let paid = bench.authorised("life-1").await;
    bench.repeat("life-1").await;
    let authorised = state(bench, &paid).await;
    assert_eq!((authorised.stage, authorised.captured), (PaymentStage::Authorised, mad(0)));

    for _again in 0..2 {
        // The second finds the first one's effect, or is refused; it never takes money again.
        let captured = acquirer.capture(&paid, mad(106_050), submit_by()).await;
        assert!(matches!(captured, Outcome::Done(_) | Outcome::Refused(_)), "{captured:?}");
    }
    assert_eq!(bench.taken().await, (count + 1, total + 106_050));
    let captured = state(bench, &paid).await;
    assert_eq!((captured.stage, captured.captured, captured.refunded), (PaymentStage::Captured, mad(106_050), mad(0)));

    let Outcome::Done(part) = acquirer.refund(&refund_order(&paid, "refund-1", 6_050)).await else { panic!("refund") };
    assert_eq!(part.amount, mad(6_050));
    let rest = acquirer.refund(&refund_order(&paid, "refund-2", 100_000)).await;
    assert!(matches!(rest, Outcome::Done(_)), "{rest:?}");
    let refunded = state(bench, &paid).await;
    assert_eq!(
        (refunded.stage, refunded.captured, refunded.refunded),
        (PaymentStage::Captured, mad(106_050), mad(106_050))
    );
    let mut ids: Vec<_> = refunded.refunds.iter().filter_map(|refund| refund.refund.clone()).collect();
    ids.sort();
    assert_eq!(ids, [order_id("refund-1"), order_id("refund-2")]);
    assert!(refunded.refunds.iter().all(|refund| refund.stage == RefundStage::Done));
}

async fn void(bench: &dyn Bench) {
    let paid = bench.authorised("life-2").await;
    let voided = bench.acquirer().void(&paid, submit_by()).await;
    assert!(matches!(voided, Outcome::Done(_)), "{voided:?}");
    assert_eq!(state(bench, &paid).await.stage, PaymentStage::Voided);
    let captured = bench.acquirer().capture(&paid, mad(106_050), submit_by()).await;
    assert!(matches!(refused(captured), RefusalReason::WrongStage | RefusalReason::Cancelled));
}

async fn refusals(bench: &dyn Bench) {
    assert_eq!(bench.declined("life-3").await, RefusalReason::CardDeclined);
    match bench.acquirer().lookup(&payment("life-3")).await {
        Lookup::Known(state) => {
            assert_eq!(state.captured, mad(0));
            assert!(matches!(state.stage, PaymentStage::Refused(_) | PaymentStage::NeedsCustomer(_)), "{state:?}");
        }
        Lookup::NotKnown => {}
        other => panic!("{other:?}"),
    }
    let unknown = bench.acquirer().lookup(&payment("never-sent")).await;
    assert_eq!(unknown, Lookup::NotKnown);
}

async fn nothing_leaves_too_late(bench: &dyn Bench) {
    let paid = bench.authorised("life-4").await;
    let before = bench.taken().await;
    let past = Timestamp::from_unix_ms(bench.clock().now_ms() - 1);
    let acquirer = bench.acquirer();
    assert_eq!(acquirer.capture(&paid, mad(106_050), past).await, Outcome::NotSent(NotSent::TooLate));
    assert_eq!(acquirer.void(&paid, past).await, Outcome::NotSent(NotSent::TooLate));
    let mut refund = refund_order(&paid, "refund-4", 1);
    refund.submit_by = past;
    assert_eq!(acquirer.refund(&refund).await, Outcome::NotSent(NotSent::TooLate));
    assert_eq!(bench.taken().await, before);
    assert_eq!(state(bench, &paid).await.stage, PaymentStage::Authorised);
}

async fn notifications(bench: &dyn Bench) {
    let acquirer = bench.acquirer();
    let (headers, body) = bench.notification("life-5").await;
    let at = bench.signing_time();
    let read = |headers: &[(String, String)], body: &[u8], at: Timestamp| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        acquirer.read_notification(&Received { headers: &headers, body, at })
    };
    let Ok(Notified::Of(genuine)) = read(&headers, &body, at) else { panic!("{:?}", read(&headers, &body, at)) };
    assert_eq!(genuine.order, Some(order_id("life-5")));
    assert!((1..=128).contains(&genuine.key.len()));
    let Ok(Notified::Of(again)) = read(&headers, &body, at) else { panic!("the same again") };
    assert_eq!(again, genuine, "a repetition is told by its key");

    let text = String::from_utf8(body.clone()).unwrap();
    let forged = text.replace("106050", "906050").replace("1060.50", "9060.50");
    assert_ne!(forged, text, "the amount stands in it");
    assert_eq!(read(&headers, forged.as_bytes(), at), Err(NotificationError::WrongSignature));
    for wrong in [&b""[..], b"{}", b"<html>", &body[..body.len() / 2], &[0xff, 0xfe]] {
        assert!(read(&headers, wrong, at).is_err());
    }
    if bench.signs_time() {
        assert_eq!(read(&[], &body, at), Err(NotificationError::Unsigned));
        let late = at.plus_ms(301_000);
        assert_eq!(read(&headers, &body, late), Err(NotificationError::Stale));
    }
    let status = |verdict| acquirer.reply(verdict).status;
    assert_eq!(status(NotificationVerdict::Take), 200);
    assert_eq!(status(NotificationVerdict::Keep), 200);
    assert!(status(NotificationVerdict::Later) >= 500 || !bench.has_calls(), "it shall be sent again");
}
