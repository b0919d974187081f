//! `GET /v1/business-days`: which business days are closed, newest first.

use std::str::FromStr;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::BusinessDay;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{PageParameters, Query, cursor, parse_cursor};
use crate::http::state::ApiState;
use crate::services::business_days::Day;

const PATH: &str = "/v1/business-days";
/// First byte of this list's cursors; the date of the last item shown follows.
const AFTER: u8 = 4;

/// A business day in the operator's time zone.
#[derive(Serialize, ToSchema)]
#[schema(as = BusinessDay)]
pub struct BusinessDayJson {
    #[schema(example = "2026-11-22", format = Date)]
    business_date: String,
    #[schema(example = "2026-11-21T23:00:00.000Z", format = DateTime)]
    begins_at: String,
    /// The next day begins then.
    #[schema(example = "2026-11-22T23:00:00.000Z", format = DateTime)]
    ends_at: String,
    /// Nothing is recorded for it any more: its balances are final.
    closed: bool,
    /// Null while it is open.
    #[schema(example = "2026-11-22T23:00:00.120Z", format = DateTime, required)]
    closed_at: Option<String>,
}

/// A page of business days.
#[derive(Serialize, ToSchema)]
pub struct BusinessDayList {
    items: Vec<BusinessDayJson>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

impl From<&Day> for BusinessDayJson {
    fn from(day: &Day) -> Self {
        Self {
            business_date: day.day.to_string(),
            begins_at: day.begins_at.to_string(),
            ends_at: day.ends_at.to_string(),
            closed: day.is_closed,
            closed_at: day.closed_at.filter(|_| day.is_closed).map(|at| at.to_string()),
        }
    }
}

/// Business days, newest first
///
/// From today back to the first that was closed.
#[utoipa::path(
    get, path = "/v1/business-days", operation_id = "list_business_days", tag = "stock",
    params(PageParameters),
    responses(
        (status = 200, description = "A page", body = BusinessDayList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_business_days(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let (query, before, limit) = Query::page(&uri, place)?;
    let mut days = state.business_days.list(before, limit + 1).await?;
    let more = days.len() > limit as usize;
    days.truncate(limit as usize);
    let next_cursor = days.last().filter(|_| more).map(|last| cursor(AFTER, last.day.to_string().as_bytes()));
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    let items = days.iter().map(BusinessDayJson::from).collect();
    Ok((headers, Json(BusinessDayList { items, next_cursor })).into_response())
}

fn place(text: &str) -> Result<BusinessDay, &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    let (kind, date) = parse_cursor(text)?;
    let date = std::str::from_utf8(&date).map_err(|_| EXPECTED)?;
    if kind == AFTER { BusinessDay::from_str(date).map_err(|_| EXPECTED) } else { Err(EXPECTED) }
}
