//! `GET /v1/resellers/{id}/statement`: what moved a reseller's stock, newest first.

use std::str::FromStr;

use axum::extract::{OriginalUri, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::statement_file;
use crate::domain::{BusinessDay, Money, OperationKind, ResellerId, Timestamp};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::query::{Query, cursor, parse_cursor};
use crate::http::state::{Api, ApiState};
use crate::ports::MovementPlace;
use crate::services::statements::{Counterparty, Line, PageStart, Period, Span, StatementPage};
use crate::services::{Caller, Scope};

/// First byte of this list's cursors; the part of the log and the last movement shown follow.
const AFTER: u8 = 70;

/// The parameters, as they are documented; [`period`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct StatementParameters {
    /// Recorded at or after this time (RFC 3339). Without it: from the first movement.
    from: Option<String>,
    /// Recorded before this time (RFC 3339). Without it: until now.
    to: Option<String>,
    /// One business day in the operator's time zone, such as `2026-11-22`, instead of `from` and `to`.
    business_date: Option<String>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// A page of a statement: `opening` + `total_in` − `total_out` = `closing`. These four are of the whole period, the
/// same on every page.
#[derive(Serialize, ToSchema)]
pub struct Statement {
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    /// As asked for; null from the first movement.
    #[schema(format = DateTime, required)]
    from: Option<String>,
    /// As asked for; null until now.
    #[schema(format = DateTime, required)]
    to: Option<String>,
    /// As asked for.
    #[schema(example = "2026-11-22", format = Date, required)]
    business_date: Option<String>,
    /// Posted stock before the first movement.
    #[schema(example = "2000.00")]
    opening: String,
    #[schema(example = "0.00")]
    total_in: String,
    #[schema(example = "20.00")]
    total_out: String,
    /// Posted stock after the last movement.
    #[schema(example = "1980.00")]
    closing: String,
    /// Nothing can be recorded in the period any more: it stays as it is.
    r#final: bool,
    items: Vec<MovementJson>,
    /// For the next page, which is older; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// A movement of the stock.
#[derive(Serialize, ToSchema)]
#[schema(as = Movement)]
pub struct MovementJson {
    /// When it was recorded.
    #[schema(example = "2026-11-22T08:30:00.350Z", format = DateTime)]
    at: String,
    /// The business day it belongs to.
    #[schema(example = "2026-11-22", format = Date)]
    business_date: String,
    /// Kind of the operation.
    #[schema(example = "recharge", required)]
    kind: Option<&'static str>,
    /// What the journal recorded.
    #[schema(example = "recharge.completed")]
    entry: &'static str,
    #[schema(example = "rch_01939f3e-7c00-7000-8000-000000000001", required)]
    operation_id: Option<String>,
    #[schema(example = "atm7-000123", required)]
    external_id: Option<String>,
    /// Who was on the other side.
    #[schema(required)]
    counterparty: Option<CounterpartyJson>,
    /// What came in; null for what went out.
    #[schema(required)]
    r#in: Option<String>,
    /// What went out; null for what came in.
    #[schema(example = "20.00", required)]
    out: Option<String>,
    /// Posted stock after it.
    #[schema(example = "1980.00")]
    balance: String,
}

/// The other side of a movement.
#[derive(Serialize, ToSchema)]
#[schema(as = Counterparty)]
pub struct CounterpartyJson {
    #[schema(schema_with = counterparty_kind, example = "subscriber")]
    kind: &'static str,
    /// Of a reseller.
    #[schema(required)]
    reseller_id: Option<String>,
    /// Of a subscriber: in full for a caller with `recharges:read`, else masked.
    #[schema(example = "2126••••78", required)]
    msisdn: Option<String>,
}

fn counterparty_kind() -> utoipa::openapi::schema::Object {
    crate::http::schema::one_of(["subscriber", "reseller", "operator"])
}

impl CounterpartyJson {
    fn of(counterparty: Counterparty, shows_numbers: bool) -> Self {
        let (kind, reseller, msisdn) = match counterparty {
            Counterparty::Subscriber(msisdn) => ("subscriber", None, Some(msisdn)),
            Counterparty::Reseller(reseller) => ("reseller", Some(reseller), None),
            Counterparty::Operator => ("operator", None, None),
        };
        let shown = |number: crate::domain::Msisdn| if shows_numbers { number.e164() } else { number.to_string() };
        Self { kind, reseller_id: reseller.map(|id| id.to_string()), msisdn: msisdn.map(shown) }
    }
}

impl MovementJson {
    fn of(api: &Api, line: &Line, shows_numbers: bool) -> Self {
        let money = |minor: i64| Money::from_minor(minor, api.currency).to_string();
        let operation = line.movement.operation.as_ref();
        Self {
            at: line.movement.recorded_at.to_string(),
            business_date: line.business_day.to_string(),
            kind: operation.map(|operation| operation.kind().name()),
            entry: line.movement.kind.name(),
            operation_id: operation.map(|operation| OperationKind::render(operation.kind(), operation.id)),
            external_id: operation.map(|operation| operation.external_id.to_string()),
            counterparty: line.counterparty.map(|other| CounterpartyJson::of(other, shows_numbers)),
            r#in: line.in_minor.map(money),
            out: line.out_minor.map(money),
            balance: money(line.balance_minor),
        }
    }
}

impl Statement {
    fn of(api: &Api, page: &StatementPage, shows_numbers: bool) -> Self {
        let money = |minor: i64| Money::from_minor(minor, api.currency).to_string();
        let summary = &page.summary;
        let (from, to, business_date) = match summary.period {
            Period::Between { from, to } => (from, to, None),
            Period::Day(day) => (None, None, Some(day)),
        };
        Self {
            reseller_id: summary.reseller.to_string(),
            currency: api.currency.code(),
            from: from.map(|at| at.to_string()),
            to: to.map(|at| at.to_string()),
            business_date: business_date.map(|day| day.to_string()),
            opening: money(summary.opening_minor),
            total_in: money(summary.in_minor),
            total_out: money(summary.out_minor),
            closing: money(summary.closing_minor),
            r#final: summary.is_final,
            items: page.lines.iter().map(|line| MovementJson::of(api, line, shows_numbers)).collect(),
            next_cursor: page.next.map(|start| cursor(AFTER, &write_start(&start))),
        }
    }
}

/// A reseller's statement
///
/// Opening, every movement with the balance after it and who was on the other side, newest first, and closing. The
/// next page is in `next_cursor` and in `Link`; what is recorded meanwhile does not move a statement that was begun.
/// `Accept: text/csv`, or the media type of XLSX, gives all of it as a file, from the oldest movement; a CSV without its
/// last line, `closing`, was cut off.
#[utoipa::path(
    get, path = "/v1/resellers/{id}/statement", operation_id = "get_statement", tag = "stock",
    params(("id" = String, Path, description = "The reseller", example = "rsl_01939f3e-7c00-7000-8000-00000000000a"), StatementParameters),
    responses(
        (status = 200, description = "A page; or the whole as a file, from the oldest movement, for who asks for it by `Accept`", content((Statement = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")), headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown, has a bad value or does not go with another", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_statement(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["from", "to", "business_date", "limit", "cursor"])?;
    if let Some(format) = statement_file::wanted(&headers) {
        let id: ResellerId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
        return statement_file::answer(&state, &caller, id, query, format).await;
    }
    let (period, limit) = (period(&mut query), query.limit());
    let start = query.get("cursor", read_cursor);
    query.finish()?;
    let id: ResellerId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let page = state.statements.page(&caller, id, period, start, limit).await?;
    let body = Statement::of(&state, &page, caller.may(Scope::RechargesRead));
    let path = format!("/v1/resellers/{id}/statement");
    let link = query.page_headers(&path, body.next_cursor.as_deref());
    Ok((link, Json(body)).into_response())
}

pub fn period(query: &mut Query) -> Period {
    let (from, to) = (query.get("from", Timestamp::parse), query.get("to", Timestamp::parse));
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        query.refuse("to", "invalid", "expected a time after from");
    }
    if query.has("business_date") && (query.has("from") || query.has("to")) {
        query.refuse("business_date", "invalid", "expected either a business day, or from and to");
    }
    match query.get("business_date", BusinessDay::from_str) {
        Some(day) => Period::Day(day),
        None => Period::Between { from, to },
    }
}

fn write_start(start: &PageStart) -> Vec<u8> {
    let PageStart { span, last } = start;
    let numbers = [span.after, span.up_to, last.sequence].map(i64::to_be_bytes).concat();
    [numbers, last.line.to_be_bytes().to_vec()].concat()
}

fn read_cursor(text: &str) -> Result<PageStart, &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    let (kind, place) = parse_cursor(text)?;
    let numbers: [u8; 26] = place.try_into().map_err(|_| EXPECTED)?;
    let (long, line) = numbers.split_at(24);
    let number = |index: usize| long[index * 8..][..8].try_into().map(i64::from_be_bytes).map_err(|_| EXPECTED);
    let line = line.try_into().map(i16::from_be_bytes).map_err(|_| EXPECTED)?;
    let (after, up_to, sequence) = (number(0)?, number(1)?, number(2)?);
    let fits = kind == AFTER && 0 <= after && after <= sequence && sequence <= up_to && line > 0;
    let last = MovementPlace { sequence, line };
    if fits { Ok(PageStart { span: Span { after, up_to }, last }) } else { Err(EXPECTED) }
}
