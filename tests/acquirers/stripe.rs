//! The Stripe adapter against localstripe, an independent server of the Python Package Index that `scripts/test` installs.
//!
//! Between both stands a gateway with what localstripe lacks: keys of idempotency and the search (both as Stripe documents
//! them), and answers that get lost. Webhooks are signed and sent by localstripe itself. Redirects of 3-D Secure, disputes
//! and refunds' webhooks it does not have at all: `stripe_shapes.rs` tests them by recorded shapes.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use taabia::acquiring::stripe::{Config, Stripe, settlement_profile};
use taabia::domain::Timestamp;
use taabia::exchange::Bounds;
use taabia::ports::acquirer::{
    Authorised, CaptureMode, Event, Lookup, Notified, Outcome, Payment, PaymentStage, Received, RefusalReason,
};
use taabia::ports::{Acquirer, Clock as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::conformance::{self, Bench};
use super::{client, clock, dependencies, mad, payment, payment_order, submit_by, token};
use crate::support::{ManualClock, RealClock};

const KEY: &str = "sk_of_the_tests";
const SECRET: &str = "whsec_of_the_tests";

/// Ends when its standard input is closed, also when the test is killed.
struct Localstripe {
    process: Child,
    url: String,
}

impl Localstripe {
    #[expect(clippy::disallowed_methods, reason = "scripts/test tells where it installed localstripe")]
    fn start() -> Self {
        let python = std::env::var_os("TAABIA_TEST_LOCALSTRIPE")
            .expect("TAABIA_TEST_LOCALSTRIPE names a Python with localstripe: run scripts/test, which installs it");
        let mut process = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/acquirers/serve_localstripe.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python of TAABIA_TEST_LOCALSTRIPE runs");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port: u16 = line.trim().parse().expect("localstripe starts and prints its port");
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Localstripe {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

#[derive(Default)]
struct Gateway {
    localstripe: String,
    /// First answers, by key: what was asked, status and body.
    answers: Mutex<HashMap<String, (String, u16, Bytes)>>,
    /// The answer to the next write of this path's ending gets lost.
    losing: Mutex<Option<&'static str>>,
}

impl Gateway {
    async fn serve(self: Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(self);
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn forward(&self, method: Method, uri: &Uri, body: Bytes) -> (u16, Bytes) {
        let request = client()
            .request(method, format!("{}{uri}", self.localstripe))
            .bearer_auth(KEY)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    }

    async fn search(&self, uri: &Uri) -> Value {
        let query =
            form_urlencoded::parse(uri.query().unwrap().as_bytes()).find(|(name, _)| name == "query").unwrap().1;
        let order = query.strip_prefix("metadata['order']:'").unwrap().strip_suffix('\'').unwrap().to_owned();
        let all = "/v1/payment_intents?limit=100".parse().unwrap();
        let (_, body) = self.forward(Method::GET, &all, Bytes::new()).await;
        let mut list: Value = serde_json::from_slice(&body).unwrap();
        list["data"].as_array_mut().unwrap().retain(|intent| intent["metadata"]["order"] == *order);
        list
    }
}

async fn pass(
    State(gateway): State<Arc<Gateway>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let expected = format!("Bearer {KEY}");
    if headers.get(header::AUTHORIZATION).is_none_or(|given| *given != *expected) {
        let error = json!({ "error": { "type": "invalid_request_error", "message": "Invalid API Key provided" } });
        return (StatusCode::UNAUTHORIZED, error.to_string()).into_response();
    }
    if uri.path() == "/v1/payment_intents/search" {
        return gateway.search(&uri).await.to_string().into_response();
    }
    if method == Method::GET {
        let (status, body) = gateway.forward(method, &uri, body).await;
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    let key = headers["idempotency-key"].to_str().expect("every write has a key").to_owned();
    let asked = format!("{uri} {}", String::from_utf8_lossy(&body));
    let known = gateway.answers.lock().unwrap().get(&key).cloned();
    let (first_asked, status, answer) = match known {
        Some(known) => known,
        None => {
            let (status, answer) = gateway.forward(method, &uri, body).await;
            let first = (asked.clone(), status, answer);
            gateway.answers.lock().unwrap().insert(key, first.clone());
            first
        }
    };
    if first_asked != asked {
        let error = json!({ "error": { "type": "idempotency_error", "message": "Keys for idempotent requests …" } });
        return (StatusCode::BAD_REQUEST, error.to_string()).into_response();
    }
    if gateway.losing.lock().unwrap().take_if(|ending| uri.path().ends_with(*ending)).is_some() {
        return (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response();
    }
    (StatusCode::from_u16(status).unwrap(), answer).into_response()
}

type Delivered = (Vec<(String, String)>, Vec<u8>);

struct World {
    clock: Arc<ManualClock>,
    localstripe: Localstripe,
    gateway: Arc<Gateway>,
    adapter: Stripe,
    notified: tokio::sync::Mutex<mpsc::UnboundedReceiver<Delivered>>,
}

impl World {
    async fn new() -> Self {
        let localstripe = Localstripe::start();
        let gateway = Arc::new(Gateway { localstripe: localstripe.url.clone(), ..Gateway::default() });
        let url = gateway.clone().serve().await;
        let clock = clock();
        let adapter = Stripe::new(&config(&url, 5_000), &dependencies(&clock)).unwrap();
        let notified = tokio::sync::Mutex::new(webhooks(&localstripe.url).await);
        Self { clock, localstripe, gateway, adapter, notified }
    }

    /// What Stripe's script in the customer's browser would get for a test card.
    async fn token(&self, number: String) -> String {
        let form = [
            ("type", "card"),
            ("card[number]", &*number),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2030"),
            ("card[cvc]", "123"),
        ];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = client()
            .post(format!("{}/v1/payment_methods", self.localstripe.url))
            .bearer_auth(KEY)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["id"].as_str().expect("a token").to_owned()
    }

    async fn pay(&self, order: &str, card: String, capture: CaptureMode) -> Outcome<Authorised> {
        let token = token(&self.token(card).await);
        self.adapter.authorise(&payment_order(order, token, capture)).await
    }

    async fn intents(&self) -> Vec<Value> {
        let url = format!("{}/v1/payment_intents?limit=100", self.localstripe.url);
        let list: Value = client().get(url).bearer_auth(KEY).send().await.unwrap().json().await.unwrap();
        list["data"].as_array().unwrap().clone()
    }

    async fn delivered(&self) -> Delivered {
        let mut notified = self.notified.lock().await;
        tokio::time::timeout(Duration::from_secs(20), notified.recv()).await.expect("a webhook comes").unwrap()
    }
}

// Put together here, so that no card number stands in the source.

fn good_card() -> String {
    "42".repeat(8)
}

fn declined_card() -> String {
    format!("4{}341", "0".repeat(12))
}

/// One that asks for 3-D Secure.
fn guarded_card() -> String {
    format!("4{}3220", "0".repeat(11))
}

fn config(url: &str, timeout_ms: u64) -> Config {
    let timeout = Duration::from_millis(timeout_ms);
    Config {
        url: url.into(),
        bounds: Bounds { connect_timeout: timeout, timeout, max_orders_in_flight: 16 },
        key: KEY.into(),
        webhook_secrets: vec!["whsec_older".into(), SECRET.into()],
        webhook_tolerance_s: 300,
        settlement: settlement_profile(),
    }
}

/// Has localstripe send its webhooks here.
async fn webhooks(localstripe: &str) -> mpsc::UnboundedReceiver<Delivered> {
    let (sender, received) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        sender.send((headers.collect(), body.to_vec())).unwrap();
        StatusCode::OK
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = json!({ "url": format!("http://{}/", listener.local_addr().unwrap()), "secret": SECRET });
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(take))).await });
    let request = client().post(format!("{localstripe}/_config/webhooks/tests")).json(&target);
    request.send().await.unwrap().error_for_status().unwrap();
    received
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
        let outcome = self.pay(order, good_card(), CaptureMode::Manual).await;
        let Outcome::Done(Authorised::Held { reference, amount }) = outcome else { panic!("{outcome:?}") };
        Payment { reference: Some(reference), amount, ..payment(order) }
    }

    async fn declined(&self, order: &str) -> RefusalReason {
        match self.pay(order, declined_card(), CaptureMode::Manual).await {
            Outcome::Refused(refusal) => refusal.reason,
            other => panic!("{other:?}"),
        }
    }

    async fn repeat(&self, order: &str) {
        let before = self.intents().await.len();
        let intent = self.intents().await.into_iter().find(|intent| intent["metadata"]["order"] == *order).unwrap();
        let same = token(intent["payment_method"].as_str().unwrap());
        let again = self.adapter.authorise(&payment_order(order, same, CaptureMode::Manual)).await;
        assert!(matches!(again, Outcome::Done(Authorised::Held { .. })), "{again:?}");
        assert_eq!(self.intents().await.len(), before, "one order is one intent");
        let other = self.pay(order, good_card(), CaptureMode::Manual).await;
        assert!(
            matches!(&other, Outcome::Refused(refusal) if refusal.reason == RefusalReason::OtherContent),
            "{other:?}"
        );
    }

    async fn notification(&self, order: &str) -> Delivered {
        let paid = self.pay(order, good_card(), CaptureMode::Automatic).await;
        assert!(
            matches!(paid, Outcome::Done(Authorised::Captured { amount, .. }) if amount == mad(106_050)),
            "{paid:?}"
        );
        loop {
            let delivered = self.delivered().await;
            if String::from_utf8_lossy(&delivered.1).contains(order) {
                return delivered;
            }
        }
    }

    fn signing_time(&self) -> Timestamp {
        RealClock.now()
    }

    fn signs_time(&self) -> bool {
        true
    }

    async fn taken(&self) -> (u64, i64) {
        let taken: Vec<_> = self.intents().await.into_iter().filter(|intent| intent["status"] == "succeeded").collect();
        (taken.len() as u64, taken.iter().map(|intent| intent["amount"].as_i64().unwrap()).sum())
    }
}

#[tokio::test]
async fn the_stripe_acquirer_conforms_with_localstripe() {
    conformance::check(&World::new().await).await;
}

#[tokio::test]
async fn what_localstripe_tells_the_acquirer_adapter_by_webhook_is_read() {
    let world = World::new().await;
    let read = async || {
        let (headers, body) = world.delivered().await;
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        match world.adapter.read_notification(&Received { headers: &headers, body: &body, at: RealClock.now() }) {
            Ok(Notified::Of(notification)) => notification,
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&body)),
        }
    };
    world.pay("paid", good_card(), CaptureMode::Automatic).await;
    let paid = read().await;
    assert_eq!((paid.order, paid.event), (Some("paid".parse().unwrap()), Event::Captured { amount: mad(106_050) }));
    world.pay("refused", declined_card(), CaptureMode::Automatic).await;
    let refused = read().await;
    assert!(
        matches!(&refused.event, Event::Refused(refusal) if refusal.reason == RefusalReason::CardDeclined),
        "{refused:?}"
    );
}

