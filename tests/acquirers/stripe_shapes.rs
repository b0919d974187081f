//! What localstripe lacks, by shapes of Stripe's documentation: redirects of 3-D Secure, processing, disputes, refunds that
//! take time, errors; and the faults that every adapter is held against.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};
use taabia::acquiring::signature::sign;
use taabia::ports::acquirer::{
    Authorised, CaptureMode, CustomerAction, DisputeStage, Event, Lookup, NotificationError, Notified, Outcome,
    Payment, PaymentStage, Received, RefusalReason,
};
use taabia::ports::{Acquirer, Clock as _};
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::faults::{self, Doubted, Kind};
use super::stripe::adapter;
use super::{clock, mad, payment, payment_order, refund_order, submit_by, token};

fn intent(status: &str, more: Value) -> Value {
    let mut intent = json!({
        "id": "pi_1", "object": "payment_intent", "amount": 106_050, "amount_capturable": 0, "amount_received": 0,
        "currency": "mad", "capture_method": "manual", "status": status, "livemode": false, "next_action": null,
        "last_payment_error": null, "latest_charge": null, "metadata": { "order": "o1" }, "payment_method": "pm_1"
    });
    intent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    intent
}

fn error(kind: &str, code: &str) -> Value {
    json!({ "error": { "type": kind, "code": code, "message": "…", "request_log_url": "…" } })
}

async fn on(peer: &MockServer, verb: &str, at: &str, status: u16, body: Value) {
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(ResponseTemplate::new(status).set_body_json(body))
        .mount(peer)
        .await;
}

