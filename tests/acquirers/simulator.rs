//! The adapter of the simulator against the simulator, and the simulator's own promises.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use secrecy::SecretString;
use serde_json::Value;
use taabia::acquiring::simulator::{Config as AdapterConfig, SIGNATURE, Simulator};
use taabia::exchange::Bounds;
use taabia::ports::Acquirer;
use taabia::ports::acquirer::{
    Authorised, CaptureMode, CustomerAction, DisputeStage, Event, Lookup, Notification, Notified, Outcome, Payment,
    PaymentMethod, PaymentStage, Received, RefusalReason, SettlementKind,
};
use taabia::simulator::acquirer::{Config, Notify, Server};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::conformance::{self, Bench};
use super::faults::{self, Doubted, Kind};
use super::{client, clock, dependencies, mad, payment, payment_order, refund_order, submit_by, token};
use crate::support::ManualClock;

const SECRET: &str = "whsec_of_the_tests";
const KEY: &str = "key_of_the_tests";

type Delivered = (Vec<(String, String)>, Vec<u8>);

/// Somebody who is notified, and takes the first `refusals` deliveries badly.
async fn receiver(refusals: usize) -> (String, mpsc::UnboundedReceiver<Delivered>) {
    let (sender, received) = mpsc::unbounded_channel();
    let refused = Arc::new(std::sync::atomic::AtomicUsize::new(refusals));
    let take = move |headers: HeaderMap, body: Bytes| async move {
        if refused
            .fetch_update(std::sync::atomic::Ordering::SeqCst, std::sync::atomic::Ordering::SeqCst, |n| {
                n.checked_sub(1)
            })
            .is_ok()
        {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        sender.send((headers.collect(), body.to_vec())).unwrap();
        StatusCode::OK
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/notifications", listener.local_addr().unwrap());
    let router = Router::new().route("/notifications", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

struct World {
    clock: Arc<ManualClock>,
    server: Server,
    adapter: Simulator,
    notified: tokio::sync::Mutex<mpsc::UnboundedReceiver<Delivered>>,
}

impl World {
    async fn new() -> Self {
        Self::with(None, 0).await
    }

    async fn with(data_dir: Option<&Path>, refusals: usize) -> Self {
        let clock = clock();
        let (notify_url, received) = receiver(refusals).await;
        let config = Config {
            data_dir: data_dir.map(Into::into),
            key: KEY.into(),
            notify: Some(Notify { url: notify_url, secret: SECRET.into() }),
            slow: Duration::from_millis(150),
            late: Duration::from_secs(5),
            first_retry: Duration::ZERO,
            ..Config::new(clock.clone())
        };
        let server = Server::start(config, TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap();
        let adapter = adapter(&format!("http://{}", server.addr()), &clock, KEY, 700);
        Self { clock, server, adapter, notified: tokio::sync::Mutex::new(received) }
    }

    async fn authorise(&self, order: &str, text: &str, capture: CaptureMode) -> Outcome<Authorised> {
        self.adapter.authorise(&payment_order(order, token(text), capture)).await
    }

    async fn stage(&self, order: &str) -> PaymentStage {
        match self.adapter.lookup(&payment(order)).await {
            Lookup::Known(state) => state.stage,
            other => panic!("{order}: {other:?}"),
        }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        let url = format!("http://{}{path}", self.server.addr());
        client().get(url).bearer_auth(KEY).send().await.unwrap()
    }

    async fn delivered(&self) -> Delivered {
        let mut notified = self.notified.lock().await;
        tokio::time::timeout(Duration::from_secs(10), notified.recv()).await.expect("a notification comes").unwrap()
    }

    /// The next notification, as the adapter reads it.
    async fn next(&self) -> Notification {
        let (headers, body) = self.delivered().await;
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let at = taabia::ports::Clock::now(&*self.clock);
        match self.adapter.read_notification(&Received { headers: &headers, body: &body, at }) {
            Ok(Notified::Of(notification)) => notification,
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&body)),
        }
    }

    async fn nothing_comes(&self) {
        let mut notified = self.notified.lock().await;
        assert!(tokio::time::timeout(Duration::from_millis(150), notified.recv()).await.is_err());
    }
}

fn adapter(url: &str, clock: &Arc<ManualClock>, key: &str, timeout_ms: u64) -> Simulator {
    let timeout = Duration::from_millis(timeout_ms);
    let config = AdapterConfig {
        bounds: Bounds { connect_timeout: timeout, timeout, max_orders_in_flight: 64 },
        key: key.into(),
        notification_secrets: vec![SecretString::from("an older one"), SECRET.into()],
        ..AdapterConfig::new(url)
    };
    Simulator::new(&config, &dependencies(clock)).unwrap()
}

#[async_trait]
impl Bench for World {
    fn acquirer(&self) -> &dyn Acquirer {
        &self.adapter
    }

    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    async fn authorised(&self, order: &str) -> Payment {
        let outcome = self.authorise(order, "tok_approved", CaptureMode::Manual).await;
        let Outcome::Done(Authorised::Held { reference, amount }) = outcome else { panic!("{outcome:?}") };
        Payment { reference: Some(reference), amount, ..payment(order) }
    }

    async fn declined(&self, order: &str) -> RefusalReason {
        match self.authorise(order, "tok_declined", CaptureMode::Manual).await {
            Outcome::Refused(refusal) => refusal.reason,
            other => panic!("{other:?}"),
        }
    }

    async fn repeat(&self, order: &str) {
        self.authorised(order).await;
    }

    async fn notification(&self, order: &str) -> Delivered {
        self.authorised(order).await;
        loop {
            let delivered = self.delivered().await;
            if String::from_utf8_lossy(&delivered.1).contains(order) {
                return delivered;
            }
        }
    }

    fn signs_time(&self) -> bool {
        true
    }

    async fn taken(&self) -> (u64, i64) {
        let summary: Value = self.get("/summary").await.json().await.unwrap();
        let sums = &summary["MAD"];
        (sums["captured_count"].as_u64().unwrap_or(0), sums["captured_minor"].as_i64().unwrap_or(0))
    }
}

#[tokio::test]
async fn the_acquirer_simulator_conforms() {
    conformance::check(&World::new().await).await;
}

#[tokio::test]
async fn faults_of_the_acquirer_simulator_are_understood() {
    let clock = clock();
    let make = |url: &str| Arc::new(adapter(url, &clock, KEY, 300)) as Arc<dyn Acquirer>;
    let success = concat!(
        r#"{"order":"fault-1","reference":"pay_1","status":"captured","amount_minor":106050,"currency":"MAD","#,
        r#""captured_minor":106050,"refunded_minor":5,"code":null,"redirect_url":null,"#,
        r#""refunds":[{"refund":"fault-r","reference":"rf_1","amount_minor":5}],"dispute":null}"#
    );
    let method = token("tok_approved");
    faults::check(&Kind { make: &make, method, authorise: Doubted::Unknown, reference: None, success }).await;
}

#[tokio::test]
async fn the_token_decides_how_an_acquirer_answers() {
    let world = World::new().await;
    for (text, reason) in [
        ("tok_declined", RefusalReason::CardDeclined),
        ("tok_insufficient_funds", RefusalReason::InsufficientFunds),
        ("tok_expired_card", RefusalReason::CardExpired),
        ("tok_of_nobody", RefusalReason::TokenUnknown),
    ] {
        let outcome = world.authorise(text, text, CaptureMode::Automatic).await;
        assert!(matches!(&outcome, Outcome::Refused(refusal) if refusal.reason == reason), "{text}: {outcome:?}");
    }
    let slow = world.authorise("slow", "tok_slow", CaptureMode::Automatic).await;
    assert!(matches!(slow, Outcome::Done(Authorised::Captured { amount, .. }) if amount == mad(106_050)), "{slow:?}");
    for (text, found) in [
        ("tok_timeout_applied", true),
        ("tok_timeout_not_applied", false),
        ("tok_error_applied", true),
        ("tok_unlisted", false),
    ] {
        let outcome = world.authorise(text, text, CaptureMode::Automatic).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{text}: {outcome:?}");
        let lookup = world.adapter.lookup(&payment(text)).await;
        assert_eq!(matches!(lookup, Lookup::Known(_)), found, "{text}: {lookup:?}");
        assert!(found || lookup == Lookup::NotKnown, "{text}: {lookup:?}");
    }
    let again = world.authorise("tok_timeout_applied", "tok_timeout_applied", CaptureMode::Automatic).await;
    assert!(
        matches!(again, Outcome::Done(Authorised::Captured { .. })),
        "the same order is the same payment: {again:?}"
    );
    let other = world.authorise("slow", "tok_approved", CaptureMode::Automatic).await;
    assert!(matches!(other, Outcome::Refused(refusal) if refusal.reason == RefusalReason::OtherContent));
    assert_eq!(world.taken().await.0, 3);
}

#[tokio::test]
async fn captures_and_refunds_fail_as_the_token_says() {
    let world = World::new().await;
    for (text, unknown, applied) in [
        ("tok_capture_fails", false, false),
        ("tok_capture_timeout_applied", true, true),
        ("tok_capture_timeout_not_applied", true, false),
    ] {
        world.authorise(text, text, CaptureMode::Manual).await;
        let outcome = world.adapter.capture(&payment(text), mad(106_050), submit_by()).await;
        assert_eq!(matches!(outcome, Outcome::Unknown { .. }), unknown, "{text}: {outcome:?}");
        assert_eq!(world.stage(text).await == PaymentStage::Captured, applied, "{text}");
    }
    let held = world.authorise("auto", "tok_capture_fails", CaptureMode::Automatic).await;
    assert!(matches!(held, Outcome::Done(Authorised::Held { .. })), "authorised, and the capture failed: {held:?}");
    for (text, unknown, applied) in [
        ("tok_refund_fails", false, 0),
        ("tok_refund_timeout_applied", true, 500),
        ("tok_refund_timeout_not_applied", true, 0),
    ] {
        world.authorise(text, text, CaptureMode::Automatic).await;
        let outcome = world.adapter.refund(&refund_order(&payment(text), text, 500)).await;
        assert_eq!(matches!(outcome, Outcome::Unknown { .. }), unknown, "{text}: {outcome:?}");
        let Lookup::Known(state) = world.adapter.lookup(&payment(text)).await else { panic!("{text}") };
        assert_eq!(state.refunded, mad(applied), "{text}");
    }
    let paid = world.authorised("refunds").await;
    world.adapter.capture(&paid, mad(106_050), submit_by()).await;
    let refund = async |id: &str, minor| world.adapter.refund(&refund_order(&paid, id, minor)).await;
    assert!(matches!(refund("a", 106_000).await, Outcome::Done(_)));
    assert!(matches!(refund("a", 106_000).await, Outcome::Done(_)), "the same refund again");
    for (id, minor, reason) in [("a", 5, RefusalReason::OtherContent), ("b", 51, RefusalReason::AmountOutOfRange)] {
        let outcome = refund(id, minor).await;
        assert!(matches!(&outcome, Outcome::Refused(refusal) if refusal.reason == reason), "{outcome:?}");
    }
}

#[tokio::test]
async fn the_customer_proves_to_be_the_holder_on_the_acquirer_s_page() {
    let world = World::new().await;
    let redirect = async |order: &str, method: PaymentMethod| {
        let mut asked = payment_order(order, method, CaptureMode::Automatic);
        asked.return_url = Some("http://127.0.0.1:9/back".into());
        match world.adapter.authorise(&asked).await {
            Outcome::Done(Authorised::NeedsCustomer { action: CustomerAction::Redirect { url }, .. }) => url,
            other => panic!("{order}: {other:?}"),
        }
    };
    let post = async |url: &str, form: &'static str| {
        let request = client().post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
        request.send().await.unwrap()
    };
    let url = redirect("3ds", token("tok_3ds")).await;
    let shown = client().get(&*url).send().await.unwrap();
    assert!(shown.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(shown.text().await.unwrap().contains("1060.50 MAD"));
    let paid = post(&url, "action=pay").await;
    assert_eq!(
        (paid.status(), &paid.headers()["location"]),
        (StatusCode::SEE_OTHER, &"http://127.0.0.1:9/back".parse().unwrap())
    );
    assert_eq!(world.stage("3ds").await, PaymentStage::Captured);

    let url = redirect("given-up", token("tok_3ds")).await;
    post(&url, "action=give_up").await;
    assert!(
        matches!(world.stage("given-up").await, PaymentStage::Refused(refusal) if refusal.reason == RefusalReason::AuthenticationFailed)
    );

    let url = redirect("hosted", PaymentMethod::HostedPage).await;
    let declined = post(&url, "action=pay&token=tok_insufficient_funds").await;
    assert_eq!(declined.status(), StatusCode::OK, "another card may be tried");
    assert!(matches!(world.stage("hosted").await, PaymentStage::NeedsCustomer(_)));
    assert_eq!(post(&url, "action=pay&token=tok_approved").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(world.stage("hosted").await, PaymentStage::Captured);
    assert_eq!(
        post(&url, "action=pay&token=tok_approved").await.status(),
        StatusCode::SEE_OTHER,
        "again, without effect"
    );
    assert_eq!(world.taken().await.0, 2);
    let card = format!("action=pay&token=4{}1", "1".repeat(14));
    let refused = client().post(&*url).header("content-type", "application/x-www-form-urlencoded").body(card);
    assert_eq!(refused.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn notifications_come_duplicated_late_and_reordered() {
    let world = World::with(None, 3).await;
    let kinds = |one: &Notification, two: &Notification| {
        let kind = |notification: &Notification| match notification.event {
            Event::Authorised { .. } => "authorised",
            Event::Captured { .. } => "captured",
            _ => "other",
        };
        (kind(one), kind(two))
    };
    world.authorise("n1", "tok_approved", CaptureMode::Automatic).await;
    assert_eq!(kinds(&world.next().await, &world.next().await), ("authorised", "captured"), "after three refusals");
    world.authorise("n2", "tok_duplicate_notifications", CaptureMode::Manual).await;
    let (one, two, three) = (world.next().await, world.next().await, world.next().await);
    assert!(one.key == two.key && two.key == three.key);

    world.authorise("n3", "tok_reordered_notifications", CaptureMode::Automatic).await;
    let first = world.next().await;
    world.nothing_comes().await;
    world.clock.advance_ms(5_000);
    assert_eq!(kinds(&first, &world.next().await), ("captured", "authorised"));

    world.authorise("n4", "tok_late_notifications", CaptureMode::Manual).await;
    world.nothing_comes().await;
    world.clock.advance_ms(5_000);
    assert_eq!(world.next().await.order, Some("n4".parse().unwrap()));
    world.authorise("n5", "tok_no_notifications", CaptureMode::Automatic).await;
    world.nothing_comes().await;
}

#[tokio::test]
async fn a_charge_back_comes_after_its_time_and_stands_in_the_settlement_file() {
    let world = World::new().await;
    world.authorise("cb", "tok_chargeback_lost_after_60", CaptureMode::Automatic).await;
    world.authorise("ok", "tok_approved", CaptureMode::Automatic).await;
    world.adapter.refund(&refund_order(&payment("ok"), "back", 1_000)).await;
    world.clock.advance_ms(59_000);
    for _ in 0..5 {
        world.next().await;
    }
    world.nothing_comes().await;
    let dispute = async || match world.adapter.lookup(&payment("cb")).await {
        Lookup::Known(state) => state.dispute.unwrap().stage,
        other => panic!("{other:?}"),
    };
    world.clock.advance_ms(1_000);
    assert!(matches!(world.next().await.event, Event::DisputeOpened { amount, .. } if amount == mad(106_050)));
    assert_eq!(dispute().await, DisputeStage::Open);
    world.clock.advance_ms(60_000);
    assert!(matches!(world.next().await.event, Event::DisputeLost { .. }));
    assert_eq!(dispute().await, DisputeStage::Lost);

    let file = world.get("/settlements/2026-11-22.csv").await.text().await.unwrap();
    let mut lines = file.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let heading = lines.next().unwrap();
    let bound = world.adapter.settlement_profile().bind(&heading).unwrap();
    let lines: Vec<_> = lines.map(|cells| bound.read(&cells).unwrap()).collect();
    let found: Vec<_> = lines
        .iter()
        .map(|line| (line.order.as_deref().unwrap(), line.kind, line.gross.minor(), line.fee.minor()))
        .collect();
    let expected = [
        ("cb", SettlementKind::Payment, 106_050, 1_591),
        ("cb", SettlementKind::Chargeback, -106_050, 0),
        ("ok", SettlementKind::Payment, 106_050, 1_591),
        ("back", SettlementKind::Refund, -1_000, 0),
    ];
    assert_eq!(found, expected, "{file}");
    assert!(lines.iter().all(|line| line.net.minor() == line.gross.minor() - line.fee.minor()));
    assert_eq!(world.get("/settlements/2026-11-23.csv").await.text().await.unwrap().lines().count(), 1);
}

#[tokio::test]
async fn a_restart_keeps_payments_and_what_was_not_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::with(Some(directory.path()), usize::MAX).await;
    world.authorised("kept").await;
    world.adapter.capture(&payment("kept"), mad(100_000), submit_by()).await;
    world.authorise("late", "tok_late_notifications", CaptureMode::Manual).await;
    world.server.shutdown().await;

    let world = World::with(Some(directory.path()), 0).await;
    let Lookup::Known(state) = world.adapter.lookup(&payment("kept")).await else { panic!("it is kept") };
    assert_eq!((state.stage, state.captured), (PaymentStage::Captured, mad(100_000)));
    assert_eq!(world.taken().await, (1, 100_000));
    let orders = [world.next().await.order, world.next().await.order];
    assert_eq!(orders, [Some("kept".parse().unwrap()), Some("kept".parse().unwrap())]);
    world.clock.advance_ms(5_000);
    assert_eq!(world.next().await.order, Some("late".parse().unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config { data_dir: Some(directory.path().into()), ..Config::new(world.clock.clone()) };
    assert!(Server::start(config, listener).await.is_err(), "one record has one simulator");
}

#[tokio::test]
async fn the_simulated_acquirer_wants_its_key_and_no_cards() {
    let world = World::new().await;
    let stranger = adapter(&format!("http://{}", world.server.addr()), &world.clock, "wrong", 700);
    let outcome = stranger.authorise(&payment_order("x", token("tok_approved"), CaptureMode::Manual)).await;
    assert!(matches!(outcome, Outcome::Refused(refusal) if refusal.reason == RefusalReason::Misconfigured));
    assert!(matches!(stranger.lookup(&payment("x")).await, Lookup::Unknown(_)));
    let body = serde_json::json!({
        "order": "x", "amount_minor": 1, "currency": "MAD", "token": format!("4{}1", "1".repeat(14)), "capture": "manual"
    });
    let url = format!("http://{}/payments", world.server.addr());
    let refused = client().post(url).bearer_auth(KEY).json(&body).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert_eq!(world.get("/payments").await.json::<Value>().await.unwrap()["items"], serde_json::json!([]));
    assert_eq!(SIGNATURE, SIGNATURE.to_lowercase(), "header names are compared in lower case");
}
