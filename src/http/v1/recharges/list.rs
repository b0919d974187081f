//! `GET /v1/recharges`: recharges, newest first.

use std::str::FromStr;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::shape::Recharge;
use crate::domain::{ExternalId, ResellerId, Status, Timestamp};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::Query;
use crate::http::schema;
use crate::http::state::ApiState;
use crate::http::v1::operations::{cursor_after, place, status_of};
use crate::services::{Caller, RechargeFilter};

const PATH: &str = "/v1/recharges";
/// First byte of this list's cursors; the id of the last item shown follows.
const AFTER: u8 = 1;
const MAX_MSISDN_PERIOD_MS: i64 = 31 * 24 * 60 * 60 * 1_000;

/// The filters, as they are documented; [`filter`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct ListParameters {
    /// Only those of this reseller.
    reseller_id: Option<String>,
    /// Only the one with this key; needs `reseller_id`.
    external_id: Option<String>,
    /// Only those for this number; needs `from` and `to`, at most 31 days apart.
    msisdn: Option<String>,
    #[param(schema_with = schema::status)]
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

/// A page of recharges.
#[derive(Serialize, ToSchema)]
pub struct RechargeList {
    items: Vec<Recharge>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Recharges, newest first
///
/// Those of the caller's subtrees, tombstones included. The next page is in `next_cursor` and in `Link`.
#[utoipa::path(
    get, path = "/v1/recharges", operation_id = "list_recharges", tag = "recharges",
    params(ListParameters),
    responses(
        (status = 200, description = "A page", body = RechargeList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown, has a bad value or lacks its companion", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_recharges(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let known = ["reseller_id", "external_id", "msisdn", "status", "from", "to", "limit", "cursor"];
    let mut query = Query::read(&uri, &known)?;
    let filter = filter(&mut query, &state)?;
    let page = state.recharges.list(&caller, filter).await?;
    let catalogue = state.catalogues.of(&page.items.iter().collect::<Vec<_>>()).await;
    let items = page.items.iter().map(|operation| Recharge::of(&state, operation, &catalogue)).collect();
    let next_cursor = page.next.map(|last| cursor_after(AFTER, last));
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    Ok((headers, Json(RechargeList { items, next_cursor })).into_response())
}

fn filter(query: &mut Query, state: &ApiState) -> Result<RechargeFilter, Problem> {
    let filter = RechargeFilter {
        reseller: query.get("reseller_id", ResellerId::from_str),
        external_id: query.get("external_id", ExternalId::from_str),
        msisdn: query.get("msisdn", |text| state.numbering.parse(text)),
        status: query.get("status", |text| status_of(text, &Status::OF_RECHARGES)),
        from: query.get("from", Timestamp::parse),
        to: query.get("to", Timestamp::parse),
        after: query.get("cursor", |text| place(text, AFTER)),
        limit: query.limit(),
    };
    if query.has("external_id") && !query.has("reseller_id") {
        query.refuse("reseller_id", "missing", "external_id is unique within a reseller only");
    }
    if query.has("msisdn") {
        for name in ["from", "to"] {
            if !query.has(name) {
                query.refuse(name, "missing", "msisdn needs a period of at most 31 days");
            }
        }
    }
    if let (Some(from), Some(to)) = (filter.from, filter.to) {
        if to < from {
            query.refuse("to", "invalid", "expected a time after from");
        } else if filter.msisdn.is_some() && to.since_ms(from) > MAX_MSISDN_PERIOD_MS {
            query.refuse("to", "invalid", "expected at most 31 days after from");
        }
    }
    query.finish()?;
    Ok(filter)
}