#[tokio::test]
async fn doubt_at_the_stripe_acquirer_ends_by_asking() {
    let world = World::new().await;
    let card = world.token(good_card()).await;
    let order = |id: &str| payment_order(id, token(&card), CaptureMode::Manual);
    let lose = |ending| *world.gateway.losing.lock().unwrap() = Some(ending);

    lose("/payment_intents");
    let created = world.adapter.authorise(&order("a")).await;
    assert!(matches!(created, Outcome::NotSent(_)), "an unconfirmed intent moves no money: {created:?}");
    assert!(matches!(world.adapter.authorise(&order("a")).await, Outcome::Done(Authorised::Held { .. })));

    lose("/confirm");
    let confirmed = world.adapter.authorise(&order("b")).await;
    let Outcome::Unknown { reference: Some(reference), .. } = confirmed else { panic!("{confirmed:?}") };
    let told = Payment { reference: Some(reference), ..payment("b") };
    for asked in [&told, &payment("b")] {
        let found = world.adapter.lookup(asked).await;
        assert!(matches!(&found, Lookup::Known(state) if state.stage == PaymentStage::Authorised), "{found:?}");
    }
    assert!(matches!(world.adapter.authorise(&order("b")).await, Outcome::Done(Authorised::Held { .. })));
    // Stripe forgets keys after a day or more: the intent is looked at, not confirmed again.
    world.gateway.answers.lock().unwrap().remove("b-confirm");
    let again = world.adapter.authorise(&order("b")).await;
    assert!(matches!(again, Outcome::Done(Authorised::Held { .. })), "{again:?}");

    lose("/capture");
    let captured = world.adapter.capture(&told, mad(106_050), submit_by()).await;
    assert!(matches!(captured, Outcome::Unknown { .. }), "{captured:?}");
    let found = world.adapter.lookup(&told).await;
    assert!(matches!(&found, Lookup::Known(state) if state.captured == mad(106_050)), "{found:?}");
    assert!(matches!(world.adapter.capture(&told, mad(106_050), submit_by()).await, Outcome::Done(_)));

    lose("/refunds");
    let refund = super::refund_order(&told, "back-b", 1_000);
    assert!(matches!(world.adapter.refund(&refund).await, Outcome::Unknown { .. }));
    let Lookup::Known(state) = world.adapter.lookup(&told).await else { panic!("it is known") };
    assert_eq!((state.refunded, state.refunds[0].refund.clone()), (mad(1_000), Some("back-b".parse().unwrap())));
    assert!(matches!(world.adapter.refund(&refund).await, Outcome::Done(done) if done.settled));
    assert_eq!(world.taken().await, (1, 106_050));
}

