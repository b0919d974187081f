//! Allocations and runs over HTTP.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};
use taabia::domain::OperationId;
use taabia::jobs::{RunConfig, RunJob};
use tokio::sync::watch;

use crate::support::SeededRandomness;
use crate::support::api::{Answer, TestApi};

async fn carry_out(api: &TestApi, id: &str) {
    let world = &api.world;
    let job = RunJob {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        stock: world.books.stock.clone(),
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(3)),
        own: Arc::default(),
        shards: world.books.store.shards(),
        config: RunConfig { poll_interval_ms: 10, take_over_after_ms: 0, in_flight: 16 },
    };
    let (_keep, stop) = watch::channel(false);
    job.carry_out(OperationId::parse(id, "run_").unwrap(), &stop).await.unwrap();
}

async fn csv(api: &TestApi, query: &str, body: impl Into<Body>) -> Answer {
    let path = format!("/v1/allocation-runs?{query}");
    let request = api.request("POST", &path).header(header::CONTENT_TYPE, "text/csv; charset=utf-8");
    api.send(request.body(body.into()).unwrap()).await
}

fn run(external_id: &str, lines: Value) -> Value {
    json!({ "external_id": external_id, "currency": "MAD", "terms": "consignment", "reason": "opening", "lines": lines })
}

async fn entries(api: &TestApi) -> i64 {
    api.world.books.audit.snapshot().await.unwrap().heads.iter().map(|head| head.sequence).sum()
}

