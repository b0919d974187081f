//! The simulator's own protocol: plain JSON over HTTP.

use std::fmt::Write as _;

use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::books::{Reference, Refill, Summary, WrittenEntry, parse_amount, parse_msisdn};
use super::charge::{Charged, Simulator};
use super::ending::{Ending, Verdict};
use super::recorder::NotRecorded;
use super::{tmf654, ucip};
use crate::domain::Money;

const MAX_BODY_BYTES: usize = 16 * 1024;
const MAX_PAGE: usize = 10_000;
const DEFAULT_PAGE: usize = 1_000;

pub(super) fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/refills", post(refill))
        .route("/refills/{reference}", get(lookup))
        .route("/reversals", post(reversal))
        .route("/balances/{msisdn}", get(balance))
        .route("/applied", get(applied))
        .route("/records/{file}", get(daily_record))
        .route("/applied/summary", get(summary))
        .route("/Air", post(ucip::air))
        .nest(tmf654::BASE, tmf654::router(simulator.clone()))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "no_such_path", "see POST /refills") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path has other methods")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(simulator)
}

/// An error as JSON: `{"error": "…", "detail": "…"}`.
struct Problem {
    status: StatusCode,
    error: &'static str,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, error: &'static str, detail: impl Into<String>) -> Self {
        Self { status, error, detail: detail.into() }
    }

    fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.error, "detail": self.detail });
        (self.status, Json(body)).into_response()
    }
}

impl From<NotRecorded> for Problem {
    fn from(reason: NotRecorded) -> Self {
        match reason {
            NotRecorded::OtherContent => {
                Self::new(StatusCode::CONFLICT, "reference_reused", "the reference stands for another refill")
            }
            NotRecorded::Failed => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "record_failed",
                "the record cannot be written; restart the simulator",
            ),
        }
    }
}

