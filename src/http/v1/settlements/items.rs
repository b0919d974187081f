//! `GET /v1/settlement-items`: what does not match, on either side.

use std::str::FromStr as _;

use axum::Json;
use axum::extract::{OriginalUri, Path, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::records::ReconciliationItem;
use crate::domain::{BusinessDay, ClientId, ItemId, LineState, Money, OperationId, OperationKind, SettlementId};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::query::{Query, cursor, parse_cursor};
use crate::http::schema;
use crate::http::state::{Api, ApiState};
use crate::ports::settlement::{ItemPlace, ItemStatus};
use crate::services::settlement::{ItemFilter, ItemView};

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
    /// `unmatched` (all lines that did not match, the default), `missing_here`, `amount_differs`, `duplicate`, `contradicts`,
    /// `missing_there`: paid top-ups that no file has settled; `unrecorded`: completed recharges of `business_date`
    /// that the charging system's record does not tell of; `contradicting_evidence`: recharges whose outcome something that was
    /// received contradicts.
    state: Option<String>,
    /// Of `unrecorded`: the day.
    #[param(example = "2026-11-22")]
    business_date: Option<String>,
    /// How far it is: `open`, `proposed` or `resolved`.
    status: Option<String>,
    /// Only what this client looks after.
    #[param(example = "cli_01939f3e-7c00-7000-8000-00000000000b")]
    owner: Option<String>,
    /// Only what has waited for so many days; 0 to 400. 3 for `missing_there`, else 0, unless it is given.
    #[param(minimum = 0, maximum = 400)]
    older_than_days: Option<u32>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// A line of an acquirer that does not match, or a top-up that no line settled.
#[derive(Serialize, ToSchema)]
pub struct SettlementItem {
    /// By which it is given to somebody, and resolved.
    #[schema(example = "itm_01939f3e7c007000800000000000000a-17")]
    id: String,
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// The client that looks after it.
    #[schema(required, example = "cli_01939f3e-7c00-7000-8000-00000000000b")]
    owner: Option<String>,
    /// The resolution that was proposed last.
    #[schema(required, example = "rsn_01939f3e-7c00-7000-8000-00000000000c")]
    resolution_id: Option<String>,
    #[schema(example = "missing_here")]
    state: &'static str,
    #[schema(required, example = "simulator")]
    acquirer: Option<String>,
    /// The acquirer's own id.
    #[schema(required)]
    reference: Option<String>,
    /// `payment`, `refund`, `chargeback` or `chargeback_reversal`; of the charging system, `refill` or `not_refilled`.
    #[schema(example = "payment")]
    kind: &'static str,
    /// The file and the line; null for what is missing there.
    #[schema(required)]
    settlement_id: Option<String>,
    #[schema(required)]
    line: Option<i64>,
    #[schema(required)]
    topup_id: Option<String>,
    #[schema(required)]
    recharge_id: Option<String>,
    /// Of the line, or what was taken by our books.
    #[schema(example = "950.00")]
    gross: String,
    /// Of the charging system: what our own books have of it.
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
    let mut query =
        Query::read(&uri, &["state", "business_date", "status", "owner", "older_than_days", "limit", "cursor"])?;
    let side = query.get("state", side).unwrap_or(Side::Lines(None));
    let days = query.get("older_than_days", days);
    let owner = query.get("owner", ClientId::from_str);
    let status = query.get("status", |text| ItemStatus::from_name(text).ok_or("expected open, proposed or resolved"));
    let day = query.get("business_date", BusinessDay::from_str);
    let limit = query.limit();
    let (items, next_cursor) = match side {
        Side::Lines(state_of_line) => {
            let after = query.get("cursor", line_place);
            query.finish()?;
            let filter = ItemFilter { state: state_of_line, min_age_days: days.unwrap_or(0), owner, status };
            let (lines, more) = state.settlements.items(&filter, after, limit).await?;
            let last = lines.last().filter(|_| more).and_then(ItemView::place).map(|(day, file, number)| {
                let place = [day.0.to_be_bytes().as_slice(), file.uuid().as_bytes(), &number.to_be_bytes()].concat();
                cursor(AFTER_LINE, &place)
            });
            (lines, last)
        }
        Side::Recharges => {
            let after = query.get("cursor", topup_place);
            if !query.has("business_date") {
                query.refuse("business_date", "missing", "expected a date such as 2026-11-22");
            }
            query.finish()?;
            let day = day.ok_or_else(|| Problem::new(Code::InvalidQuery))?;
            let filter = ItemFilter { state: None, min_age_days: 0, owner, status };
            let bounds = state.reconciliation.calendar.bounds(day);
            let (recharges, last) = state.settlements.unrecorded(bounds, &filter, after, limit).await?;
            (recharges, last.map(|last| cursor(AFTER_TOPUP, last.uuid().as_bytes())))
        }
        Side::Contradicted => {
            let after = query.get("cursor", topup_place);
            query.finish()?;
            let filter = ItemFilter { state: None, min_age_days: 0, owner, status };
            let (recharges, last) = state.settlements.contradicted(&filter, after, limit).await?;
            (recharges, last.map(|last| cursor(AFTER_TOPUP, last.uuid().as_bytes())))
        }
        Side::Topups => {
            let after = query.get("cursor", topup_place);
            query.finish()?;
            let min_age_days = days.unwrap_or(SETTLED_WITHIN_DAYS);
            let filter = ItemFilter { state: None, min_age_days, owner, status };
            let (topups, last) = state.settlements.missing_there(&filter, after, limit).await?;
            (topups, last.map(|last| cursor(AFTER_TOPUP, last.uuid().as_bytes())))
        }
    };
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    let items = items.iter().map(|item| SettlementItem::of(&state, item)).collect();
    Ok((headers, Json(SettlementItems { items, next_cursor })).into_response())
}

/// An item as it stands now
#[utoipa::path(
    get, path = "/v1/settlement-items/{id}", operation_id = "get_settlement_item", tag = "settlement",
    params(("id" = String, Path, description = "Its id", example = "itm_01939f3e7c007000800000000000000a-17")),
    responses(
        (status = 200, description = "As it stands", body = SettlementItem),
        (status = 404, description = "Unknown", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_settlement_item(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<SettlementItem>, Problem> {
    let item = state.settlements.item(item_of(&id)?).await?;
    Ok(Json(SettlementItem::of(&state, &item)))
}

/// The id in a path.
pub(super) fn item_of(text: &str) -> Result<ItemId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::NotFound))
}

fn statuses() -> utoipa::openapi::schema::Object {
    schema::one_of(ItemStatus::ALL.map(ItemStatus::name))
}

impl SettlementItem {
    pub(super) fn of(api: &Api, view: &ItemView) -> Self {
        let money = |minor| Money::from_minor(minor, api.currency).to_string();
        let (file, line) = match view.item.id {
            ItemId::Line { file, number } => (Some(file.to_string()), Some(number)),
            ItemId::Topup(_) => (None, None),
        };
        let record = view.record.as_ref();
        let kind = if view.item.kind.is_money() { OperationKind::Topup } else { OperationKind::Recharge };
        let of_kind = |asked| view.topup.filter(|_| kind == asked).map(|id| kind.render(id));
        Self {
            id: view.item.id.to_string(),
            status: view.status.name(),
            owner: record.and_then(|record| record.owner.as_deref()).map(Into::into),
            resolution_id: record.and_then(ReconciliationItem::proposal).map(|id| OperationKind::Resolution.render(id)),
            state: view.state.map_or("missing_there", LineState::name),
            acquirer: Some(view.item.acquirer.to_string()),
            reference: view.reference.as_deref().map(Into::into),
            kind: view.item.kind.name(),
            settlement_id: file,
            line,
            topup_id: of_kind(OperationKind::Topup),
            recharge_id: of_kind(OperationKind::Recharge),
            gross: money(view.gross_minor),
            fee: money(view.fee_minor),
            currency: api.currency.code(),
            age_days: view.age_days,
        }
    }
}

/// Whose items are asked for.
enum Side {
    Lines(Option<LineState>),
    Topups,
    Recharges,
    Contradicted,
}

fn side(text: &str) -> Result<Side, &'static str> {
    match text {
        "unmatched" => Ok(Side::Lines(None)),
        "missing_there" => Ok(Side::Topups),
        "unrecorded" => Ok(Side::Recharges),
        "contradicting_evidence" => Ok(Side::Contradicted),
        _ => match LineState::from_name(text).filter(|state| *state != LineState::Matched) {
            Some(state) => Ok(Side::Lines(Some(state))),
            None => Err(
                "expected unmatched, missing_here, amount_differs, duplicate, contradicts, missing_there, unrecorded or contradicting_evidence",
            ),
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
