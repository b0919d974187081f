//! Limits over the API.

use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};

use crate::support::api::{Answer, TestApi};

async fn put(api: &TestApi, name: &str, body: &Value) -> Answer {
    let path = format!("/v1/resellers/{}/limits", api.world.id(name));
    let request = api.request("PUT", &path).header(header::CONTENT_TYPE, "application/json");
    api.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn get(api: &TestApi, name: &str) -> Value {
    api.get(&format!("/v1/resellers/{}/limits", api.world.id(name))).await.json()
}

async fn sold(api: &TestApi, key: &str, amount: &str) -> Value {
    let mut body = api.recharge(key);
    (body["amount"], body["allow_repeat"]) = (json!(amount), json!(true));
    api.post("/v1/recharges", body.to_string()).await.json()["decline"]["code"].clone()
}

fn unlimited() -> Value {
    json!({ "per_operation": null, "per_day_count": null, "per_day_amount": null, "per_month_count": null,
        "per_month_amount": null })
}

#[tokio::test]
async fn limits_are_lowered_at_once_and_what_was_sold_counts() {
    let api = TestApi::new().await;
    let before = get(&api, "shop-1").await;
    let present = json!({ "effective_from": null, "credit_limit": "0.00", "limits": unlimited(), "terminals": [] });
    let id = api.world.id("shop-1").to_string();
    assert_eq!(before, json!({ "reseller_id": id, "currency": "MAD", "present": present, "scheduled": [] }));
    assert_eq!(sold(&api, "a", "20.00").await, json!(null));
    let body = json!({ "currency": "MAD", "per_month_amount": "50.00", "per_day_count": 3 });
    let lowered = put(&api, "shop-1", &body).await;
    assert_eq!(lowered.status, 200, "{}", lowered.text());
    assert_eq!(lowered.json()["present"]["limits"]["per_month_amount"], "50.00");
    assert_eq!(lowered.json(), get(&api, "shop-1").await);
    assert_eq!(sold(&api, "b", "30.01").await, json!("limit_exceeded"), "20 were sold before");
    assert_eq!(sold(&api, "c", "30.00").await, json!(null));
    let terminal = json!({ "currency": "MAD", "terminal_id": "ATM-0007", "per_operation": "0" });
    let of_terminal = put(&api, "shop-1", &terminal).await.json();
    let expected = json!({ "per_operation": "0.00", "per_day_count": null, "per_day_amount": null,
        "per_month_count": null, "per_month_amount": null });
    assert_eq!(of_terminal["present"]["terminals"], json!([{ "terminal_id": "ATM-0007", "limits": expected }]));
    assert_eq!(of_terminal["present"]["limits"]["per_day_count"], 3, "the others stand");
}

#[tokio::test]
async fn one_person_lowers_and_does_not_raise() {
    let api = TestApi::new().await;
    let first = json!({ "currency": "MAD", "per_day_count": 10, "per_operation": "100.00" });
    assert_eq!(put(&api, "shop-1", &first).await.status, 200);
    let stands = get(&api, "shop-1").await;
    for body in [
        json!({ "currency": "MAD", "per_day_count": 11, "per_operation": "100.00" }),
        json!({ "currency": "MAD", "per_day_count": 10 }),
        json!({ "currency": "MAD", "per_day_count": 10, "per_operation": "100.00", "credit_limit": "0.01" }),
        json!({ "currency": "MAD", "per_day_count": 11, "per_operation": "1.00", "effective_from": "2026-12-01T00:00:00Z" }),
    ] {
        put(&api, "shop-1", &body).await.problem(409, "conflicting_state");
    }
    assert_eq!(get(&api, "shop-1").await, stands);
    let again = put(&api, "shop-1", &first).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, stands), "the same once more");
}

#[tokio::test]
async fn a_change_to_come_is_shown_and_begins() {
    let api = TestApi::new().await;
    let body = json!({ "currency": "MAD", "per_operation": "10.00", "effective_from": "2026-11-22T08:10:00Z" });
    let scheduled = put(&api, "shop-1", &body).await.json();
    assert_eq!(scheduled["present"]["limits"], unlimited());
    assert_eq!(scheduled["scheduled"][0]["effective_from"], "2026-11-22T08:10:00.000Z");
    assert_eq!(sold(&api, "a", "20.00").await, json!(null));
    api.world.clock.advance_ms(600_000);
    assert_eq!(sold(&api, "b", "20.00").await, json!("limit_exceeded"));
    let now = get(&api, "shop-1").await;
    assert_eq!((&now["present"]["limits"]["per_operation"], &now["scheduled"]), (&json!("10.00"), &json!([])));
    let past = put(&api, "shop-1", &body).await;
    assert_eq!(past.problem(422, "validation_failed"), ["/effective_from invalid"]);
}

#[tokio::test]
async fn bad_limits_change_nothing() {
    let api = TestApi::new().await;
    let before = get(&api, "shop-1").await;
    for (body, pointer) in [
        (json!({}), "/currency missing"),
        (json!({ "currency": "XOF" }), "/currency invalid"),
        (json!({ "currency": "MAD", "per_operation": "-1" }), "/per_operation invalid"),
        (json!({ "currency": "MAD", "effective_from": "tomorrow" }), "/effective_from invalid"),
        (json!({ "currency": "MAD", "terminal_id": "T", "credit_limit": "0" }), "/credit_limit invalid"),
        (json!({ "currency": "MAD", "terminal_id": "4111111111111111" }), "/terminal_id card_data_refused"),
    ] {
        let code = if pointer.ends_with("card_data_refused") { "card_data_refused" } else { "validation_failed" };
        assert_eq!(put(&api, "shop-1", &body).await.problem(422, code), [pointer]);
    }
    for body in [
        json!({ "currency": "MAD", "per_day_count": -1 }),
        json!({ "currency": "MAD", "per_day_count": 1.5 }),
        json!({ "currency": "MAD", "per_day_count": "1" }),
        json!({ "currency": "MAD", "per_week_count": 1 }),
    ] {
        put(&api, "shop-1", &body).await.problem(400, "invalid_body");
    }
    assert_eq!(get(&api, "shop-1").await, before);
    put(&api, "stranger", &json!({ "currency": "MAD", "per_day_count": 1 })).await.problem(404, "not_found");
    api.get("/v1/resellers/rsl_x/limits").await.problem(404, "not_found");
}
