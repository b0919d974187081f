//! `GET /v1/topups`: a page of top-ups, newest first.

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::shape::{Topup, statuses};
use crate::domain::Status;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::Query;
use crate::http::state::ApiState;
use crate::http::v1::operations;
use crate::services::Caller;

const PATH: &str = "/v1/topups";
/// First byte of this list's cursors; the id of the last item shown follows.
const AFTER: u8 = 90;

/// The filters, as they are documented; [`operations::filter`] reads them.
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
    let mut query = Query::read(&uri, &operations::PARAMETERS)?;
    let filter = operations::filter(&mut query, &Status::OF_TOPUPS, AFTER, "reseller")?;
    let page = state.topups.list(&caller, filter).await?;
    let items = page.items.iter().map(|operation| Topup::of(&state, operation)).collect::<Result<_, _>>()?;
    let next_cursor = page.next.map(|last| operations::cursor_after(AFTER, last));
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    Ok((headers, Json(TopupList { items, next_cursor })).into_response())
}
