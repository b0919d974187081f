//! `GET /v1/settlement-items`: what does not match, on either side.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::{BusinessDay, LineState, Money, Operation, OperationId, OperationKind, SettlementId};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{Query, cursor, parse_cursor};
use crate::http::state::{Api, ApiState};
use crate::ports::settlement::{ItemPlace, SettlementItem as Item};

const PATH: &str = "/v1/settlement-items";
/// First bytes of this list's cursors; the place of the last item shown follows.
const AFTER_LINE: u8 = 105;
const AFTER_TOPUP: u8 = 106;
/// Days that an acquirer may take to settle, unless the query says otherwise.
const SETTLED_WITHIN_DAYS: u32 = 3;

/// The parameters, as they are documented.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct ItemParameters {
    /// `unmatched` (all lines that did not match, the default), `missing_here`, `amount_differs`, `duplicate`, or
    /// `missing_there`: paid top-ups that no file has settled.
    state: Option<String>,
    /// Of `missing_there`: only what began so many days ago; 0 to 400.
    #[param(minimum = 0, maximum = 400, default = 3)]
    older_than_days: Option<u32>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// A line of an acquirer that does not match, or a top-up that no line settled.
#[derive(Serialize, ToSchema)]
pub struct SettlementItem {
    #[schema(example = "missing_here")]
    state: &'static str,
    #[schema(required, example = "simulator")]
    acquirer: Option<String>,
    /// The acquirer's own id.
    #[schema(required)]
    reference: Option<String>,
    /// `payment`, `refund`, `chargeback` or `chargeback_reversal`.
    #[schema(example = "payment")]
    kind: &'static str,
    /// The file and the line; null for what is missing there.
    #[schema(required)]
    settlement_id: Option<String>,
    #[schema(required)]
    line: Option<i64>,
    #[schema(required)]
    topup_id: Option<String>,
    /// Of the line, or what was taken by our books.
    #[schema(example = "950.00")]
    gross: String,
    #[schema(example = "14.25")]
    fee: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    /// Days since it was settled there, or taken here.
    age_days: i64,
}

/// A page of items, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct SettlementItems {
    items: Vec<SettlementItem>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What settlement files and our books do not have in common, the oldest first
#[utoipa::path(
    get, path = "/v1/settlement-items", operation_id = "list_settlement_items", tag = "settlement",
    params(ItemParameters),
    responses(
        (status = 200, description = "A page", body = SettlementItems, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_settlement_items(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["state", "older_than_days", "limit", "cursor"])?;
    let side = query.get("state", side).unwrap_or(Side::Lines(None));
    let days = query.get("older_than_days", days).unwrap_or(SETTLED_WITHIN_DAYS);
    let limit = query.limit();
    let (items, next_cursor) = match side {
        Side::Lines(only) => {
            let after = query.get("cursor", line_place);
            query.finish()?;
            let (lines, more) = state.settlements.items(only, after, limit).await?;
            let last = lines.last().filter(|_| more).map(|item| {
                let (day, file, number) = (item.line.settled_on.0, item.file.uuid(), item.line.number);
                let place = [day.to_be_bytes().as_slice(), file.as_bytes(), &number.to_be_bytes()].concat();
                cursor(AFTER_LINE, &place)
            });
            (lines.iter().map(|item| of_line(&state, item)).collect::<Vec<_>>(), last)
        }
        Side::Topups => {
            let after = query.get("cursor", topup_place);
            query.finish()?;
            let (topups, more) = state.settlements.missing_there(days, after, limit).await?;
            let last = topups.last().filter(|_| more).map(|last| cursor(AFTER_TOPUP, last.id.uuid().as_bytes()));
            (topups.iter().map(|topup| of_topup(&state, topup)).collect(), last)
        }
    };
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    Ok((headers, Json(SettlementItems { items, next_cursor })).into_response())
}

fn of_line(api: &Api, item: &Item) -> SettlementItem {
    let line = &item.line;
    SettlementItem {
        state: line.state.name(),
        acquirer: Some(item.acquirer.to_string()),
        reference: Some(line.reference.to_string()),
        kind: line.kind.name(),
        settlement_id: Some(item.file.to_string()),
        line: Some(line.number),
        topup_id: line.operation.map(|id| OperationKind::Topup.render(id)),
        gross: Money::from_minor(line.gross_minor, api.currency).to_string(),
        fee: Money::from_minor(line.fee_minor, api.currency).to_string(),
        currency: api.currency.code(),
        age_days: api.settlements.age_days(line.settled_on),
    }
}

fn of_topup(api: &Api, operation: &Operation) -> SettlementItem {
    let payment = operation.topup().map(|topup| &topup.payment);
    let text = |text: Option<&Box<str>>| text.map(ToString::to_string);
    SettlementItem {
        state: "missing_there",
        acquirer: text(payment.and_then(|payment| payment.acquirer.as_ref())),
        reference: text(payment.and_then(|payment| payment.reference.as_ref())),
        kind: "payment",
        settlement_id: None,
        line: None,
        topup_id: Some(OperationKind::Topup.render(operation.id)),
        gross: Money::from_minor(payment.map_or(0, |payment| payment.captured_minor), api.currency).to_string(),
        fee: Money::from_minor(0, api.currency).to_string(),
        currency: api.currency.code(),
        age_days: api.settlements.age_days(BusinessDay::of(operation.created_at, &jiff::tz::TimeZone::UTC)),
    }
}

/// Whose items are asked for.
enum Side {
    Lines(Option<LineState>),
    Topups,
}

fn side(text: &str) -> Result<Side, &'static str> {
    match text {
        "unmatched" => Ok(Side::Lines(None)),
        "missing_there" => Ok(Side::Topups),
        _ => match LineState::from_name(text).filter(|state| *state != LineState::Matched) {
            Some(state) => Ok(Side::Lines(Some(state))),
            None => Err("expected unmatched, missing_here, amount_differs, duplicate or missing_there"),
        },
    }
}

fn days(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(days @ 0..=400) if !text.starts_with('+') => Ok(days),
        _ => Err("expected a whole number from 0 to 400"),
    }
}

const EXPECTED: &str = "expected a cursor of an earlier page";

fn line_place(text: &str) -> Result<ItemPlace, &'static str> {
    let (AFTER_LINE, place) = parse_cursor(text)? else { return Err(EXPECTED) };
    let (day, rest) = place.split_first_chunk().ok_or(EXPECTED)?;
    let (file, number) = rest.split_first_chunk().ok_or(EXPECTED)?;
    let number = number.try_into().map_err(|_| EXPECTED)?;
    let file = SettlementId::from_uuid(uuid::Uuid::from_bytes(*file));
    Ok((BusinessDay(i32::from_be_bytes(*day)), file, i64::from_be_bytes(number)))
}

fn topup_place(text: &str) -> Result<OperationId, &'static str> {
    let (AFTER_TOPUP, place) = parse_cursor(text)? else { return Err(EXPECTED) };
    uuid::Uuid::from_slice(&place).map(OperationId::from_uuid).map_err(|_| EXPECTED)
}
