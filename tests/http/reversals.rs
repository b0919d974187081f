//! Reversals over the API: by id, by key, replays, refusals and what the recharge says of them.

use axum::http::header;
use serde_json::{Value, json};
use taabia::services::Scope;

use crate::support::api::TestApi;
use crate::support::must_verify;

async fn sell(api: &TestApi, key: &str, msisdn: &str) -> Value {
    let mut body = api.recharge(key);
    body["msisdn"] = json!(msisdn);
    body["allow_repeat"] = json!(true);
    api.post("/v1/recharges", body.to_string()).await.json()
}

fn place(recharge: &Value) -> String {
    format!("/v1/recharges/{}", recharge["id"].as_str().unwrap())
}

async fn posted(api: &TestApi) -> String {
    let shop = api.world.id("shop-1").to_string();
    api.get(&format!("/v1/resellers/{shop}/balance")).await.json()["posted"].as_str().unwrap().into()
}

#[tokio::test]
async fn a_recharge_is_taken_back_and_a_replay_tells_it_again() {
    let api = TestApi::new().await;
    let recharge = sell(&api, "a", "+212612345678").await;
    let path = format!("{}/reversal", place(&recharge));
    let asked = json!({ "external_id": "back-1", "reason": "wrong number", "amount": "5.00", "currency": "MAD" });
    let first = api.post(&path, asked.to_string()).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let made = first.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(first.header(header::LOCATION), format!("/v1/reversals/{id}"));
    let expected = json!({
        "id": id, "external_id": "back-1", "recharge_id": recharge["id"], "reseller_id": recharge["reseller_id"],
        "amount": "5.00", "currency": "MAD", "reason": "wrong number", "status": "completed", "final": true,
        "decline": null, "charging_reference": made["charging_reference"], "commission": "0.00",
        "created_at": "2026-11-22T08:00:00.000Z", "updated_at": "2026-11-22T08:00:00.000Z",
        "final_status_expected_at": null
    });
    assert_eq!(made, expected);
    assert!(id.starts_with("rev_") && made["charging_reference"] != recharge["charging_reference"]);

    let replay = api.post(&path, asked.to_string()).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed")), (200, "true"));
    assert_eq!(replay.json(), expected);
    assert_eq!(api.get(&format!("/v1/reversals/{id}")).await.json(), expected);
    for (name, value) in [("amount", "6.00"), ("reason", "duplicate")] {
        let mut other = asked.clone();
        other[name] = json!(value);
        assert_eq!(
            api.post(&path, other.to_string()).await.problem(409, "external_id_reused"),
            [format!("/{name} differs")]
        );
    }
    // One namespace of keys: that of the recharge is taken.
    let mut taken = asked.clone();
    taken["external_id"] = json!("a");
    api.post(&path, taken.to_string()).await.problem(409, "external_id_reused");

    let rest = api.post(&path, json!({ "external_id": "back-2", "reason": "wrong number" }).to_string()).await.json();
    assert_eq!((&rest["amount"], &rest["status"]), (&json!("15.00"), &json!("completed")));
    let now = api.get(&place(&recharge)).await.json();
    assert_eq!(
        (&now["status"], &now["reversed_amount"], &now["final"]),
        (&json!("reversed"), &json!("20.00"), &json!(true))
    );
    assert_eq!(posted(&api).await, "2000.00");
    let listed = api.get(&format!("{}/reversals", place(&recharge))).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    // Both are in the partner's day, in sums and in lines.
    let day = api.get("/v1/reconciliation?business_date=2026-11-22").await.json();
    let sum = day["by"].as_array().unwrap().iter().find(|sum| sum["kind"] == "reversal").unwrap();
    assert_eq!((&sum["status"], &sum["count"], &sum["amount"]), (&json!("completed"), &json!(2), &json!("20.00")));
    let lines = api.get("/v1/reconciliation/lines?business_date=2026-11-22").await.text();
    assert_eq!(lines.lines().filter(|line| line.starts_with("reversal,back-")).count(), 2, "{lines}");
    let over = api.post(&path, json!({ "external_id": "back-3", "reason": "again" }).to_string()).await.json();
    assert_eq!(over["decline"]["code"], "already_reversed");
    must_verify(&*api.world.books.audit).await;
}

#[tokio::test]
async fn spent_credit_is_a_refusal_and_silence_a_doubt() {
    let api = TestApi::new().await;
    let spent = sell(&api, "a", "+212612345630").await;
    let asked = json!({ "external_id": "back-a", "reason": "wrong number" }).to_string();
    let refused = api.post(&format!("{}/reversal", place(&spent)), asked.clone()).await;
    assert_eq!(refused.status, 201);
    assert_eq!(refused.json()["decline"], json!({ "code": "credit_spent", "retry": "new_id" }));
    assert_eq!(api.get(&place(&spent)).await.json()["status"], "completed");

    let silent = sell(&api, "b", "+212612345631").await;
    let asked = json!({ "external_id": "back-b", "reason": "wrong number" }).to_string();
    let waiting = api.post(&format!("{}/reversal", place(&silent)), asked).await;
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    let waiting = waiting.json();
    assert_eq!((&waiting["status"], &waiting["final"]), (&json!("submitted"), &json!(false)));
    assert!(waiting["final_status_expected_at"].is_string());
    assert_eq!(api.get(&place(&silent)).await.json()["status"], "reversal_pending");
    assert_eq!(posted(&api).await, "1960.00");
}

