//! `taabia load` against a small server that keeps its books in memory and misbehaves as told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use taabia::ports::Randomness;
use taabia::simulator::load::{LoadError, Plan, Report, Verdict, run};
use tokio::net::TcpListener;

const OUTLETS: usize = 250;
const STOCK_MINOR: i64 = 10_000_000_000;

/// How the server misbehaves; every n-th request where there is a number.
#[derive(Clone, Copy, Debug, Default)]
struct Manners {
    /// Applies it, and then cuts the connection in the middle of the answer.
    cuts_answer: Option<u64>,
    overloaded: Option<u64>,
    /// Answers "in doubt" and completes it when it is asked for.
    in_doubt: Option<u64>,
    never_resolves: bool,
    /// Takes a little more than it says.
    cheats: bool,
    /// Somebody else sells at the first outlet.
    other_traffic: bool,
    token_life_s: Option<u64>,
}

#[derive(Debug, Default)]
struct Books {
    manners: Manners,
    requests: AtomicU64,
    tokens: AtomicU64,
    /// Of the present token; an older one is refused.
    token_until: Mutex<Option<tokio::time::Instant>>,
    operations: Mutex<HashMap<String, Value>>,
    balances: Mutex<HashMap<String, i64>>,
}

fn reseller(index: usize) -> String {
    format!("rsl_01939f3e-7c00-7000-8000-{index:012x}")
}

