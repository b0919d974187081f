//! The simulator over TMF654 version 4, below `/tmf-api/prepayBalanceManagement/v4`: `topupBalance`, `transferBalance`,
//! `accumulatedBalance` and `hub`. Endings and books are those of the other protocols.
//!
//! A top-up's id is its reference. Who registered at the hub is told of every top-up that was recorded, also when its
//! caller got no answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::books::{Entry, Reference, Refill, parse_msisdn};
use super::charge::{Charged, Simulator};
use super::ending::{Ending, Verdict};
use super::recorder::NotRecorded;
use crate::domain::{Currency, Money, Msisdn};

/// Where the resources stand.
pub(super) const BASE: &str = "/tmf-api/prepayBalanceManagement/v4";

/// An event is sent so often, with this pause in between, until somebody takes it.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn router(simulator: Simulator) -> Router<Simulator> {
    Router::new()
        .route("/topupBalance", post(top_up).get(topups))
        .route("/topupBalance/{id}", get(one))
        .route("/transferBalance", post(transfer).get(transfers))
        .route("/accumulatedBalance", get(accumulated))
        .route("/hub", post(register))
        .route("/hub/{id}", delete(unregister))
        .layer(from_fn_with_state(simulator, let_in))
}

/// Who is told of top-ups.
pub(super) struct Hub {
    client: reqwest::Client,
    listeners: Mutex<Vec<(u64, String)>>,
    numbers: AtomicU64,
}

impl Hub {
    /// # Errors
    /// When there is no HTTP client to be had.
    pub(super) fn new(listener: Option<String>) -> std::io::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5));
        // Plain HTTP must not fail on a machine without certificate authorities.
        let client = client.tls_certs_only([]).build().map_err(std::io::Error::other)?;
        let listeners = Mutex::new(listener.into_iter().map(|listener| (0, listener)).collect());
        Ok(Self { client, listeners, numbers: AtomicU64::new(1) })
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<(u64, String)>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all listeners, in tasks of their own.
    fn tell(self: &Arc<Self>, event: &Value) {
        for (_, callback) in self.listeners().iter() {
            let (hub, callback, body) = (Arc::clone(self), callback.clone(), event.to_string());
            tokio::spawn(async move {
                for _ in 0..ATTEMPTS {
                    let post = hub.client.post(&callback).header(header::CONTENT_TYPE, "application/json");
                    match post.body(body.clone()).send().await {
                        Ok(answer) if answer.status().is_success() => return,
                        _ => tokio::time::sleep(PAUSE).await,
                    }
                }
                tracing::warn!("nobody took an event of the charging simulator");
            });
        }
    }
}

async fn let_in(State(simulator): State<Simulator>, headers: HeaderMap, request: Request, next: Next) -> Response {
    if simulator.lets_in(&headers) {
        next.run(request).await
    } else {
        problem(StatusCode::UNAUTHORIZED, "unauthorized", "expected HTTP Basic")
    }
}

fn problem(status: StatusCode, code: &str, reason: &str) -> Response {
    let body = json!({ "@type": "Error", "code": code, "reason": reason, "status": status.as_u16().to_string() });
    (status, Json(body)).into_response()
}

fn bad(field: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "bad_request", field)
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct Resource {
    value: String,
}

#[derive(Deserialize)]
struct Amount<'a> {
    #[serde(borrow)]
    amount: &'a RawValue,
    units: String,
}

/// What is read of a top-up or a transfer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow)]
    amount: Amount<'a>,
    usage_type: String,
    bucket: Id,
    party_account: Id,
    logical_resource: Resource,
    /// The caller's reference.
    reason: String,
    requestor: Option<Id>,
    receiver_bucket: Option<Id>,
}

/// What is asked for, and by whom.
struct Order {
    reference: Reference,
    refill: Refill,
    requestor: Option<String>,
}

impl Order {
    fn read(body: &[u8], back: bool) -> Result<Self, &'static str> {
        let body: Body<'_> = serde_json::from_slice(body).map_err(|_| "the body")?;
        if body.usage_type != "monetary" {
            return Err("usageType");
        }
        if body.bucket.id.is_empty() || body.party_account.id.is_empty() {
            return Err("bucket, partyAccount");
        }
        if back != body.receiver_bucket.is_some_and(|bucket| !bucket.id.is_empty()) {
            return Err("receiverBucket");
        }
        let currency: Currency = body.amount.units.parse().map_err(|_| "amount.units")?;
        let amount = Money::parse(body.amount.amount.get(), currency).ok().map(Money::minor);
        let amount_minor = amount.filter(|minor| *minor > 0).ok_or("amount.amount")?;
        let amount_minor = if back { -amount_minor } else { amount_minor };
        Ok(Self {
            reference: body.reason.parse()?,
            refill: Refill { msisdn: parse_msisdn(&body.logical_resource.value)?, amount_minor, currency },
            requestor: body.requestor.map(|by| by.id),
        })
    }
}

async fn top_up(State(simulator): State<Simulator>, body: Bytes) -> Response {
    carry_out(simulator, &body, false).await
}

async fn transfer(State(simulator): State<Simulator>, body: Bytes) -> Response {
    carry_out(simulator, &body, true).await
}

