//! `GET /v1/recharges/{id}/reversals`: a page of the reversals of a recharge, newest first.

use axum::extract::{OriginalUri, Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::shape::ReversalJson;
use crate::domain::OperationKind;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{PageParameters, Query};
use crate::http::state::ApiState;
use crate::http::v1::operations;
use crate::services::Caller;

/// First byte of this list's cursors; the id of the last item shown follows.
const AFTER: u8 = 140;

/// A page of reversals.
#[derive(Serialize, ToSchema)]
pub struct ReversalList {
    items: Vec<ReversalJson>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Reversals of a recharge, newest first
#[utoipa::path(
    get, path = "/v1/recharges/{id}/reversals", operation_id = "list_reversals", tag = "recharges",
    params(("id" = String, Path, description = "The recharge", example = "rch_01939f3e-7c00-7000-8000-000000000001"), PageParameters),
    responses(
        (status = 200, description = "A page", body = ReversalList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_reversals(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let (query, after, limit) = Query::page(&uri, |text| operations::place(text, AFTER))?;
    let page = state.reversals.list(&caller, operations::id_of(&id, OperationKind::Recharge)?, after, limit).await?;
    let items = page.items.iter().map(|operation| ReversalJson::of(&state, operation)).collect::<Result<_, _>>()?;
    let next_cursor = page.next.map(|last| operations::cursor_after(AFTER, last));
    let headers = query.page_headers(uri.path(), next_cursor.as_deref());
    Ok((headers, Json(ReversalList { items, next_cursor })).into_response())
}
