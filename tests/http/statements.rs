//! `GET /v1/resellers/{id}/statement`.

use axum::http::header;
use serde_json::{Value, json};
use taabia::services::Scope;

use crate::support::api::TestApi;

async fn path(api: &TestApi) -> String {
    for number in 0..3 {
        let answer = api.post("/v1/recharges", recharge(api, number).to_string()).await;
        assert_eq!(answer.json()["status"], "completed");
    }
    format!("/v1/resellers/{}/statement", api.world.id("shop-1"))
}

fn recharge(api: &TestApi, number: u8) -> Value {
    let mut body = api.recharge(&format!("k{number}"));
    body["msisdn"] = format!("+2126123456{}", 71 + number).into();
    body
}

#[tokio::test]
async fn a_statement_shows_every_movement_and_how_they_add_up() {
    let api = TestApi::new().await;
    let path = path(&api).await;
    let whole = api.get(&path).await.json();
    assert_eq!((&whole["opening"], &whole["closing"]), (&json!("0.00"), &json!("1940.00")));
    assert_eq!((&whole["total_in"], &whole["total_out"]), (&json!("2000.00"), &json!("60.00")));
    assert_eq!((&whole["currency"], &whole["next_cursor"]), (&json!("MAD"), &json!(null)));
    let items = whole["items"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    let newest = &items[0];
    assert_eq!(newest["counterparty"], json!({"kind": "subscriber", "reseller_id": null, "msisdn": "+212612345673"}));
    assert_eq!((&newest["kind"], &newest["entry"]), (&json!("recharge"), &json!("recharge.completed")));
    assert_eq!((&newest["in"], &newest["out"]), (&json!(null), &json!("20.00")));
    assert_eq!((&newest["balance"], &newest["external_id"]), (&json!("1940.00"), &json!("k2")));
    assert_eq!((&newest["at"], &newest["business_date"]), (&json!("2026-11-22T08:00:00.000Z"), &json!("2026-11-22")));
    assert!(newest["operation_id"].as_str().unwrap().starts_with("rch_"));
    let oldest = &items[3];
    assert_eq!(oldest["counterparty"], json!({"kind": "operator", "reseller_id": null, "msisdn": null}));
    assert_eq!((&oldest["in"], &oldest["balance"]), (&json!("2000.00"), &json!("2000.00")));

    for limit in 1..=5 {
        let (mut next, mut seen) = (format!("{path}?limit={limit}"), Vec::new());
        loop {
            let answer = api.get(&next).await;
            let page = answer.json();
            assert_eq!(page["closing"], "1940.00");
            seen.extend(page["items"].as_array().unwrap().clone());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            assert_eq!(answer.header(header::LINK), format!("<{path}?limit={limit}&cursor={cursor}>; rel=\"next\""));
            next = format!("{path}?limit={limit}&cursor={cursor}");
        }
        assert_eq!(&seen, items, "{limit}");
    }
}

#[tokio::test]
async fn periods_and_business_days() {
    let mut api = TestApi::new().await;
    let path = path(&api).await;
    api.world.clock.advance_ms(86_400_000);
    let client = api.access.client("later", &Scope::ALL, &[api.world.id("root")]).await;
    api.token = api.access.token(&client).await;
    let answer = api.post("/v1/recharges", api.recharge("tomorrow").to_string()).await;
    assert_eq!(answer.json()["status"], "completed");
    for (query, opening, closing, count) in [
        ("business_date=2026-11-21", "0.00", "0.00", 0),
        ("business_date=2026-11-22", "0.00", "1940.00", 4),
        ("business_date=2026-11-23", "1940.00", "1920.00", 1),
        ("from=2026-11-22T08:00:00.001Z", "1940.00", "1920.00", 1),
        ("to=2026-11-22T08:00:00.001Z", "0.00", "1940.00", 4),
        ("from=2026-11-22T09:00:00%2B01:00&to=2026-11-23T08:00:00Z", "0.00", "1940.00", 4),
    ] {
        let page = api.get(&format!("{path}?{query}")).await.json();
        assert_eq!((&page["opening"], &page["closing"]), (&json!(opening), &json!(closing)), "{query}");
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn numbers_are_masked_for_those_who_may_not_see_recharges() {
    let mut api = TestApi::new().await;
    let path = path(&api).await;
    let reader = api.access.client("reader", &[Scope::StockRead], &[api.world.id("root")]).await;
    api.token = api.access.token(&reader).await;
    let answer = api.get(&path).await;
    assert_eq!(answer.json()["items"][0]["counterparty"]["msisdn"], "2126••••73");
    assert!(!answer.text().contains("612345"));
}

#[tokio::test]
async fn bad_questions_are_told() {
    let api = TestApi::new().await;
    let path = path(&api).await;
    for (query, expected) in [
        ("limit=0", "/limit invalid"),
        ("from=yesterday", "/from invalid"),
        ("from=2026-11-22T08:00:00Z&to=2026-11-21T08:00:00Z", "/to invalid"),
        ("business_date=2026-11-31", "/business_date invalid"),
        ("business_date=2026-11-22&to=2026-11-21T08:00:00Z", "/business_date invalid"),
        ("cursor=AQAA", "/cursor invalid"),
        ("order=oldest", "/order unknown"),
    ] {
        let pointers = api.get(&format!("{path}?{query}")).await.problem(400, "invalid_query");
        assert_eq!(pointers, [expected], "{query}");
    }
    for id in [api.world.id("stranger").to_string(), "rsl_x".into()] {
        api.get(&format!("/v1/resellers/{id}/statement")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_balance_as_it_was() {
    let api = TestApi::new().await;
    let path = path(&api).await.replace("statement", "balance");
    api.world.clock.advance_ms(1_000);
    let answer = api.post("/v1/recharges", api.recharge("later").to_string()).await;
    assert_eq!(answer.json()["status"], "completed");
    for (as_of, posted) in [
        ("2026-11-22T07:59:59.999Z", "0.00"),
        ("2026-11-22T08:00:00Z", "1940.00"),
        ("2026-11-22T08:00:00.999Z", "1940.00"),
        ("2026-11-22T09:00:01%2B01:00", "1920.00"),
    ] {
        let balance = api.get(&format!("{path}?as_of={as_of}")).await.json();
        assert_eq!(balance["posted"], posted, "{as_of}");
        for unknown in ["held", "available", "credit_limit"] {
            assert_eq!(balance[unknown], json!(null), "{as_of}");
        }
    }
    for (query, expected) in [
        ("as_of=2026-11-22T08:00:01.001Z", "/as_of invalid"),
        ("as_of=now", "/as_of invalid"),
        ("at=2026-11-22T08:00:00Z", "/at unknown"),
    ] {
        assert_eq!(api.get(&format!("{path}?{query}")).await.problem(400, "invalid_query"), [expected], "{query}");
    }
    let stranger = format!("/v1/resellers/{}/balance?as_of=2026-11-22T08:00:00Z", api.world.id("stranger"));
    api.get(&stranger).await.problem(404, "not_found");
}
