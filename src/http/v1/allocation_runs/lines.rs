//! `GET /v1/allocation-runs/{id}/lines`.

use axum::Json;
use axum::extract::{OriginalUri, Path, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::shape::RunLine;
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::query::{Query, cursor, parse_cursor};
use crate::http::state::ApiState;
use crate::services::allocations::parse_run_id;

/// What a cursor of this list begins with.
const AFTER: u8 = 7;

/// A page of the lines of a run, in the order in which they were sent.
#[derive(Serialize, ToSchema)]
pub struct RunLines {
    items: Vec<RunLine>,
    /// For the next page; null at the end.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The lines of a run
///
/// In the order in which they were sent, each with what became of it.
#[utoipa::path(
    get, path = "/v1/allocation-runs/{id}/lines", operation_id = "list_allocation_run_lines", tag = "stock",
    params(
        ("id" = String, Path, description = "The run", example = "run_01939f3e-7c00-7000-8000-000000000000"),
        ("limit" = Option<u32>, Query, description = "1 to 200, 50 by default"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = RunLines, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_allocation_run_lines(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["limit", "cursor"])?;
    let limit = query.limit();
    let after = query.get("cursor", place).unwrap_or(0);
    query.finish()?;
    let id = parse_run_id(&id).ok_or_else(|| Problem::new(Code::NotFound))?;
    let (lines, next, status) = state.allocations.run_lines(id, after, limit).await?;
    let items = lines.iter().map(|line| RunLine::of(&state, line, status)).collect();
    let next_cursor = next.map(|number| cursor(AFTER, &number.to_be_bytes()));
    let headers = query.page_headers(uri.path(), next_cursor.as_deref());
    Ok((headers, Json(RunLines { items, next_cursor })).into_response())
}

fn place(text: &str) -> Result<i64, &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    match parse_cursor(text)? {
        (AFTER, place) => place.try_into().map(i64::from_be_bytes).map_err(|_| EXPECTED),
        _ => Err(EXPECTED),
    }
}
