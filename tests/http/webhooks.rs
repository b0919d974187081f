//! Endpoints for events over HTTP: what is refused, what is shown once, and that an event carries what `GET` answers.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};
use taabia::http::Shapes;
use taabia::services::Scope;

use crate::support::api::{Answer, TestApi};
use crate::support::webhooks::{Receiver, job, sweep};

const PATH: &str = "/v1/webhook-endpoints";

async fn made(api: &TestApi, body: Value) -> (String, Value) {
    let answer = api.post(PATH, body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.json();
    let place = format!("{PATH}/{}", body["id"].as_str().unwrap());
    assert_eq!(answer.header(header::LOCATION), place);
    (place, body)
}

async fn change(api: &TestApi, place: &str, etag: Option<&str>, body: Value) -> Answer {
    let mut request = api.request("PATCH", place).header(header::CONTENT_TYPE, "application/json");
    if let Some(etag) = etag {
        request = request.header(header::IF_MATCH, etag);
    }
    api.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn as_client(api: &mut TestApi, name: &str, scopes: &[Scope]) {
    let client = api.access.client(name, scopes, &[api.world.id("root")]).await;
    api.token = api.access.token(&client).await;
}

#[tokio::test]
async fn bad_endpoints_are_refused_with_all_that_is_wrong() {
    let mut api = TestApi::new().await;
    let before = api.world.books.audit.snapshot().await.unwrap().heads;
    for (body, problem, errors) in [
        (json!({}), (422, "validation_failed"), vec!["/url missing"]),
        (json!({ "url": 7 }), (400, "invalid_body"), vec!["/url wrong_type"]),
        (
            json!({ "url": "https://a.example", "event_types": "all" }),
            (400, "invalid_body"),
            vec!["/event_types wrong_type"],
        ),
        (
            json!({ "url": "https://a.example", "event_types": ["stock.low", 1] }),
            (400, "invalid_body"),
            vec!["/event_types wrong_type"],
        ),
        (json!({ "url": "https://a.example", "secret": "x" }), (400, "invalid_body"), vec!["/secret unknown"]),
        (
            json!({ "url": "https://a.example", "event_types": ["recharge.sold"], "description": " " }),
            (422, "validation_failed"),
            vec!["/event_types invalid", "/description invalid"],
        ),
        (
            json!({ "url": "https://a.example", "event_types": ["webhook_endpoint.test"] }),
            (422, "validation_failed"),
            vec!["/event_types invalid"],
        ),
        (
            json!({ "url": "https://a.example", "event_types": ["a\u{0}b"] }),
            (422, "validation_failed"),
            vec!["/event_types control_characters"],
        ),
        (json!({ "url": "ftp://a.example" }), (422, "validation_failed"), vec!["/url invalid"]),
        (json!({ "url": "https://u:p@a.example" }), (422, "validation_failed"), vec!["/url invalid"]),
        (
            json!({ "url": format!("https://a.example/{}", "x".repeat(500)) }),
            (422, "validation_failed"),
            vec!["/url invalid"],
        ),
        (
            json!({ "url": "https://a.example/4111 1111 1111 1111" }),
            (422, "card_data_refused"),
            vec!["/url card_data_refused"],
        ),
    ] {
        let answer = api.post(PATH, body.to_string()).await;
        assert_eq!(answer.problem(problem.0, problem.1), errors, "{body}");
    }
    assert_eq!(api.world.books.audit.snapshot().await.unwrap().heads, before, "nothing was written");
    as_client(&mut api, "narrow", &[Scope::WebhooksWrite, Scope::RechargesRead]).await;
    let topups = json!({ "url": "https://a.example", "event_types": ["recharge.completed", "topup.credited"] });
    assert_eq!(api.post(PATH, topups.to_string()).await.problem(422, "validation_failed"), ["/event_types invalid"]);
    for _ in 0..16 {
        made(&api, json!({ "url": "https://a.example" })).await;
    }
    api.post(PATH, json!({ "url": "https://a.example" }).to_string()).await.problem(409, "conflicting_state");
}

#[tokio::test]
async fn an_endpoint_lives_as_its_client_wants_and_its_secret_is_shown_once() {
    let mut api = TestApi::new().await;
    let wanted = json!({ "url": "https://bank.example/events", "event_types": ["recharge.completed"], "description": "back office" });
    let (place, first) = made(&api, wanted).await;
    let secret = first["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{first}");
    let shown = api.get(&place).await;
    let mut expected = first.clone();
    expected.as_object_mut().unwrap().remove("secret");
    assert_eq!((&shown.json(), shown.header(header::ETAG)), (&expected, "\"1\""));
    assert_eq!((&shown.json()["status"], &shown.json()["previous_secret_until"]), (&json!("enabled"), &Value::Null));

    change(&api, &place, None, json!({ "enabled": false })).await.problem(428, "version_required");
    change(&api, &place, Some("\"7\""), json!({ "enabled": false })).await.problem(412, "stale_version");
    let bad = change(&api, &place, Some("\"1\""), json!({ "url": "nowhere", "enabled": false })).await;
    assert_eq!(bad.problem(422, "validation_failed"), ["/url invalid"]);
    let changed = change(&api, &place, Some("\"1\""), json!({ "event_types": [], "enabled": false })).await;
    assert_eq!((changed.status.as_u16(), changed.header(header::ETAG)), (200, "\"2\""), "{}", changed.text());
    assert_eq!(changed.json()["status"], "disabled");
    assert_eq!((&changed.json()["event_types"], &changed.json()["description"]), (&json!([]), &json!("back office")));

    let rotated = api.post(&format!("{place}/secret"), Body::empty()).await.json();
    assert!(rotated["secret"] != json!(secret) && rotated["previous_secret_until"].is_string(), "{rotated}");
    let log = api.get("/v1/audit").await.text();
    assert!(log.contains("webhook_endpoint") || log.contains("record.put"), "{log}");
    for secret in [&secret, rotated["secret"].as_str().unwrap()] {
        assert!(!log.contains(secret.strip_prefix("whsec_").unwrap()), "a secret is on the audit log");
    }

    let (second, _) = made(&api, json!({ "url": "https://bank.example/two" })).await;
    let page = api.get(&format!("{PATH}?limit=1")).await;
    let (items, next) = (page.json()["items"].clone(), page.json()["next_cursor"].clone());
    assert_eq!(format!("{PATH}/{}", items[0]["id"].as_str().unwrap()), second, "newest first");
    let rest = api.get(&format!("{PATH}?limit=1&cursor={}", next.as_str().unwrap())).await.json();
    assert_eq!((&rest["items"][0]["id"], &rest["next_cursor"]), (&first["id"], &Value::Null));
    assert_eq!(api.get(&format!("{PATH}?cursor=x&sort=1")).await.problem(400, "invalid_query").len(), 1);

    for (body, status, code) in [
        (json!({}), 422, "validation_failed"),
        (json!({ "from": "yesterday" }), 422, "validation_failed"),
        (
            json!({ "from": "2026-11-22T08:00:00Z", "event_id": "evt_01939f3e-7c00-7003-8000-00000000002a" }),
            422,
            "validation_failed",
        ),
        (json!({ "from": "2025-01-01T00:00:00Z" }), 422, "validation_failed"),
        (json!({ "from": "2027-01-01T00:00:00Z" }), 422, "validation_failed"),
        (json!({ "event_id": "rch_1" }), 422, "validation_failed"),
    ] {
        api.post(&format!("{place}/replay"), body.to_string()).await.problem(status, code);
    }
    assert_eq!(api.get(&format!("{place}/deliveries")).await.json(), json!({ "items": [], "next_cursor": null }));
    assert_eq!(api.send(api.request("DELETE", &place).body(Body::empty()).unwrap()).await.status, 204);
    for path in [place.clone(), format!("{place}/deliveries")] {
        api.get(&path).await.problem(404, "not_found");
    }
    as_client(&mut api, "colleague", &Scope::ALL).await;
    api.get(&second).await.problem(404, "not_found");
    api.post(&format!("{second}/secret"), Body::empty()).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_event_carries_what_get_answers() {
    let api = TestApi::new().await;
    let receiver = Receiver::new();
    let job = job(&api.world, receiver.clone(), Arc::new(Shapes(api.state.clone())), 1);
    let (place, made) = made(&api, json!({ "url": "https://bank.example/events" })).await;
    let sold = api.post("/v1/recharges", api.recharge("first").to_string()).await.json();
    let transfer = json!({
        "external_id": "t", "from_reseller_id": api.world.id("shop-1").to_string(), "currency": "MAD",
        "to_reseller_id": api.world.id("root").to_string(), "amount": "5.00", "kind": "return"
    });
    let moved = api.post("/v1/transfers", transfer.to_string()).await.json();
    assert_eq!(moved["status"], "completed", "{moved}");
    sweep(&job).await;
    let seen = receiver.take();
    for (kind, path) in [
        ("recharge.completed", format!("/v1/recharges/{}", sold["id"].as_str().unwrap())),
        ("transfer.completed", format!("/v1/transfers/{}", moved["id"].as_str().unwrap())),
    ] {
        let event = seen.iter().find(|event| event.kind() == kind).unwrap_or_else(|| panic!("{kind} of {seen:#?}"));
        assert_eq!(event.body["data"], api.get(&path).await.json());
        assert!(event.body["timestamp"].as_str().unwrap().ends_with('Z'));
    }
    let log = api.get(&format!("{place}/deliveries?limit=1")).await;
    assert_eq!(log.json()["items"][0]["outcome"], "delivered", "{}", log.text());
    assert!(log.header(header::LINK).contains("cursor="));
    let next = log.json()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(
        api.get(&format!("{place}/deliveries?cursor={next}")).await.json()["items"].as_array().unwrap().len(),
        seen.len() - 1
    );

    let event = json!({ "event_id": seen[0].id });
    let replay = api.post(&format!("{place}/replay"), event.to_string()).await;
    assert_eq!(
        (replay.status.as_u16(), &replay.json()["from"]),
        (200, &seen[0].body["timestamp"]),
        "{}",
        replay.text()
    );
    sweep(&job).await;
    assert_eq!(receiver.take().len(), seen.len());

    // Nobody listens at the example's address, and the answer says so.
    let test = api.post(&format!("{place}/test"), Body::empty()).await.json();
    assert_eq!((&test["delivered"], &test["status"]), (&json!(false), &Value::Null), "{test}");
    assert!(test["failure"].is_string() && made["id"].is_string());
}
