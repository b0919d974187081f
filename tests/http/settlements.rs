//! Settlement files and a partner's day over HTTP.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use taabia::ports::Clock as _;
use taabia::services::Scope;

use crate::support::api::{Answer, TestApi};

const FILE: &str =
    "order,reference,kind,gross,fee,net,currency,settled_on\n,p1,payment,10.00,0.15,9.85,MAD,2026-11-21\n";

async fn send(api: &TestApi, path: &str, kind: &str, text: &str) -> Answer {
    let token = token(api).await;
    let request = Request::builder().method(Method::POST).uri(path);
    let request = request.header(header::CONTENT_TYPE, kind).header(header::AUTHORIZATION, format!("Bearer {token}"));
    api.send(request.body(Body::from(text.to_owned())).unwrap()).await
}

async fn get(api: &TestApi, path: &str) -> Answer {
    let token = token(api).await;
    let request = Request::builder().uri(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    api.send(request.body(Body::empty()).unwrap()).await
}

async fn token(api: &TestApi) -> String {
    let client = api.access.client("finance", &Scope::ALL, &[api.world.id("root")]).await;
    api.access.token(&client).await
}

#[tokio::test]
async fn a_file_is_booked_once_and_told() {
    let api = TestApi::new().await;
    let path = "/v1/settlements?acquirer=bank";
    let booked = send(&api, path, "text/csv; charset=utf-8", FILE).await;
    assert_eq!(booked.status, 201, "{}", booked.text());
    let place = booked.header(header::LOCATION).to_owned();
    let report = booked.json();
    assert_eq!((&report["complete"], &report["lines"]), (&json!(true), &json!(1)));
    assert_eq!(report["missing_here"], json!({ "count": 1, "gross": "10.00", "fee": "0.15" }));
    assert_eq!((&report["net"], &report["fees"]), (&json!("9.85"), &json!("0.15")));
    assert_eq!((&report["difference"], &report["first_day"]), (&json!("10.00"), &json!("2026-11-21")));
    let again = send(&api, path, "text/csv", FILE).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, report.clone()));
    assert_eq!(get(&api, &place).await.json(), report);
    let items = get(&api, "/v1/settlement-items?state=missing_here").await.json();
    let item = &items["items"][0];
    assert_eq!((&item["state"], &item["reference"]), (&json!("missing_here"), &json!("p1")));
    assert_eq!((&item["settlement_id"], &items["next_cursor"]), (&report["id"], &Value::Null));
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let api = TestApi::new().await;
    send(&api, "/v1/settlements?acquirer=bank", "application/json", "{}").await.problem(415, "unsupported_media_type");
    send(&api, "/v1/settlements?acquirer=other", "text/csv", FILE).await.problem(422, "validation_failed");
    send(&api, "/v1/settlements?file=x", "text/csv", FILE).await.problem(400, "invalid_query");
    let bad = send(&api, "/v1/settlements?acquirer=bank", "text/csv", &FILE.replace("9.85", "9,85")).await;
    bad.problem(422, "validation_failed");
    assert_eq!(bad.json()["errors"][0]["pointer"], "/2/net");
    get(&api, "/v1/settlement-items?state=gone").await.problem(400, "invalid_query");
    get(&api, "/v1/settlement-items?older_than_days=401").await.problem(400, "invalid_query");
    get(&api, "/v1/settlement-items?cursor=abc").await.problem(400, "invalid_query");
}

#[tokio::test]
async fn a_day_is_counted_and_listed() {
    let api = TestApi::new().await;
    for (key, amount) in [("a", "20.00"), ("b", "30.00"), ("=c", "0.50")] {
        let body = json!({
            "external_id": key, "reseller_id": api.world.id("shop-1").to_string(), "msisdn": "+212612345678",
            "amount": amount, "currency": "MAD", "channel": "atm",
        });
        let sold = send(&api, "/v1/recharges", "application/json", &body.to_string()).await;
        assert!(sold.status.is_success(), "{}", sold.text());
    }
    let day = taabia::domain::BusinessDay::of(api.world.clock.now(), &jiff::tz::TimeZone::UTC);
    let counted = get(&api, &format!("/v1/reconciliation?business_date={day}")).await.json();
    let sums = counted["by"].as_array().unwrap();
    let count: i64 = sums.iter().map(|sum| sum["count"].as_i64().unwrap()).sum();
    assert_eq!(count, 3, "{counted}");
    assert!(sums.iter().all(|sum| sum["kind"] == "recharge"));
    let declined = sums.iter().find(|sum| sum["status"] == "declined").unwrap();
    assert_eq!((&declined["count"], &declined["amount"]), (&json!(1), &json!("0.50")));
    let lines = get(&api, &format!("/v1/reconciliation/lines?business_date={day}")).await.text();
    let rows: Vec<&str> = lines.lines().collect();
    assert_eq!(rows.len(), 5, "{lines}");
    assert!(rows[0].starts_with("kind,external_id,id,") && rows[4] == "closing,3", "{lines}");
    assert!(rows[1].starts_with("recharge,'=c,rch_"), "{lines}");
    // Another day has nothing, and nobody sees another's.
    let before = get(&api, "/v1/reconciliation?business_date=2001-01-01").await.json();
    assert_eq!(before["by"], json!([]));
    let stranger = api.access.client("stranger", &Scope::ALL, &[api.world.id("stranger")]).await;
    let token = api.access.token(&stranger).await;
    let request = Request::builder().uri(format!("/v1/reconciliation?business_date={day}"));
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    assert_eq!(api.send(request.body(Body::empty()).unwrap()).await.json()["by"], json!([]));
    get(&api, "/v1/reconciliation").await.problem(400, "invalid_query");
    get(&api, "/v1/reconciliation?business_date=yesterday").await.problem(400, "invalid_query");
}