#[tokio::test]
async fn a_bank_names_the_key_of_its_recharge() {
    let api = TestApi::new().await;
    let shop = api.world.id("shop-1").to_string();
    let undo = |key: &str, original: &str| {
        let body =
            json!({ "external_id": key, "original_external_id": original, "reseller_id": shop, "reason": "0420" });
        body.to_string()
    };
    let path = "/v1/recharges/reversal";
    // Never received: done, and repeated until it is acknowledged.
    let first = api.post(path, undo("adv-1", "lost")).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let done = first.json();
    assert_eq!((&done["status"], &done["amount"], &done["final"]), (&json!("completed"), &json!("0.00"), &json!(true)));
    let again = api.post(path, undo("adv-1", "lost")).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, done.clone()));
    let late = sell(&api, "lost", "+212612345678").await;
    assert_eq!(late["decline"]["code"], "voided");
    assert_eq!(done["recharge_id"], late["id"]);
    // One that is known.
    let sold = sell(&api, "known", "+212612345679").await;
    let done = api.post(path, undo("adv-2", "known")).await.json();
    assert_eq!((&done["recharge_id"], &done["status"]), (&sold["id"], &json!("completed")));
    assert_eq!(api.get(&place(&sold)).await.json()["status"], "reversed");
    // A key that is another reversal's voids nothing.
    let conflict = api.post(path, undo("adv-2", "unheard")).await;
    assert_eq!(conflict.problem(409, "external_id_reused"), ["/original_external_id differs"]);
    assert_eq!(sell(&api, "unheard", "+212612345680").await["status"], "completed");
    // A reversal cannot be its own original, and one that is no recharge is not there.
    let own = api.post(path, undo("adv-3", "adv-3")).await;
    assert_eq!(own.problem(422, "validation_failed"), ["/original_external_id invalid"]);
    api.post(path, undo("adv-4", "adv-1")).await.problem(404, "not_found");
    must_verify(&*api.world.books.audit).await;
}

#[tokio::test]
async fn bad_input_writes_nothing() {
    let api = TestApi::new().await;
    let recharge = sell(&api, "a", "+212612345678").await;
    let path = format!("{}/reversal", place(&recharge));
    for (body, pointers) in [
        (json!({ "external_id": "x" }), vec!["/reason missing"]),
        (json!({ "external_id": "x", "reason": " " }), vec!["/reason invalid"]),
        (json!({ "external_id": "x", "reason": "r", "amount": "-1" }), vec!["/amount invalid"]),
        (json!({ "external_id": "x", "reason": "r", "amount": "0" }), vec!["/amount invalid"]),
        (json!({ "external_id": "x", "reason": "r", "currency": "EUR" }), vec!["/currency invalid"]),
    ] {
        assert_eq!(api.post(&path, body.to_string()).await.problem(422, "validation_failed"), pointers, "{body}");
    }
    let asked = json!({ "external_id": "x", "reason": "r" }).to_string();
    for unknown in ["rch_01939f3e-7c00-7000-8000-000000000000", "rev_x", "x"] {
        api.post(&format!("/v1/recharges/{unknown}/reversal"), asked.clone()).await.problem(404, "not_found");
    }
    assert!(api.get(&format!("{}/reversals", place(&recharge))).await.json()["items"].as_array().unwrap().is_empty());
    api.get(&format!("{}/reversals?limit=0", place(&recharge))).await.problem(400, "invalid_query");
}

#[tokio::test]
async fn others_than_who_sold_it_need_a_rule() {
    let api = TestApi::new().await;
    let recharge = sell(&api, "a", "+212612345678").await;
    let root = [api.world.id("root")];
    let scopes = [Scope::RechargesWrite, Scope::RechargesRead];
    let reads = api.access.client("other partner", &scopes, &root).await;
    let other = TestApi { token: api.access.token(&reads).await, ..api };
    let path = format!("{}/reversal", place(&recharge));
    let asked = |key: &str| json!({ "external_id": key, "reason": "asked by phone" }).to_string();
    let refused = other.post(&path, asked("x")).await.json();
    assert_eq!(refused["decline"]["code"], "not_reversible");
    let staff = other.access.client("operator", &[Scope::RechargesWrite, Scope::StockIssue], &root).await;
    // An hour is over for the seller, not for the operator.
    other.world.clock.advance_ms(3_600_001);
    let staff = TestApi { token: other.access.token(&staff).await, ..other };
    let done = staff.post(&path, asked("y")).await.json();
    assert_eq!(done["status"], "completed", "{done}");
}