/// What is read of a refill. The product and whatever else there is play no part.
#[derive(Deserialize)]
struct RefillBody {
    reference: GivenReference,
    msisdn: String,
    amount_minor: i64,
    currency: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum GivenReference {
    Text(String),
    Number(u64),
}

impl RefillBody {
    fn parse(body: &[u8]) -> Result<(Reference, Refill), String> {
        let body: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let reference = match body.reference {
            GivenReference::Text(text) => text.parse()?,
            GivenReference::Number(number) => number.to_string().parse()?,
        };
        let currency = body.currency.parse().map_err(|expected| format!("currency: {expected}"))?;
        let refill =
            Refill { msisdn: parse_msisdn(&body.msisdn)?, amount_minor: parse_amount(body.amount_minor)?, currency };
        Ok((reference, refill))
    }
}

async fn refill(State(simulator): State<Simulator>, body: Result<Bytes, BytesRejection>) -> Result<Response, Problem> {
    let (reference, refill) = read(body)?;
    charge(simulator, reference, refill).await
}

/// The same body and answer, for credit that is taken back: recorded below zero, under a reference of its own.
async fn reversal(
    State(simulator): State<Simulator>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let (reference, refill) = read(body)?;
    charge(simulator, reference, Refill { amount_minor: -refill.amount_minor, ..refill }).await
}

fn read(body: Result<Bytes, BytesRejection>) -> Result<(Reference, Refill), Problem> {
    let body = body.map_err(|rejection| Problem::new(rejection.status(), "bad_request", rejection.body_text()))?;
    RefillBody::parse(&body).map_err(Problem::bad_request)
}

async fn charge(simulator: Simulator, reference: Reference, refill: Refill) -> Result<Response, Problem> {
    match simulator.charge(&reference, refill).await? {
        Charged::Silence => Ok(simulator.stay_silent().await),
        Charged::Failure => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong")),
        Charged::Answered(entry) => Ok(Json(WrittenEntry::new(&reference, &entry)).into_response()),
    }
}

async fn lookup(
    State(simulator): State<Simulator>,
    Path(reference): Path<String>,
) -> Result<Json<WrittenEntry>, Problem> {
    let reference: Reference = reference.parse().map_err(|expected: &str| Problem::bad_request(expected))?;
    let books = simulator.books();
    let entry = books.get(&reference);
    let not_known = || Problem::new(StatusCode::NOT_FOUND, "not_known", "no refill has this reference");
    entry.map(|entry| Json(WrittenEntry::new(&reference, entry))).ok_or_else(not_known)
}

/// What a line has: `{balance_minor}`; 404 for one that is not known.
async fn balance(State(simulator): State<Simulator>, Path(msisdn): Path<String>) -> Result<Response, Problem> {
    let msisdn = parse_msisdn(&msisdn).map_err(Problem::bad_request)?;
    if Ending::of(msisdn) == Ending::Answered(Verdict::SubscriberUnknown) {
        return Err(Problem::new(StatusCode::NOT_FOUND, Verdict::SubscriberUnknown.code(), "no such line"));
    }
    let balance_minor = i64::try_from(simulator.books().balance(msisdn)).unwrap_or(i64::MAX);
    Ok(Json(serde_json::json!({ "balance_minor": balance_minor })).into_response())
}

/// The refills of a day (UTC) as CSV: `2026-11-22.csv`, one line for each time that one took effect. A refill is of the
/// second that its reference begins with. What was taken back is not among them.
async fn daily_record(State(simulator): State<Simulator>, Path(file): Path<String>) -> Result<Response, Problem> {
    let day = file.strip_suffix(".csv").and_then(|day| day.parse::<jiff::civil::Date>().ok());
    let day = day.ok_or_else(|| Problem::bad_request("expected a day such as 2026-11-22.csv"))?;
    let of_day = |reference: &Reference| {
        let seconds = reference.to_string().get(..10)?.parse().ok()?;
        let at = jiff::Timestamp::from_second(seconds).ok()?;
        (at.to_zoned(jiff::tz::TimeZone::UTC).date() == day).then_some(at)
    };
    let mut text = String::from("reference,msisdn,amount,time,result\n");
    let books = simulator.books();
    for (reference, entry) in books.entries().filter(|(_, entry)| entry.refill.amount_minor > 0) {
        let Some(at) = of_day(reference) else { continue };
        let amount = Money::from_minor(entry.refill.amount_minor, entry.refill.currency);
        let result = if entry.applied == 0 { "not_applied" } else { "applied" };
        for _ in 0..entry.applied.max(1) {
            let msisdn = entry.refill.msisdn.e164();
            writeln!(text, "{reference},{msisdn},{amount},{at},{result}").expect("a string takes what fits in memory");
        }
    }
    Ok(([(header::CONTENT_TYPE, "text/csv")], text).into_response())
}

async fn summary(State(simulator): State<Simulator>) -> Json<Summary> {
    Json(simulator.books().summary())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Page {
    items: Vec<AppliedItem>,
    /// The next page's `after`.
    next: Option<String>,
}

#[derive(Serialize)]
struct AppliedItem {
    reference: String,
    msisdn: String,
    amount_minor: i64,
    applied: u32,
}

async fn applied(
    State(simulator): State<Simulator>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!("limit: expected 1 to {MAX_PAGE}")));
    }
    let after =
        query.after.map(|after| after.parse()).transpose().map_err(|expected: &str| Problem::bad_request(expected))?;
    let books = simulator.books();
    let mut entries = books.applied(after.as_ref());
    let items: Vec<_> = entries
        .by_ref()
        .take(limit)
        .map(|(reference, entry)| AppliedItem {
            reference: reference.to_string(),
            msisdn: entry.refill.msisdn.e164(),
            amount_minor: entry.refill.amount_minor,
            applied: entry.applied,
        })
        .collect();
    let next = if entries.next().is_some() { items.last().map(|item| item.reference.clone()) } else { None };
    Ok(Json(Page { items, next }))
}
