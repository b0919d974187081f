//! Recharges, replays and balances.

use axum::http::header;
use serde_json::{Value, json};

use crate::support::api::TestApi;

fn to(mut body: Value, msisdn: &str) -> String {
    body["msisdn"] = json!(msisdn);
    body.to_string()
}

#[tokio::test]
async fn a_recharge_and_its_replay() {
    let api = TestApi::new().await;
    let body = api.recharge("atm7-000123");
    let first = api.post("/v1/recharges", body.to_string()).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let made = first.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(first.header(header::LOCATION), format!("/v1/recharges/{id}"));
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert!(id.starts_with("rch_") && made["charging_reference"].is_string(), "{made}");
    let expected = json!({
        "id": id, "external_id": "atm7-000123", "reseller_id": body["reseller_id"], "msisdn": "+212612345678",
        "amount": "20.00", "currency": "MAD", "product": "airtime",
        "product_version": 0, "benefits": [], "validity": null, "channel": "atm", "terminal_id": "ATM-0007",
        "status": "completed", "final": true, "decline": null, "charging_reference": made["charging_reference"],
        "balance_after": "1980.00", "commission": "0.00", "reversed_amount": "0.00", "created_at": "2026-11-22T08:00:00.000Z",
        "updated_at": "2026-11-22T08:00:00.000Z", "final_status_expected_at": null
    });
    assert_eq!(made, expected);

    let mut same = body.clone();
    same["msisdn"] = json!("0612345678");
    same["amount"] = json!("20");
    same.as_object_mut().unwrap().remove("product");
    let replay = api.post("/v1/recharges", same.to_string()).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed")), (200, "true"));
    assert_eq!(replay.json(), expected);
    assert_eq!(api.get(&format!("/v1/recharges/{id}")).await.json(), expected);

    for (name, value) in [("amount", "25.00"), ("msisdn", "+212612345679"), ("channel", "pos"), ("terminal_id", "X")] {
        let mut other = body.clone();
        other[name] = json!(value);
        let conflict = api.post("/v1/recharges", other.to_string()).await;
        assert_eq!(conflict.problem(409, "external_id_reused"), [format!("/{name} differs")]);
    }
    let balance = api.get(&format!("/v1/resellers/{}/balance", body["reseller_id"].as_str().unwrap())).await.json();
    let expected = json!({ "reseller_id": body["reseller_id"], "currency": "MAD", "posted": "1980.00", "held": "0.00",
        "available": "1980.00", "credit_limit": "0.00", "as_of": "2026-11-22T08:00:00.000Z",
        "low_stock": null, "average_daily_sale": "0.00", "days_of_cover": null });
    assert_eq!(balance, expected);
}

#[tokio::test]
async fn a_decline_is_an_answer() {
    let api = TestApi::new().await;
    let unknown = api.post("/v1/recharges", to(api.recharge("a"), "+212612345602")).await;
    assert_eq!(unknown.status, 201);
    let unknown = unknown.json();
    assert_eq!(unknown["status"], "declined");
    assert_eq!(unknown["decline"], json!({"code": "subscriber_unknown", "retry": "new_id"}));
    assert_eq!((&unknown["balance_after"], &unknown["final"]), (&json!(null), &json!(true)));
    let mut large = api.recharge("b");
    large["amount"] = json!("499.99");
    large["reseller_id"] = json!(api.world.id("root").to_string());
    let short = api.post("/v1/recharges", large.to_string()).await;
    assert_eq!((short.status.as_u16(), &short.json()["decline"]["code"]), (201, &json!("insufficient_stock")));
    let replay = api.post("/v1/recharges", large.to_string()).await;
    assert_eq!((replay.status.as_u16(), &replay.json()["status"]), (200, &json!("declined")));
}

#[tokio::test]
async fn an_unknown_outcome_is_accepted() {
    let api = TestApi::new().await;
    let body = to(api.recharge("slow"), "+212612345600");
    let answer = api.post("/v1/recharges", body.clone()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let recharge = answer.json();
    assert!(answer.header(header::LOCATION).ends_with(recharge["id"].as_str().unwrap()));
    assert!(["submitted", "in_doubt"].contains(&recharge["status"].as_str().unwrap()));
    assert!(recharge["final"] == false && recharge["final_status_expected_at"].is_string(), "{recharge}");
    assert_eq!(recharge["balance_after"], "1980.00");
    let replay = api.post("/v1/recharges", body).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed")), (200, "true"));
    let balance = api.get(&format!("/v1/resellers/{}/balance", api.world.id("shop-1"))).await.json();
    assert_eq!([&balance["posted"], &balance["held"], &balance["available"]], ["2000.00", "20.00", "1980.00"]);
}

#[tokio::test]
async fn a_voided_key_is_a_tombstone() {
    let api = TestApi::new().await;
    let key = json!({"reseller_id": api.world.id("shop-1").to_string(), "external_id": "lost"});
    let void = api.post("/v1/recharges/void", key.to_string()).await;
    assert_eq!(void.status, 201, "{}", void.text());
    let tombstone = void.json();
    assert_eq!((&tombstone["status"], &tombstone["decline"]["code"]), (&json!("declined"), &json!("voided")));
    for unknown in ["msisdn", "amount", "product", "channel", "terminal_id", "charging_reference", "balance_after"] {
        assert_eq!(tombstone[unknown], json!(null), "{unknown}");
    }
    assert_eq!(api.get(void.header(header::LOCATION)).await.json(), tombstone);
    assert_eq!(api.post("/v1/recharges/void", key.to_string()).await.status, 200);
    let late = api.post("/v1/recharges", api.recharge("lost").to_string()).await;
    assert_eq!((late.status.as_u16(), &late.json()["decline"]["code"]), (201, &json!("voided")));
    let again = api.post("/v1/recharges", api.recharge("lost").to_string()).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, late.json()));

    let sold = api.post("/v1/recharges", api.recharge("sold").to_string()).await.json();
    let known = json!({"reseller_id": api.world.id("shop-1").to_string(), "external_id": "sold"});
    let void = api.post("/v1/recharges/void", known.to_string()).await;
    assert_eq!((void.status.as_u16(), void.json()), (200, sold));
}

#[tokio::test]
async fn foreign_and_unknown_resellers_are_the_same() {
    let api = TestApi::new().await;
    let unknown = "rsl_01939f3e-7c00-7000-8000-00000000000a".to_owned();
    let mut bodies = Vec::new();
    for reseller in [api.world.id("stranger").to_string(), unknown] {
        let mut body = api.recharge("k");
        body["reseller_id"] = json!(reseller);
        let key = json!({"reseller_id": reseller, "external_id": "k"});
        for answer in [
            api.post("/v1/recharges", body.to_string()).await,
            api.post("/v1/recharges/void", key.to_string()).await,
            api.get(&format!("/v1/resellers/{reseller}/balance")).await,
            api.get(&format!("/v1/recharges?reseller_id={reseller}")).await,
        ] {
            answer.problem(404, "not_found");
            let mut body = answer.json();
            body["trace_id"] = json!("");
            bodies.push(body);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the same body for both: {bodies:?}");
    assert_eq!(api.world.stock("stranger").await.posted, 200_000);
}