fn decimal(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

async fn token(State(books): State<Arc<Books>>, form: String) -> Response {
    if !form.contains("client_id=cli%5Fa&client_secret=s%26cret") {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    let number = books.tokens.fetch_add(1, Ordering::SeqCst) + 1;
    let life_s = books.manners.token_life_s.unwrap_or(900);
    *books.token_until.lock().unwrap() = Some(tokio::time::Instant::now() + Duration::from_secs(life_s));
    Json(json!({"access_token": format!("t{number}"), "token_type": "Bearer", "expires_in": life_s})).into_response()
}

async fn whoami(Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let from: usize = query.get("cursor").map_or(0, |cursor| cursor.parse().unwrap());
    let to = (from + query["limit"].parse::<usize>().unwrap()).min(OUTLETS);
    let ids: Vec<String> = (from..to).map(reseller).collect();
    Json(json!({"reseller_ids": ids, "next_cursor": (to < OUTLETS).then(|| to.to_string())}))
}

async fn balance(State(books): State<Arc<Books>>, Path(id): Path<String>) -> Json<Value> {
    let posted = decimal(*books.balances.lock().unwrap().entry(id).or_insert(STOCK_MINOR));
    let as_of = "2026-11-22T08:00:00.000Z";
    Json(json!({"currency": "MAD", "posted": posted, "held": "0.00", "available": posted, "as_of": as_of}))
}

async fn create(State(books): State<Arc<Books>>, headers: HeaderMap, Json(order): Json<Value>) -> Response {
    let manners = books.manners;
    let number = books.requests.fetch_add(1, Ordering::SeqCst) + 1;
    let every = |n: Option<u64>| n.is_some_and(|n| number.is_multiple_of(n));
    let present = format!("Bearer t{}", books.tokens.load(Ordering::SeqCst));
    let expired = books.token_until.lock().unwrap().is_none_or(|until| tokio::time::Instant::now() > until);
    if expired || headers["authorization"] != present.as_str() {
        return (StatusCode::UNAUTHORIZED, Json(json!({"code": "invalid_token"}))).into_response();
    }
    if every(manners.overloaded) {
        let body = Json(json!({"code": "overloaded", "detail": "come back"}));
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")], body).into_response();
    }
    let text = |name: &str| order[name].as_str().unwrap().to_owned();
    let (key, amount) = (text("external_id"), text("amount").replace('.', "").parse::<i64>().unwrap());
    let mut operations = books.operations.lock().unwrap();
    let known = operations.contains_key(&key);
    let operation = operations.entry(key.clone()).or_insert_with(|| {
        let mut balances = books.balances.lock().unwrap();
        *balances.get_mut(&text("reseller_id")).unwrap() -= amount + i64::from(manners.cheats);
        if manners.other_traffic {
            *balances.get_mut(&reseller(0)).unwrap() -= 100;
        }
        let status = if every(manners.in_doubt) { "in_doubt" } else { "completed" };
        json!({"id": format!("rch_{key}"), "external_id": key, "reseller_id": text("reseller_id"),
            "status": status, "decline": null})
    });
    if every(manners.cuts_answer) {
        let cut = futures::stream::iter([Ok(Bytes::from_static(b"{\"id\"")), Err(std::io::Error::other("cut"))]);
        return Body::from_stream(cut).into_response();
    }
    (if known { StatusCode::OK } else { StatusCode::CREATED }, Json(operation.clone())).into_response()
}

async fn show(State(books): State<Arc<Books>>, Path(id): Path<String>) -> Json<Value> {
    let mut operations = books.operations.lock().unwrap();
    let operation = operations.get_mut(id.strip_prefix("rch_").unwrap()).unwrap();
    if !books.manners.never_resolves {
        operation["status"] = "completed".into();
    }
    Json(operation.clone())
}

async fn list(State(books): State<Arc<Books>>, Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let operations = books.operations.lock().unwrap();
    let mut items: Vec<Value> =
        operations.values().filter(|operation| operation["reseller_id"] == query["reseller_id"]).cloned().collect();
    if books.manners.other_traffic && query["reseller_id"] == reseller(0) {
        items.push(json!({"external_id": "somebody-else"}));
    }
    Json(json!({"items": items, "next_cursor": null}))
}

struct Counting;

impl Randomness for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

async fn load(manners: Manners, change: impl FnOnce(&mut Plan)) -> Result<(Report, Arc<Books>), LoadError> {
    let books = Arc::new(Books { manners, ..Books::default() });
    let server = Router::new()
        .route("/oauth/token", post(token))
        .route("/v1/whoami", get(whoami))
        .route("/v1/resellers/{id}/balance", get(balance))
        .route("/v1/recharges", post(create).get(list))
        .route("/v1/recharges/{id}", get(show))
        .with_state(Arc::clone(&books));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut plan = Plan {
        url: format!("http://{}", listener.local_addr().unwrap()),
        client_id: "cli_a".into(),
        client_secret: "s&cret".into(),
        connections: 4,
        duration: Duration::from_millis(600),
        fault_share: 0.0,
        settle_within: Duration::from_secs(2),
    };
    change(&mut plan);
    let serving = tokio::spawn(async move { axum::serve(listener, server).await });
    let report = run(&plan, &Counting).await;
    serving.abort();
    report.map(|report| (report, books))
}

fn applied(books: &Books) -> u64 {
    books.operations.lock().unwrap().len() as u64
}

#[tokio::test]
async fn what_was_acknowledged_is_what_moved() {
    let (report, books) = load(Manners::default(), |_| {}).await.unwrap();
    assert!(matches!(report.verdict, Verdict::Agree { outlets: OUTLETS, set_aside: 0, .. }), "{report}");
    assert!(report.is_success());
    assert_eq!(report.completed, applied(&books));
    assert_eq!(report.by_http_status.keys().collect::<Vec<_>>(), [&201]);
    let text = report.to_string();
    assert!(text.contains("p99"), "{text}");
    let last = text.lines().last().unwrap().strip_suffix(" recharges/s").unwrap();
    assert!(last.parse::<u64>().unwrap() > 0, "{text}");
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_key() {
    let manners = Manners { cuts_answer: Some(50), overloaded: Some(33), ..Manners::default() };
    let (report, books) = load(manners, |_| {}).await.unwrap();
    assert!(matches!(report.verdict, Verdict::Agree { .. }), "{report}");
    assert!(report.lost_answers > 0, "{report}");
    assert_eq!(report.completed, applied(&books));
    assert!(report.by_http_status[&200] > 0 && report.by_http_status[&503] > 0, "{report}");
    assert!(report.to_string().contains("first refusal 503: overloaded (come back)"), "{report}");
}

#[tokio::test]
async fn doubt_is_waited_for() {
    let manners = Manners { in_doubt: Some(100), ..Manners::default() };
    let (report, books) = load(manners, |_| {}).await.unwrap();
    assert!(matches!(report.verdict, Verdict::Agree { .. }), "{report}");
    assert_eq!(report.completed, applied(&books));

    let manners = Manners { never_resolves: true, ..manners };
    let (report, _) = load(manners, |_| {}).await.unwrap();
    assert!(matches!(&report.verdict, Verdict::Skipped(why) if why.contains("still had no outcome")), "{report}");
    assert!(report.is_success() && report.by_outcome["in_doubt"] > 0, "{report}");
}

#[tokio::test]
async fn books_that_differ_are_a_failure_and_other_traffic_is_not() {
    let (report, _) = load(Manners { cheats: true, ..Manners::default() }, |_| {}).await.unwrap();
    assert!(matches!(report.verdict, Verdict::Differs { .. }) && !report.is_success(), "{report}");

    let (report, _) = load(Manners { other_traffic: true, ..Manners::default() }, |_| {}).await.unwrap();
    assert!(matches!(report.verdict, Verdict::Agree { set_aside: 1, .. }), "{report}");
}

#[tokio::test]
async fn tokens_are_renewed_before_they_expire() {
    let manners = Manners { token_life_s: Some(1), ..Manners::default() };
    let (report, books) = load(manners, |plan| plan.duration = Duration::from_millis(2_500)).await.unwrap();
    assert!(books.tokens.load(Ordering::SeqCst) >= 3);
    assert!(matches!(report.verdict, Verdict::Agree { .. }), "{report}");
    assert_eq!(report.completed, applied(&books));
}

#[tokio::test]
async fn what_cannot_begin_says_why() {
    let error = load(Manners::default(), |plan| plan.client_secret = "wrong".into()).await.unwrap_err();
    assert_eq!(error.to_string(), "POST /oauth/token was answered with 401: invalid_client");
    let error = load(Manners::default(), |plan| plan.url = "https://h".into()).await.unwrap_err();
    assert!(matches!(error, LoadError::Url(_)), "{error}");
    let error = load(Manners::default(), |plan| plan.url = "http://127.0.0.1:1".into()).await.unwrap_err();
    assert!(matches!(error, LoadError::Unreachable { .. }), "{error}");
}