#[tokio::test]
async fn the_stripe_acquirer_refuses_what_cannot_go_on() {
    let world = World::new().await;
    let guarded = world.pay("3ds", guarded_card(), CaptureMode::Manual).await;
    assert!(
        matches!(&guarded, Outcome::Refused(refusal) if refusal.reason == RefusalReason::AuthenticationFailed),
        "3-D Secure without a page to go to: {guarded:?}"
    );
    let intent = world.intents().await.into_iter().find(|intent| intent["metadata"]["order"] == "3ds").unwrap();
    assert_eq!(intent["status"], "canceled", "it cannot be paid behind our back");

    let unknown = payment_order("x", token("pm_of_nobody"), CaptureMode::Manual);
    let outcome = world.adapter.authorise(&unknown).await;
    assert!(
        matches!(&outcome, Outcome::Refused(refusal) if refusal.reason == RefusalReason::TokenUnknown),
        "{outcome:?}"
    );

    let mut config = config(&world.gateway.clone().serve().await, 5_000);
    config.key = "sk_wrong".into();
    let stranger = Stripe::new(&config, &dependencies(&world.clock)).unwrap();
    let outcome = stranger.authorise(&unknown).await;
    assert!(
        matches!(&outcome, Outcome::Refused(refusal) if refusal.reason == RefusalReason::Misconfigured),
        "{outcome:?}"
    );
    assert!(matches!(stranger.lookup(&payment("x")).await, Lookup::Unknown(_)));
}

pub fn adapter(url: &str, clock: &Arc<ManualClock>, timeout_ms: u64) -> Stripe {
    Stripe::new(&config(url, timeout_ms), &dependencies(clock)).unwrap()
}
