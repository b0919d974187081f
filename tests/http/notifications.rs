//! Acquirers that tell something over HTTP: the simulator with all its unreliability, and CMI's callbacks.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use taabia::acquiring::simulator::{Config as AdapterConfig, SIGNATURE, Simulator};
use taabia::acquiring::{Dependencies, cmi, signature};
use taabia::domain::{AccountClass, Shard};
use taabia::exchange::Bounds;
use taabia::ports::acquirer::CaptureMode;
use taabia::ports::{Acquirer, Clock};
use taabia::simulator::acquirer::{Config, Notify, Server};
use tokio::net::TcpListener;

use crate::support::api::{Answer, TestApi};
use crate::support::{ManualClock, SeededRandomness, must_verify};

pub(super) const SECRET: &str = "whsec_of_the_tests";

pub(super) struct Shop {
    pub(super) api: TestApi,
    pub(super) clock: Arc<ManualClock>,
    pub(super) server: Option<Server>,
}

impl Shop {
    fn dependencies() -> (Arc<ManualClock>, Dependencies) {
        let clock = Arc::new(ManualClock::at("2026-11-22T08:00:00Z"));
        (clock.clone(), Dependencies { clock, randomness: Arc::new(SeededRandomness::new(9)) })
    }

    /// An API that the simulator can reach, and that can reach it.
    pub(super) async fn with_simulator(capture: CaptureMode) -> Self {
        let (clock, dependencies) = Self::dependencies();
        let ours = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/acquirers/simulator/notifications", ours.local_addr().unwrap());
        let config = Config {
            notify: Some(Notify { url, secret: SECRET.into() }),
            late: Duration::from_secs(5),
            first_retry: Duration::ZERO,
            ..Config::new(clock.clone())
        };
        let server = Server::start(config, TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap();
        let timeout = Duration::from_millis(700);
        let adapter = AdapterConfig {
            bounds: Bounds { connect_timeout: timeout, timeout, max_orders_in_flight: 64 },
            notification_secrets: vec![SECRET.into()],
            ..AdapterConfig::new(format!("http://{}", server.addr()))
        };
        let adapter: Arc<dyn Acquirer> = Arc::new(Simulator::new(&adapter, &dependencies).unwrap());
        let api = TestApi::with_acquirers(vec![("simulator", capture, adapter)]).await;
        let router = api.router.clone();
        tokio::spawn(async move { axum::serve(ours, router).await });
        Self { api, clock, server: Some(server) }
    }

    pub(super) async fn buy(&self, key: &str, more: Value) -> Value {
        let mut body = json!({
            "external_id": key, "reseller_id": self.api.world.id("shop-1").to_string(), "stock": "10.00",
            "currency": "MAD"
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.api.post("/v1/topups", body.to_string()).await.json()
    }

    async fn status(&self, id: &Value) -> String {
        let answer = self.api.get(&format!("/v1/topups/{}", id.as_str().unwrap())).await.json();
        answer["status"].as_str().unwrap().to_owned()
    }

    pub(super) async fn becomes(&self, id: &Value, status: &str) {
        for _ in 0..500 {
            if self.status(id).await == status {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{id} stays {}", self.status(id).await);
    }

    pub(super) async fn notify(&self, acquirer: &str, header: Option<&str>, body: &[u8]) -> Answer {
        let mut request = Request::builder().method("POST").uri(format!("/v1/acquirers/{acquirer}/notifications"));
        if let Some(header) = header {
            request = request.header(SIGNATURE, header);
        }
        self.api.send(request.body(Body::from(body.to_vec())).unwrap()).await
    }

    pub(super) async fn stock(&self) -> i64 {
        let (id, store) = (self.api.world.id("shop-1"), &self.api.world.books.store);
        store.stock(Shard::of(id.uuid(), store.shards()), id).await.unwrap().unwrap().posted
    }

    pub(super) async fn taken_from_cards(&self) -> i64 {
        let snapshot = self.api.world.books.audit.snapshot().await.unwrap();
        let accounts = snapshot.accounts.iter().map(|(_, account)| account);
        accounts.filter(|it| it.class == AccountClass::AcquirerReceivable).map(|it| it.posted).sum()
    }
}

const NOTIFICATIONS: [&str; 4] =
    ["tok_visa", "tok_duplicate_notifications", "tok_late_notifications", "tok_reordered_notifications"];

#[tokio::test]
async fn whatever_the_simulator_does_with_its_notifications_each_payment_is_credited_once() {
    // Their answers never come: what is told by itself ends the doubt.
    for (capture, silent) in [
        (CaptureMode::Automatic, ["tok_timeout_applied", "tok_error_applied"].as_slice()),
        (CaptureMode::Manual, &["tok_capture_timeout_applied"]),
    ] {
        let tokens = NOTIFICATIONS.iter().chain(silent).copied().collect::<Vec<_>>();
        credited_once(capture, &tokens).await;
    }
}

async fn credited_once(capture: CaptureMode, tokens: &[&str]) {
    let shop = Shop::with_simulator(capture).await;
    let mut bought = Vec::new();
    for token in tokens {
        let topup = shop.buy(token, json!({ "payment_method": token, "acquirer": "simulator" })).await;
        bought.push(topup["id"].clone());
    }
    shop.clock.advance_ms(5_001);
    for id in &bought {
        shop.becomes(id, "credited").await;
    }
    // All that is still to come has come.
    for _ in 0..20 {
        shop.clock.advance_ms(61_000);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let sold = i64::try_from(tokens.len()).unwrap() * 1_000;
    assert_eq!((shop.stock().await, shop.taken_from_cards().await), (200_000 + sold, sold));
    let summary = format!("http://{}/summary", shop.server.as_ref().unwrap().addr());
    let summary = crate::support::program::http_client().get(summary).send().await.unwrap();
    let summary: Value = serde_json::from_str(&summary.text().await.unwrap()).unwrap();
    assert!(summary.to_string().contains(&sold.to_string()), "{summary}");
    assert_eq!(shop.api.world.books.notifications.kept_notifications(10).await.unwrap(), []);
    must_verify(&*shop.api.world.books.audit).await;
}

#[tokio::test]
async fn a_forged_notification_moves_nothing() {
    let shop = Shop::with_simulator(CaptureMode::Manual).await;
    let topup = shop.buy("a", json!({ "payment_method": "tok_timeout_not_applied", "acquirer": "simulator" })).await;
    assert_eq!(topup["status"], "in_doubt");
    let body = json!({
        "id": "ntf_1", "type": "payment.captured", "order": topup["id"], "reference": "pay_77",
        "occurred_ms": shop.clock.now_ms(), "amount_minor": 1_000, "currency": "MAD"
    })
    .to_string();
    let sign = |secret: &str, at_ms: i64, body: &str| {
        let at = taabia::domain::Timestamp::from_unix_ms(at_ms);
        signature::sign(&secret.into(), at, body.as_bytes())
    };
    let now = shop.clock.now().unix_ms();
    let other_body = sign(SECRET, now, "{}");
    let other_secret = sign("whsec_of_somebody", now, &body);
    let recorded = sign(SECRET, now - 3_600_000, &body);
    for header in [None, Some("t=1,v1=00"), Some(&*other_body), Some(&*other_secret), Some(&*recorded)] {
        let answer = shop.notify("simulator", header, body.as_bytes()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (400, json!({ "received": false })), "{header:?}");
    }
    assert_eq!((shop.status(&topup["id"]).await, shop.taken_from_cards().await), ("in_doubt".to_owned(), 0));
    shop.notify("nobody", None, body.as_bytes()).await.problem(404, "not_found");
    shop.notify("No Name!".replace(' ', "%20").as_str(), None, body.as_bytes()).await.problem(404, "not_found");
    shop.notify("simulator", None, &vec![b' '; 300_000]).await.problem(413, "payload_too_large");
    // Signed, it counts.
    let genuine = sign(SECRET, now, &body);
    assert_eq!(shop.notify("simulator", Some(&genuine), body.as_bytes()).await.status.as_u16(), 200);
    assert_eq!(shop.status(&topup["id"]).await, "credited");
    must_verify(&*shop.api.world.books.audit).await;
}

const STORE_KEY: &str = r"st|ore\key";

/// A callback of CMI, signed as its gate does it; `tests/acquirers/cmi.rs` proves that against another computation.
fn callback(changes: &[(&str, &str)], order: &str) -> String {
    let mut fields: Vec<(&str, &str)> = vec![
        ("clientid", "600000001"),
        ("oid", order),
        ("amount", "10.00"),
        ("currency", "504"),
        ("Response", "Approved"),
        ("ProcReturnCode", "00"),
        ("TransId", "26326001"),
        ("hashAlgorithm", "ver3"),
        ("encoding", "UTF-8"),
    ];
    for (name, value) in changes {
        fields.iter_mut().find(|(known, _)| known == name).unwrap().1 = value;
    }
    let hash = cmi::hash::ver3(fields.iter().copied(), &STORE_KEY.into());
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).append_pair("HASH", &hash).finish()
}

#[tokio::test]
async fn cmi_calls_back_several_times_for_an_order() {
    let (clock, dependencies) = Shop::dependencies();
    let config = cmi::Config {
        gate_url: "https://cmi.example/fim/est3Dgate".into(),
        merchant_id: "600000001".into(),
        store_key: STORE_KEY.into(),
        callback_url: "https://taabia.example/v1/acquirers/cmi/notifications".into(),
        settlement: cmi::settlement_profile(),
    };
    let adapter: Arc<dyn Acquirer> = Arc::new(cmi::Cmi::new(&config, &dependencies).unwrap());
    let shop = Shop {
        api: TestApi::with_acquirers(vec![("cmi", CaptureMode::Automatic, adapter)]).await,
        clock,
        server: None,
    };
    let topup = shop.buy("a", json!({ "acquirer": "cmi", "return_url": "https://shop.example/back" })).await;
    assert_eq!(topup["status"], "requires_action");
    let order = topup["id"].as_str().unwrap();
    let tells = async |changes: &[(&str, &str)]| {
        let answer = shop.notify("cmi", None, callback(changes, order).as_bytes()).await;
        assert_eq!((answer.status.as_u16(), answer.header(axum::http::header::CONTENT_TYPE)), (200, "text/plain"));
        answer.text()
    };
    // Declined, then with an amount that is not due, then as it should be, three times, and declined afterwards.
    let declined = [("Response", "Declined"), ("ProcReturnCode", "51"), ("TransId", "26326000")];
    assert_eq!(tells(&declined).await, "APPROVED");
    assert_eq!(tells(&[("amount", "9.99")]).await, "FAILURE");
    assert_eq!((shop.status(&topup["id"]).await, shop.taken_from_cards().await), ("requires_action".into(), 0));
    for _ in 0..3 {
        assert_eq!(tells(&[]).await, "ACTION=POSTAUTH");
    }
    assert_eq!(tells(&declined).await, "APPROVED");
    let forged = callback(&[], order).replace("26326001", "26326002");
    assert_eq!(shop.notify("cmi", None, forged.as_bytes()).await.text(), "FAILURE");
    assert_eq!((shop.status(&topup["id"]).await, shop.stock().await), ("credited".to_owned(), 201_000));
    assert_eq!(shop.taken_from_cards().await, 1_000);
    must_verify(&*shop.api.world.books.audit).await;
}
