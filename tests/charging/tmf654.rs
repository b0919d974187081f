//! TMF654: what the adapter sends, what the simulator answers, and its events.

use std::sync::Arc;

use serde_json::{Value, json};
use taabia::domain::OperationKind;
use taabia::ports::charging::EventError;
use taabia::ports::{ChargingOutcome, LookupOutcome};
use taabia::simulator::charging::Config;
use wiremock::matchers::{any, basic_auth, body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{ManualClock, Wire, bounds, client, hurried, refill, simulator, summary};
use crate::support::program::until;

#[tokio::test]
async fn the_requests_are_those_of_the_standard() {
    let peer = MockServer::start().await;
    let body = json!({
        "amount": {"amount": 20.00, "units": "MAD"}, "usageType": "monetary",
        "bucket": {"id": "main-212612345610"}, "partyAccount": {"id": "212612345610"},
        "logicalResource": {"value": "212612345610"}, "reason": "7",
        "requestor": {"id": OperationKind::Recharge.render(refill(7, 10).operation)},
    });
    Mock::given(method("POST"))
        .and(path("/v4/topupBalance"))
        .and(header("content-type", "application/json"))
        .and(basic_auth("taabia", "s3cret"))
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(201).set_body_string(Wire::Tmf654.approval("7")))
        .mount(&peer)
        .await;
    let found = format!("[{}]", Wire::Tmf654.approval("7"));
    Mock::given(method("GET"))
        .and(path("/v4/topupBalance"))
        .and(query_param("reason", "7"))
        .and(basic_auth("taabia", "s3cret"))
        .respond_with(ResponseTemplate::new(200).set_body_string(found))
        .mount(&peer)
        .await;
    let charging = Wire::Tmf654.adapter_with(&format!("{}/v4", peer.uri()), 5_000, 8, ManualClock::new());
    assert_eq!(charging.refill(&refill(7, 10)).await, ChargingOutcome::Approved);
    assert_eq!(charging.lookup(7).await, LookupOutcome::Applied);
}

fn topup(reference: &str, ending: u32) -> Value {
    json!({
        "amount": {"amount": 20.5, "units": "MAD"}, "usageType": "monetary", "bucket": {"id": "b"},
        "partyAccount": {"id": "p"}, "logicalResource": {"value": format!("2126123456{ending:02}")},
        "reason": reference, "requestor": {"id": "me"},
    })
}

#[tokio::test]
async fn the_simulator_insists_on_what_is_mandatory() {
    let server = simulator(hurried()).await;
    let base = Wire::Tmf654.url(&server);
    let post = async |resource: &str, body: &Value| {
        let post = client().post(format!("{base}/{resource}")).basic_auth("taabia", Some("s3cret"));
        let answer = post.body(body.to_string()).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, done) = post("topupBalance", &topup("1", 10)).await;
    assert_eq!((status, &done["status"], &done["amount"]["amount"]), (201, &json!("completed"), &json!(20.5)));
    let (status, refused) = post("topupBalance", &topup("2", 3)).await;
    assert_eq!((status, &refused["code"]), (422, &json!("subscriber_barred")));
    for field in ["amount", "usageType", "bucket", "partyAccount", "logicalResource", "reason"] {
        let mut body = topup("3", 10);
        body.as_object_mut().unwrap().remove(field);
        assert_eq!(post("topupBalance", &body).await.0, 400, "{field}");
    }
    for (field, value) in [
        ("amount", json!({"amount": 0, "units": "MAD"})),
        ("amount", json!({"amount": 20.555, "units": "MAD"})),
        ("amount", json!({"amount": 20, "units": "bananas"})),
        ("usageType", json!("data")),
        ("receiverBucket", json!({"id": "thief"})),
        ("reason", json!("a b")),
    ] {
        let mut body = topup("3", 10);
        body[field] = value;
        assert_eq!(post("topupBalance", &body).await.0, 400, "{body}");
    }
    assert_eq!(post("transferBalance", &topup("3", 10)).await.0, 400, "without a receiver");
    let alone = client().post(format!("{base}/topupBalance")).body(topup("4", 10).to_string());
    assert_eq!(alone.send().await.unwrap().status(), 401);
    assert_eq!(summary(&server).await, (1, 2_050));
    server.shutdown().await;
}

#[tokio::test]
async fn whoever_listens_is_told_of_each_topup_and_the_adapter_reads_it() {
    let listener = MockServer::start().await;
    let listens = Mock::given(any()).and(basic_auth("hub", "tell-me")).respond_with(ResponseTemplate::new(204));
    listens.mount(&listener).await;
    let server = simulator(Config { listener: None, ..hurried() }).await;
    let callback = format!("{}/events", listener.uri()).replace("http://", "http://hub:tell-me@");
    let hub = client().post(format!("{}/hub", Wire::Tmf654.url(&server))).basic_auth("taabia", Some("s3cret"));
    let registered = hub.body(json!({ "callback": callback }).to_string()).send().await.unwrap();
    assert_eq!(registered.status(), 201);

    let config = super::tmf654_config(&Wire::Tmf654.url(&server), bounds(800, 8));
    let dependencies = taabia::charging::Dependencies { clock: ManualClock::new() };
    let charging = taabia::charging::connect(&taabia::charging::ChargingConfig::Tmf654(config), dependencies).unwrap();
    // Silent although applied, refused, lost, answered by an error although applied.
    let all = [(70, 0), (71, 3), (72, 1), (73, 5)].map(|(reference, ending)| refill(reference, ending));
    let outcomes = futures::future::join_all(all.iter().map(|request| charging.refill(request))).await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, ChargingOutcome::Unknown(_))).count(), 3);
    let told = until("three events", async || {
        let seen = listener.received_requests().await.unwrap();
        (seen.len() == 3).then_some(seen)
    })
    .await;
    let mut heard = Vec::new();
    for event in &told {
        let authorization = event.headers["authorization"].to_str().unwrap();
        let told = charging.read_event(authorization, &event.body).unwrap();
        let request = all.iter().find(|request| request.reference == told.reference).unwrap();
        assert_eq!(told.operation, request.operation);
        heard.push((told.reference, told.outcome));
        for wrong in ["", "Bearer wrong", "Basic aHViOndyb25n"] {
            assert_eq!(charging.read_event(wrong, &event.body), Err(EventError::Unsigned));
        }
    }
    heard.sort_by_key(|(reference, _)| *reference);
    let barred = LookupOutcome::NotApplied(taabia::domain::Decline::SubscriberBarred);
    assert_eq!(heard, [(70, LookupOutcome::Applied), (71, barred), (73, LookupOutcome::Applied)]);

    let mut deaf = super::tmf654_config(&Wire::Tmf654.url(&server), bounds(800, 8));
    deaf.event_secret = "".into();
    let dependencies = taabia::charging::Dependencies { clock: ManualClock::new() };
    let deaf: Arc<_> =
        taabia::charging::connect(&taabia::charging::ChargingConfig::Tmf654(deaf), dependencies).unwrap();
    assert_eq!(deaf.read_event("Bearer ", &told[0].body), Err(EventError::NotOffered));
    server.shutdown().await;
}
