//! What a charging system tells by itself.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use crate::support::api::{Answer, TestApi};

async fn tell(api: &TestApi, name: &str, secret: &str, body: String) -> Answer {
    let request = Request::post(format!("/v1/charging-systems/{name}/events"));
    let request = request.header(header::AUTHORIZATION, format!("Bearer {secret}"));
    api.send(request.body(Body::from(body)).unwrap()).await
}

/// A recharge that waits for an answer that never comes.
async fn waiting(api: &TestApi, key: &str) -> (String, String) {
    let mut body = api.recharge(key);
    body["msisdn"] = json!("+212612345600");
    body["allow_repeat"] = json!(true);
    let made = api.post("/v1/recharges", body.to_string()).await;
    assert_eq!(made.status, 202, "{}", made.text());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made.json()["id"]), text(&made.json()["charging_reference"]))
}

async fn status(api: &TestApi, id: &str) -> Value {
    api.get(&format!("/v1/recharges/{id}")).await.json()["status"].clone()
}

#[tokio::test]
async fn an_event_ends_a_recharge_that_waits_and_changes_none_that_has_ended() {
    let api = TestApi::new().await;
    let (id, reference) = waiting(&api, "a").await;
    for _again in 0..2 {
        assert_eq!(tell(&api, "main", "tell-me", format!("{id} {reference} applied")).await.status, 204);
        assert_eq!(status(&api, &id).await, "completed");
    }
    let contradiction = tell(&api, "main", "tell-me", format!("{id} {reference} barred")).await;
    assert_eq!((contradiction.status.as_u16(), status(&api, &id).await), (204, json!("completed")));

    let (id, reference) = waiting(&api, "b").await;
    let body = format!("{id} {reference} unknown");
    assert_eq!(tell(&api, "main", "tell-me", body).await.status, 204);
    assert_eq!(status(&api, &id).await, "submitted", "who waits for the answer may ask another system");
    assert_eq!(tell(&api, "main", "tell-me", format!("{id} {reference} barred")).await.status, 204);
    let declined = api.get(&format!("/v1/recharges/{id}")).await.json();
    assert_eq!(declined["decline"]["code"], "subscriber_barred", "{declined}");
}

#[tokio::test]
async fn what_is_not_the_charging_systems_or_about_nothing_changes_nothing() {
    let api = TestApi::new().await;
    let (id, reference) = waiting(&api, "a").await;
    let event = format!("{id} {reference} applied");
    tell(&api, "main", "guess", event.clone()).await.problem(401, "unauthenticated");
    tell(&api, "north", "tell-me", event.clone()).await.problem(404, "not_found");
    tell(&api, "Main", "tell-me", event.clone()).await.problem(404, "not_found");
    tell(&api, "main", "tell-me", "<html>".into()).await.problem(400, "invalid_request");
    tell(&api, "main", "tell-me", " ".repeat(70_000)).await.problem(413, "payload_too_large");
    let other = format!("rch_0190a000-0000-7000-8000-000000000001 {reference} applied");
    let wrong_reference = format!("{id} 7 applied");
    for body in [other, wrong_reference, format!("{id} {reference} eaten")] {
        assert_eq!(tell(&api, "main", "tell-me", body).await.status, 204);
    }
    assert_eq!(status(&api, &id).await, "submitted");
    assert_eq!(tell(&api, "main", "tell-me", event).await.status, 204);
    assert_eq!(status(&api, &id).await, "completed");
}

#[tokio::test]
async fn readiness_tells_of_the_charging_systems() {
    let api = TestApi::new().await;
    assert_eq!(api.get("/readyz").await.text(), "ok\ncharging main: well");
}
