//! Settlement files over HTTP.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
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
    // Names of clients are unique.
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let name = format!("finance {}", NEXT.fetch_add(1, Ordering::Relaxed));
    let client = api.access.client(&name, &Scope::ALL, &[api.world.id("root")]).await;
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
