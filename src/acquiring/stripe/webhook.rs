//! Stripe's events, once their signature is proven.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::order_in;
use super::wire::{Charge, Dispute, Intent, Refund, money};
use crate::domain::Timestamp;
use crate::ports::acquirer::{
    AcquirerReference, DisputeStage, DisputeState, Event, Notification, Notified, OrderId, RefundStage,
};

#[derive(Deserialize)]
struct StripeEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// Seconds since 1970.
    created: i64,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// Whom an event is about, and what happened; `None` inside: nothing that concerns us.
type Read = (Option<OrderId>, Option<AcquirerReference>, Option<Event>);

/// `None`: not in Stripe's form.
pub(super) fn read(body: &[u8]) -> Option<Notified> {
    let StripeEvent { id, kind, created, data } = serde_json::from_slice(body).ok()?;
    let irrelevant = Notified::irrelevant(&kind);
    let (order, reference, event) = match &*kind {
        "payment_intent.succeeded"
        | "payment_intent.amount_capturable_updated"
        | "payment_intent.payment_failed"
        | "payment_intent.canceled" => intent(&kind, object(data)?)?,
        "charge.refunded" => refunded_charge(object(data)?)?,
        "refund.created" | "refund.updated" | "refund.failed" => refund(&object(data)?)?,
        "charge.dispute.created" | "charge.dispute.closed" => dispute(&object(data)?)?,
        _ => return Some(irrelevant),
    };
    let Some(event) = event else { return Some(irrelevant) };
    Some(Notified::Of(Notification {
        key: Some(id).filter(|id| (1..=128).contains(&id.len()))?.into(),
        order,
        reference,
        occurred_at: Some(Timestamp::from_unix_ms(created.checked_mul(1_000)?)),
        event,
    }))
}

fn object<T: DeserializeOwned>(data: Data) -> Option<T> {
    serde_json::from_value(data.object).ok()
}

fn intent(kind: &str, intent: Intent) -> Option<Read> {
    let amount = intent.amount()?;
    let event = match kind {
        "payment_intent.succeeded" => Event::Captured { amount: intent.received()? },
        "payment_intent.amount_capturable_updated" => Event::Authorised { amount, captured_by_reply: false },
        "payment_intent.payment_failed" => Event::Refused(intent.failure()),
        _ => Event::Voided,
    };
    Some((order_in(&intent.metadata), Some(intent.id.parse().ok()?), Some(event)))
}

fn refunded_charge(charge: Charge) -> Option<Read> {
    let total = money(charge.amount_refunded, &charge.currency)?;
    let reference = charge.payment_intent.map(|id| id.parse()).transpose().ok()?;
    let event = Event::Refunded { refund: None, reference: None, amount: None, total: Some(total) };
    Some((order_in(&charge.metadata), reference, Some(event)))
}

fn refund(object: &Refund) -> Option<Read> {
    let reference = object.payment_intent.as_deref().map(str::parse).transpose().ok()?;
    let (refund, own_reference) = (object.ours(), Some(object.id.parse().ok()?));
    let event = match object.stage()? {
        RefundStage::Done => {
            let amount = money(object.amount, &object.currency)?;
            Some(Event::Refunded { refund, reference: own_reference, amount: Some(amount), total: None })
        }
        RefundStage::Failed => Some(Event::RefundFailed { refund, reference: own_reference }),
        RefundStage::Pending => None,
    };
    Some((order_in(&object.metadata), reference, event))
}

/// By its status, which an event that comes late still tells.
fn dispute(object: &Dispute) -> Option<Read> {
    let reference = object.payment_intent.as_deref().map(str::parse).transpose().ok()?;
    let event = object.state()?.map(|DisputeState { reference: dispute, amount, stage }| match stage {
        DisputeStage::Open => Event::DisputeOpened { dispute, amount },
        DisputeStage::Won => Event::DisputeWon { dispute, amount },
        DisputeStage::Lost => Event::DisputeLost { dispute, amount },
    });
    Some((order_in(&object.metadata), reference, event))
}