async fn carry_out(simulator: Simulator, body: &[u8], back: bool) -> Response {
    let order = match Order::read(body, back) {
        Ok(order) => order,
        Err(expected) => return bad(expected),
    };
    let charged = match simulator.charge(&order.reference, order.refill).await {
        Ok(charged) => charged,
        Err(NotRecorded::OtherContent) => {
            return problem(StatusCode::CONFLICT, "reference_reused", "the reason stands for another top-up");
        }
        Err(NotRecorded::Failed) => return problem(StatusCode::SERVICE_UNAVAILABLE, "record_failed", "restart it"),
    };
    let recorded = simulator.books().get(&order.reference).copied();
    if let Some(entry) = recorded.filter(|_| !back) {
        simulator.hub.tell(&event(&order, &entry));
    }
    match charged {
        Charged::Silence => simulator.stay_silent().await,
        Charged::Failure => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong"),
        Charged::Answered(entry) if entry.verdict.applies() => {
            (StatusCode::CREATED, Json(shape(&order.reference, &entry))).into_response()
        }
        Charged::Answered(entry) => problem(StatusCode::UNPROCESSABLE_ENTITY, entry.verdict.code(), "not done"),
    }
}

fn shape(reference: &Reference, entry: &Entry) -> Value {
    let (topup, applied) = (entry.refill.amount_minor > 0, entry.applied > 0);
    let resource = if topup { "topupBalance" } else { "transferBalance" };
    let mut shape = json!({
        "@type": if topup { "TopupBalance" } else { "TransferBalance" },
        "id": reference.to_string(),
        "href": format!("{BASE}/{resource}/{reference}"),
        "reason": reference.to_string(),
        "status": if applied { "completed" } else { "failed" },
        "usageType": "monetary",
        "amount": amount(entry.refill.amount_minor.unsigned_abs().into(), entry.refill.currency),
        "logicalResource": { "value": entry.refill.msisdn.digits().to_string() },
    });
    if !applied {
        shape["statusReason"] = entry.verdict.code().into();
    }
    shape
}

/// An amount with its decimals, as a number.
fn amount(minor: i128, currency: Currency) -> Value {
    let money = Money::from_minor(i64::try_from(minor).unwrap_or(i64::MAX), currency);
    let number: Value = serde_json::from_str(&money.to_string()).unwrap_or(Value::Null);
    json!({ "amount": number, "units": currency.code() })
}

fn event(order: &Order, entry: &Entry) -> Value {
    let mut topup = shape(&order.reference, entry);
    if let Some(requestor) = &order.requestor {
        topup["requestor"] = json!({ "id": requestor });
    }
    let kind = if entry.applied > 0 { "TopupBalanceCreateEvent" } else { "TopupBalanceFailureEvent" };
    json!({ "eventId": order.reference.to_string(), "eventType": kind, "event": { "topupBalance": topup } })
}

async fn one(State(simulator): State<Simulator>, Path(id): Path<String>) -> Response {
    let Ok(reference) = id.parse::<Reference>() else { return bad("id") };
    match simulator.books().get(&reference) {
        Some(entry) => Json(shape(&reference, entry)).into_response(),
        None => problem(StatusCode::NOT_FOUND, "not_known", "no top-up has this id"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfReason {
    reason: String,
}

async fn topups(State(simulator): State<Simulator>, query: Result<Query<OfReason>, QueryRejection>) -> Response {
    list(&simulator, query, |entry| entry.refill.amount_minor > 0)
}

async fn transfers(State(simulator): State<Simulator>, query: Result<Query<OfReason>, QueryRejection>) -> Response {
    list(&simulator, query, |entry| entry.refill.amount_minor < 0)
}

fn list(simulator: &Simulator, query: Result<Query<OfReason>, QueryRejection>, of: fn(&Entry) -> bool) -> Response {
    let Some(reference) = query.ok().and_then(|query| query.reason.parse::<Reference>().ok()) else {
        return bad("reason");
    };
    let books = simulator.books();
    let found = books.get(&reference).filter(|entry| of(entry));
    let found: Vec<_> = found.map(|entry| shape(&reference, entry)).into_iter().collect();
    Json(found).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfResource {
    #[serde(rename = "logicalResource.value")]
    value: String,
}

async fn accumulated(State(simulator): State<Simulator>, query: Result<Query<OfResource>, QueryRejection>) -> Response {
    let msisdn: Option<Msisdn> = query.ok().and_then(|query| parse_msisdn(&query.value).ok());
    let Some(msisdn) = msisdn else { return bad("logicalResource.value") };
    if Ending::of(msisdn) == Ending::Answered(Verdict::SubscriberUnknown) {
        return problem(StatusCode::NOT_FOUND, Verdict::SubscriberUnknown.code(), "no such line");
    }
    let total = amount(simulator.books().balance(msisdn), Currency::MAD);
    let balance = json!([{ "id": msisdn.digits().to_string(), "@type": "AccumulatedBalance", "totalBalance": total }]);
    Json(balance).into_response()
}

#[derive(Deserialize)]
struct Registered {
    callback: String,
}

async fn register(State(simulator): State<Simulator>, body: Bytes) -> Response {
    let Ok(Registered { callback }) = serde_json::from_slice(&body) else { return bad("callback") };
    if !callback.starts_with("http://") {
        return bad("callback");
    }
    let id = simulator.hub.numbers.fetch_add(1, Ordering::Relaxed);
    simulator.hub.listeners().push((id, callback.clone()));
    (StatusCode::CREATED, Json(json!({ "id": id.to_string(), "callback": callback }))).into_response()
}

async fn unregister(State(simulator): State<Simulator>, Path(id): Path<String>) -> Response {
    let mut listeners = simulator.hub.listeners();
    let before = listeners.len();
    listeners.retain(|(own, _)| own.to_string() != id);
    let gone = if listeners.len() < before { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND };
    gone.into_response()
}
