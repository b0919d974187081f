//! `GET /v1/topups`: a page of top-ups, newest first.

use std::str::FromStr;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::shape::{Topup, statuses};
use crate::domain::{ExternalId, OperationId, ResellerId, Status, Timestamp};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{Query, cursor, parse_cursor};
use crate::http::state::ApiState;
use crate::services::Caller;
use crate::services::topups::TopupFilter;

const PATH: &str = "/v1/topups";
/// First byte of this list's cursors; the id of the last item shown follows.
const AFTER: u8 = 90;

/// The filters, as they are documented; [`filter`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct ListParameters {
    /// Only those of this reseller.
    reseller_id: Option<String>,
    /// Only the one with this key; needs `reseller_id`.
    external_id: Option<String>,
    #[param(schema_with = statuses)]
    status: Option<String>,
    /// Created at or after this time (RFC 3339).
    from: Option<String>,
    /// Created before this time (RFC 3339).
    to: Option<String>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// A page of top-ups.
#[derive(Serialize, ToSchema)]
pub struct TopupList {
    items: Vec<Topup>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Top-ups, newest first
///
/// Those of the caller's subtrees. The next page is in `next_cursor` and in `Link`.
#[utoipa::path(
    get, path = "/v1/topups", operation_id = "list_topups", tag = "topups",
    params(ListParameters),
    responses(
        (status = 200, description = "A page", body = TopupList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown, has a bad value or lacks its companion", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_topups(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["reseller_id", "external_id", "status", "from", "to", "limit", "cursor"])?;
    let page = state.topups.list(&caller, filter(&mut query)?).await?;
    let items = page.items.iter().map(|operation| Topup::of(&state, operation)).collect::<Result<_, _>>()?;
    let next_cursor = page.next.map(|last| cursor(AFTER, last.uuid().as_bytes()));
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    Ok((headers, Json(TopupList { items, next_cursor })).into_response())
}

fn filter(query: &mut Query) -> Result<TopupFilter, Problem> {
    let filter = TopupFilter {
        reseller: query.get("reseller_id", ResellerId::from_str),
        external_id: query.get("external_id", ExternalId::from_str),
        status: query.get("status", status),
        from: query.get("from", Timestamp::parse),
        to: query.get("to", Timestamp::parse),
        after: query.get("cursor", place),
        limit: query.limit(),
    };
    if query.has("external_id") && !query.has("reseller_id") {
        query.refuse("reseller_id", "missing", "external_id is unique within a reseller only");
    }
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && to < from
    {
        query.refuse("to", "invalid", "expected a time after from");
    }
    query.finish()?;
    Ok(filter)
}

fn status(text: &str) -> Result<Status, &'static str> {
    let found = Status::OF_TOPUPS.into_iter().find(|status| status.name() == text);
    found.ok_or("expected one of the statuses")
}

fn place(text: &str) -> Result<OperationId, &'static str> {
    match parse_cursor(text)? {
        (AFTER, place) => uuid::Uuid::from_slice(&place).map(OperationId::from_uuid).map_err(|_| "expected a cursor"),
        _ => Err("expected a cursor of an earlier page"),
    }
}
