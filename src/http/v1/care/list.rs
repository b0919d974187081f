//! `GET /v1/cases`: cases, newest first.

use std::str::FromStr as _;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::shape::Case;
use crate::domain::care_case::CaseStatus;
use crate::domain::{ClientId, RecordId, Timestamp};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{Query, cursor, parse_cursor};
use crate::http::state::ApiState;
use crate::services::Caller;
use crate::services::care::CaseFilter;

const PATH: &str = "/v1/cases";
/// First byte of this list's cursors; time of opening and id of the last case shown follow.
const AFTER: u8 = 131;

/// The filters, as they are documented.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct CaseParameters {
    /// `open`, `in_progress` or `closed`.
    status: Option<String>,
    /// Only those that this API client looks after.
    owner: Option<String>,
    /// `true`: only those that nobody called back in time.
    overdue: Option<bool>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// A page of cases.
#[derive(Serialize, ToSchema)]
pub struct CaseList {
    items: Vec<Case>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Cases, newest first
///
/// Those about resellers of the caller's subtrees, and those of its own partner about none.
#[utoipa::path(
    get, path = "/v1/cases", operation_id = "list_cases", tag = "care",
    params(CaseParameters),
    responses(
        (status = 200, description = "A page", body = CaseList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_cases(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["status", "owner", "overdue", "limit", "cursor"])?;
    let filter = CaseFilter {
        status: query.get("status", |text| CaseStatus::from_name(text).ok_or("expected open, in_progress or closed")),
        owner: query.get("owner", ClientId::from_str),
        overdue: query.get("overdue", bool::from_str).unwrap_or(false),
        after: query.get("cursor", place),
        limit: query.limit(),
    };
    query.finish()?;
    let (cases, more) = state.care.cases(&caller, filter).await?;
    let next_cursor = cases.last().filter(|_| more).map(|last| {
        let (at, id) = last.place();
        cursor(AFTER, format!("{} {id}", at.unix_ms()).as_bytes())
    });
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    Ok((headers, Json(CaseList { items: cases.iter().map(Case::from).collect(), next_cursor })).into_response())
}

fn place(text: &str) -> Result<(Timestamp, RecordId), &'static str> {
    let (kind, place) = parse_cursor(text)?;
    let read = || {
        let place = String::from_utf8(place).ok().filter(|_| kind == AFTER)?;
        let (at, id) = place.split_once(' ')?;
        Some((Timestamp::from_unix_ms(at.parse().ok()?), id.parse().ok()?))
    };
    read().ok_or("expected a cursor of an earlier page")
}