/// An authorisation whose confirmation is answered so.
async fn confirmed(status: u16, body: Value) -> Outcome<Authorised> {
    let peer = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/payment_intents"))
        .and(header("idempotency-key", "o1"))
        .and(body_string_contains("amount=106050&currency=mad&payment_method=pm_1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(intent("requires_confirmation", json!({}))))
        .mount(&peer)
        .await;
    Mock::given(method("POST"))
        .and(path("/v1/payment_intents/pi_1/confirm"))
        .and(header("idempotency-key", "o1-confirm"))
        .and(body_string_contains("return_url=https%3A%2F%2Fshop.example%2Fback"))
        .respond_with(ResponseTemplate::new(status).set_body_json(body))
        .mount(&peer)
        .await;
    let mut order = payment_order("o1", token("pm_1"), CaptureMode::Manual);
    order.return_url = Some("https://shop.example/back".into());
    adapter(&peer.uri(), &clock(), 2_000).authorise(&order).await
}

#[tokio::test]
async fn three_d_secure_redirects_the_customer_of_the_stripe_acquirer() {
    let action = json!({ "next_action": { "type": "redirect_to_url", "redirect_to_url": {
        "return_url": "https://shop.example/back", "url": "https://hooks.stripe.com/redirect/authenticate/src_1" } } });
    let outcome = confirmed(200, intent("requires_action", action)).await;
    let Outcome::Done(Authorised::NeedsCustomer { reference: Some(reference), action }) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reference.as_str(), "pi_1");
    let url = "https://hooks.stripe.com/redirect/authenticate/src_1".into();
    assert_eq!(action, CustomerAction::Redirect { url });
}

#[tokio::test]
async fn confirmations_of_the_stripe_acquirer_are_read_by_their_documentation() {
    let charged = json!({ "amount_received": 106_050, "latest_charge": {
        "id": "ch_1", "amount_refunded": 0, "currency": "mad", "disputed": false } });
    let outcome = confirmed(200, intent("succeeded", charged)).await;
    assert!(matches!(outcome, Outcome::Done(Authorised::Captured { amount, .. }) if amount == mad(106_050)));
    assert!(matches!(
        confirmed(200, intent("requires_capture", json!({}))).await,
        Outcome::Done(Authorised::Held { .. })
    ));
    assert!(matches!(confirmed(200, intent("processing", json!({}))).await, Outcome::Done(Authorised::Pending { .. })));
    let declined = |code: &str| {
        json!({ "error": { "type": "card_error", "code": "card_declined", "decline_code": code,
            "payment_intent": intent("requires_payment_method", json!({})) } })
    };
    for (status, body, reason) in [
        (402, declined("insufficient_funds"), RefusalReason::InsufficientFunds),
        (402, declined("expired_card"), RefusalReason::CardExpired),
        (402, declined("authentication_required"), RefusalReason::AuthenticationFailed),
        (402, declined("stolen_card"), RefusalReason::CardDeclined),
        (400, error("invalid_request_error", "amount_too_small"), RefusalReason::AmountOutOfRange),
        (401, error("invalid_request_error", "api_key_expired"), RefusalReason::Misconfigured),
        (200, intent("canceled", json!({})), RefusalReason::Cancelled),
    ] {
        let outcome = confirmed(status, body).await;
        assert!(matches!(&outcome, Outcome::Refused(refusal) if refusal.reason == reason), "{reason:?}: {outcome:?}");
    }
    let with = |field: &str, value: Value| intent("requires_capture", json!({ field: value }));
    for (status, body) in [
        (200, intent("under_investigation", json!({}))),
        (200, with("amount", json!(106_051))),
        (200, with("currency", json!("eur"))),
        (200, with("metadata", json!({ "order": "o2" }))),
        (200, with("metadata", json!({}))),
        (200, json!("<html>")),
        (400, error("invalid_request_error", "something_new")),
        (409, error("idempotency_error", "idempotency_key_in_use")),
        (429, error("invalid_request_error", "lock_timeout")),
        (500, error("api_error", "")),
        (502, json!("<html>")),
    ] {
        let outcome = confirmed(status, body.clone()).await;
        let Outcome::Unknown { reference, .. } = outcome else { panic!("{status} {body}: {outcome:?}") };
        assert_eq!(reference.unwrap().as_str(), "pi_1", "what was told before doubt began");
    }
}

#[tokio::test]
async fn refunds_that_take_time_and_disputes_are_told_by_the_stripe_acquirer() {
    let peer = MockServer::start().await;
    let charge = json!({ "amount_received": 106_050, "latest_charge": {
        "id": "ch_1", "amount_refunded": 6_050, "currency": "mad", "disputed": true } });
    let refund = |id: &str, status: &str, amount: i64| {
        json!({ "id": id, "object": "refund", "amount": amount, "currency": "mad", "status": status,
            "payment_intent": "pi_1", "metadata": { "order": "o1", "refund": format!("our-{id}") } })
    };
    on(&peer, "GET", "/v1/payment_intents/pi_1", 200, intent("succeeded", charge)).await;
    let list = json!({ "object": "list", "data": [refund("re_1", "pending", 6_050), refund("re_2", "failed", 50)] });
    on(&peer, "GET", "/v1/refunds", 200, list).await;
    let dispute = json!({ "id": "dp_1", "object": "dispute", "amount": 100_000, "currency": "mad", "status": "won",
        "payment_intent": "pi_1", "charge": "ch_1", "reason": "fraudulent", "metadata": {} });
    on(&peer, "GET", "/v1/disputes", 200, json!({ "object": "list", "data": [dispute] })).await;
    on(&peer, "POST", "/v1/refunds", 200, refund("re_1", "pending", 6_050)).await;
    let stripe = adapter(&peer.uri(), &clock(), 2_000);
    let paid = Payment { reference: Some("pi_1".parse().unwrap()), ..payment("o1") };
    let Lookup::Known(state) = stripe.lookup(&paid).await else { panic!("{:?}", stripe.lookup(&paid).await) };
    assert_eq!((state.stage, state.captured, state.refunded), (PaymentStage::Captured, mad(106_050), mad(6_050)));
    assert_eq!(state.refunds.len(), 2);
    let dispute = state.dispute.unwrap();
    assert_eq!((dispute.reference.as_str(), dispute.amount, dispute.stage), ("dp_1", mad(100_000), DisputeStage::Won));
    let outcome = stripe.refund(&refund_order(&paid, "our-re_1", 6_050)).await;
    assert!(matches!(outcome, Outcome::Done(done) if !done.settled), "accepted, and told later");
    let other = stripe.refund(&refund_order(&paid, "our-other", 6_050)).await;
    assert!(matches!(other, Outcome::Unknown { .. }), "the answer is about another refund: {other:?}");
    for (status, body, expected) in [
        (400, error("invalid_request_error", "charge_already_refunded"), RefusalReason::WrongStage),
        (404, error("invalid_request_error", "resource_missing"), RefusalReason::PaymentUnknown),
    ] {
        let peer = MockServer::start().await;
        on(&peer, "POST", "/v1/payment_intents/pi_1/capture", status, body).await;
        let outcome = adapter(&peer.uri(), &clock(), 2_000).capture(&paid, mad(1), submit_by()).await;
        assert!(matches!(&outcome, Outcome::Refused(refusal) if refusal.reason == expected), "{outcome:?}");
    }
}

#[tokio::test]
async fn the_stripe_acquirer_s_webhooks_are_read_by_their_documentation() {
    let clock = clock();
    let stripe = adapter("http://127.0.0.1:9", &clock, 500);
    let secret = SecretString::from("whsec_of_the_tests");
    let read = |kind: &str, object: &Value| {
        let body = json!({ "id": "evt_1", "object": "event", "created": 1_795_334_400, "type": kind,
            "api_version": "2026-10-28", "data": { "object": object } });
        let body = body.to_string();
        let signed = sign(&secret, clock.now(), body.as_bytes());
        let headers = [("Stripe-Signature", &*signed)];
        stripe.read_notification(&Received { headers: &headers, body: body.as_bytes(), at: clock.now() })
    };
    let event = |kind: &str, object: &Value| match read(kind, object) {
        Ok(Notified::Of(notification)) => {
            assert_eq!((&*notification.key, notification.reference.unwrap().as_str()), ("evt_1", "pi_1"));
            notification.event
        }
        other => panic!("{kind}: {other:?}"),
    };
    let dispute = |status: &str| {
        json!({ "id": "dp_1", "object": "dispute", "amount": 106_050, "currency": "mad", "status": status,
            "payment_intent": "pi_1", "metadata": {} })
    };
    let refund = |status: &str| {
        json!({ "id": "re_1", "amount": 500, "currency": "mad", "status": status, "payment_intent": "pi_1",
            "metadata": { "order": "o1", "refund": "r1" } })
    };
    let charge = json!({ "id": "ch_1", "amount_refunded": 700, "currency": "mad", "payment_intent": "pi_1" });
    let failed = intent(
        "requires_payment_method",
        json!({ "last_payment_error": {
        "type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds" } }),
    );
    let held = intent("requires_capture", json!({ "amount_capturable": 106_050 }));
    assert_eq!(
        event("payment_intent.amount_capturable_updated", &held),
        Event::Authorised { amount: mad(106_050), captured_by_reply: false }
    );
    let part = intent("succeeded", json!({ "amount_received": 100_000 }));
    assert_eq!(event("payment_intent.succeeded", &part), Event::Captured { amount: mad(100_000) });
    assert!(
        matches!(event("payment_intent.payment_failed", &failed), Event::Refused(refusal) if refusal.reason == RefusalReason::InsufficientFunds)
    );
    assert_eq!(event("payment_intent.canceled", &intent("canceled", json!({}))), Event::Voided);
    assert!(
        matches!(event("charge.refunded", &charge), Event::Refunded { total: Some(total), .. } if total == mad(700))
    );
    assert!(
        matches!(event("refund.updated", &refund("succeeded")), Event::Refunded { refund: Some(id), .. } if id.as_str() == "r1")
    );
    assert!(matches!(event("refund.failed", &refund("failed")), Event::RefundFailed { .. }));
    let (id, amount) = ("dp_1".parse().unwrap(), mad(106_050));
    assert_eq!(
        event("charge.dispute.created", &dispute("needs_response")),
        Event::DisputeOpened { dispute: id, amount }
    );
    assert!(matches!(event("charge.dispute.closed", &dispute("won")), Event::DisputeWon { .. }));
    assert!(matches!(event("charge.dispute.closed", &dispute("lost")), Event::DisputeLost { .. }));
    for (kind, object) in [
        ("customer.created", json!({})),
        ("refund.created", refund("pending")),
        ("charge.dispute.created", dispute("warning_needs_response")),
    ] {
        assert!(matches!(read(kind, &object), Ok(Notified::Irrelevant { .. })), "{kind}");
    }
    for (kind, object) in [
        ("payment_intent.succeeded", json!({})),
        ("payment_intent.succeeded", intent("succeeded", json!({ "currency": "coin" }))),
        ("charge.dispute.closed", dispute("drawn")),
    ] {
        assert_eq!(read(kind, &object), Err(NotificationError::Unreadable), "{kind}");
    }
}

#[tokio::test]
async fn faults_of_the_stripe_acquirer_are_understood() {
    let clock = clock();
    let make = |url: &str| Arc::new(adapter(url, &clock, 300)) as Arc<dyn Acquirer>;
    let success =
        r#"{"id":"pi_1","status":"succeeded","amount":106050,"currency":"mad","metadata":{"order":"fault-1"}}"#;
    let method = token("pm_1");
    faults::check(&Kind { make: &make, method, authorise: Doubted::NotSent, reference: Some("pi_1"), success }).await;
}