#[tokio::test]
async fn a_run_from_request_to_report() {
    let api = TestApi::new().await;
    let lines = json!([
        { "code": "shop-1", "amount": "10.00" },
        { "reseller_id": api.world.id("shop-2").to_string(), "amount": "20" },
        { "code": "nobody", "amount": "1.00" },
        { "code": "stranger", "amount": "1.00" },
    ]);
    let body = run("r-1", lines.clone());
    let started = api.post("/v1/allocation-runs", body.to_string()).await;
    assert_eq!(started.status, 202, "{}", started.text());
    let state = started.json();
    assert_eq!((&state["status"], &state["total"], &state["done"]), (&json!("running"), &json!(4), &json!(0)));
    let id = state["id"].as_str().unwrap();
    let place = format!("/v1/allocation-runs/{id}");
    assert_eq!(started.header(header::LOCATION), place);
    let replay = api.post("/v1/allocation-runs", body.to_string()).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed")), (200, "true"));
    let other = run("r-1", json!([{ "code": "shop-1", "amount": "10.01" }]));
    let reused = api.post("/v1/allocation-runs", other.to_string()).await;
    assert_eq!(reused.problem(409, "external_id_reused"), ["/lines differs"]);

    carry_out(&api, id).await;
    let done = api.get(&place).await.json();
    for (field, value) in [
        ("status", json!("completed_with_refusals")),
        ("final", json!(true)),
        ("done", json!(2)),
        ("refused", json!(2)),
        ("amount_done", json!("30.00")),
    ] {
        assert_eq!(done[field], value, "{field} of {done}");
    }
    let first = api.get(&format!("{place}/lines?limit=3")).await;
    let second = first.header(header::LINK).split(['<', '>']).nth(1).unwrap().to_owned();
    let items = |answer: &Answer| answer.json()["items"].as_array().unwrap().clone();
    let all: Vec<Value> = [items(&first), items(&api.get(&second).await)].concat();
    let told: Vec<_> = all.iter().map(|line| (line["status"].as_str().unwrap(), line["reason"].as_str())).collect();
    let unknown = ("refused", Some("unknown_reseller"));
    assert_eq!(told, [("done", None), ("done", None), unknown, unknown]);
    let allocation = format!("/v1/allocations/{}", all[1]["allocation_id"].as_str().unwrap());
    assert_eq!(api.get(&allocation).await.json()["amount"], "20.00");
    api.get("/v1/allocation-runs/run_01939f3e-7c00-7000-8000-000000000000").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_dry_run_tells_what_the_run_then_does_and_writes_nothing() {
    let api = TestApi::new().await;
    let before = entries(&api).await;
    let mut body = json!({
        "external_id": "d-1", "currency": "MAD", "terms": "on_account", "reason": "opening", "dry_run": true,
        "rule": { "under": api.world.id("root").to_string(), "level": "outlet", "top_up_to": "2100.00" }
    });
    let dry = api.post("/v1/allocation-runs", body.to_string()).await;
    assert_eq!(dry.status, 200, "{}", dry.text());
    let dry = dry.json();
    assert_eq!((&dry["id"], &dry["dry_run"], &dry["refused"]), (&Value::Null, &json!(true), &json!(0)));
    assert_eq!(entries(&api).await, before);
    assert!(api.world.books.stock.running_runs().await.unwrap().is_empty());
    body["dry_run"] = json!(false);
    let id = api.post("/v1/allocation-runs", body.to_string()).await.json()["id"].as_str().unwrap().to_owned();
    carry_out(&api, &id).await;
    let done = api.get(&format!("/v1/allocation-runs/{id}")).await.json();
    for field in ["total", "done", "refused", "amount_done"] {
        assert_eq!(done[field], dry[field], "{field}");
    }
    let balance = api.get(&format!("/v1/resellers/{}/balance", api.world.id("shop-2"))).await.json();
    assert_eq!(balance["available"], "2100.00");
}

#[tokio::test]
async fn lines_come_as_csv_too() {
    let api = TestApi::new().await;
    let query = "external_id=c-1&currency=MAD&terms=consignment&reason=opening%20stock";
    let started = csv(&api, query, "\u{feff}code,amount\r\nshop-1,10\r\n\"shop-2\",5.50\r\n").await;
    assert_eq!(started.status, 202, "{}", started.text());
    let id = started.json()["id"].as_str().unwrap().to_owned();
    carry_out(&api, &id).await;
    let done = api.get(&format!("/v1/allocation-runs/{id}")).await.json();
    assert_eq!((&done["status"], &done["amount_done"]), (&json!("completed"), &json!("15.50")));

    let before = entries(&api).await;
    let errors = |answer: Answer, status, code| (answer.problem(status, code), ()).0;
    assert_eq!(errors(csv(&api, query, "code\nshop-1\n").await, 422, "validation_failed"), ["/1 invalid"]);
    assert_eq!(
        errors(csv(&api, query, &b"code,amount\nA,1\n\xff\xfe,2\n"[..]).await, 422, "validation_failed"),
        ["/3 invalid"]
    );
    let bad = csv(&api, query, "code,amount\nshop-1,-1\nshop-2,1.001\n").await;
    assert_eq!(errors(bad, 422, "validation_failed"), ["/lines/0/amount invalid", "/lines/1/amount invalid"]);
    csv(&api, "external_id=c-2&colour=red", "code,amount\n").await.problem(400, "invalid_query");
    let huge = format!("code,amount\n{},1\n", "x".repeat(17 * 1024 * 1024));
    csv(&api, query, huge).await.problem(413, "payload_too_large");
    assert_eq!(entries(&api).await, before);
}

#[tokio::test]
async fn bad_runs_say_what_is_wrong_and_store_nothing() {
    let api = TestApi::new().await;
    let before = entries(&api).await;
    let good = json!([{ "code": "shop-1", "amount": "1.00" }]);
    for (change, status, expected) in [
        (json!({ "lines": [] }), 422, "/lines invalid"),
        (json!({ "lines": null }), 422, "/lines invalid"),
        (json!({ "terms": "gift" }), 422, "/terms invalid"),
        (json!({ "reason": "a\u{7}b" }), 422, "/reason control_characters"),
        (json!({ "lines": [{ "amount": "1" }] }), 422, "/lines/0/code invalid"),
        (json!({ "lines": [{ "code": "4242424242424242", "amount": "1" }] }), 422, "/lines/0/code card_data_refused"),
        (json!({ "lines": [{ "code": "a", "amount": "0" }] }), 422, "/lines/0/amount invalid"),
        (
            json!({ "rule": { "under": "x", "level": "outlet", "each": "1" }, "lines": null }),
            422,
            "/rule/under invalid",
        ),
        (json!({ "colour": "red" }), 400, ""),
        (json!({ "lines": [{ "code": 5, "amount": "1" }] }), 400, ""),
    ] {
        let mut body = run("bad", good.clone());
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = api.post("/v1/allocation-runs", body.to_string()).await;
        assert_eq!(answer.status, status, "{change}: {}", answer.text());
        let errors = answer.json()["errors"].as_array().unwrap().clone();
        let seen = errors.first().map_or(String::new(), |error| {
            format!("{} {}", error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())
        });
        assert_eq!(seen, expected, "{change}");
    }
    api.post("/v1/allocation-runs", "{").await.problem(400, "malformed_json");
    assert_eq!(entries(&api).await, before);
}
