//! Health, names of requests, and the pages.

use axum::body::Body;
use axum::http::{Request, header};

use crate::support::api::TestApi;

#[tokio::test]
async fn health() {
    let api = TestApi::new().await;
    assert_eq!(api.get("/livez").await.text(), "ok");
    assert_eq!(api.get("/readyz").await.status, 200);
    let metrics = api.get("/metrics").await;
    assert!(metrics.status == 200 && metrics.header(header::CONTENT_TYPE).starts_with("text/plain; version=0.0.4"));
    api.readiness.drain();
    let drained = api.get("/readyz").await;
    drained.problem(503, "unavailable");
    assert_eq!(drained.header(header::RETRY_AFTER), "1");
    assert_eq!(api.get("/livez").await.status, 200, "it lives on until it is done");
}

#[tokio::test]
async fn requests_have_names() {
    let api = TestApi::new().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = Request::builder().uri("/v1/whoami").header("x-request-id", "atm7:1");
    let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    let answer = api.send(request.body(Body::empty()).unwrap()).await;
    answer.problem(401, "unauthenticated");
    assert_eq!(answer.json()["trace_id"], trace);
    assert_eq!(answer.header("x-request-id"), "atm7:1");
    assert!(answer.header("traceparent").starts_with(&format!("00-{trace}-")));

    let answer = api.get("/v1/whoami").await;
    assert_eq!(answer.header("x-request-id").len(), 32);
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(answer.header(header::CONTENT_SECURITY_POLICY), "default-src 'none'; frame-ancestors 'none'");
}

#[tokio::test]
async fn the_reference_is_served_from_the_binary_alone() {
    let api = TestApi::new().await;
    let redirect = api.get("/docs").await;
    assert_eq!((redirect.status.as_u16(), redirect.header(header::LOCATION)), (303, "/docs/"));
    let page = api.get("/docs/").await;
    assert!(page.status == 200 && page.header(header::CONTENT_TYPE).starts_with("text/html"));
    let policy = page.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("http"), "{policy}");
    let mut loaded = vec!["./swagger-initializer.js".to_owned()];
    for attribute in ["src=\"", "href=\""] {
        loaded.extend(page.text().split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    assert!(loaded.len() > 4, "{loaded:?}");
    for file in &loaded {
        assert!(!file.contains("//"), "{file} is outside");
        let answer = api.get(&format!("/docs/{}", file.trim_start_matches("./"))).await;
        assert_eq!(answer.status, 200, "{file}");
    }
    let start = api.get("/docs/swagger-initializer.js").await.text();
    assert!(start.contains("\"validatorUrl\": \"none\"") && start.contains("/openapi.json"), "{start}");
    assert!(!start.contains("http://") && !start.contains("https://"), "{start}");
    api.get("/docs/no-such-file").await.problem(404, "not_found");

    let document = api.get("/openapi.json").await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document, serde_json::to_value(taabia::http::openapi()).unwrap());
}
