//! `GET /v1/terminals`: the terminals at a reseller.

use std::str::FromStr;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::shape::TerminalJson;
use crate::domain::{ResellerId, TerminalId};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{Query, cursor, parse_cursor};
use crate::http::state::ApiState;
use crate::services::Caller;

const PATH: &str = "/v1/terminals";
/// First byte of this list's cursors; the name of the last item shown follows.
const AFTER: u8 = 21;

/// The filters, as they are documented.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct TerminalListParameters {
    /// Where they stand.
    reseller_id: String,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// A page of terminals.
#[derive(Serialize, ToSchema)]
pub struct TerminalList {
    items: Vec<TerminalJson>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Terminals at a reseller
///
/// Those of the caller's partner, by their names. The next page is in `next_cursor` and in `Link`.
#[utoipa::path(
    get, path = "/v1/terminals", operation_id = "list_terminals", tag = "network",
    params(TerminalListParameters),
    responses(
        (status = 200, description = "A page", body = TerminalList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is missing, unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_terminals(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["reseller_id", "limit", "cursor"])?;
    let reseller = query.get("reseller_id", ResellerId::from_str);
    let (after, limit) = (query.get("cursor", place), query.limit());
    if !query.has("reseller_id") {
        query.refuse("reseller_id", "missing", "terminals are listed per reseller");
    }
    query.finish()?;
    let reseller = reseller.expect("it is there and was read");
    let page = state.terminals.list(&caller, reseller, after, limit).await?;
    let items = page.items.iter().map(TerminalJson::from).collect();
    let next_cursor = page.next.map(|last| cursor(AFTER, last.as_str().as_bytes()));
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    Ok((headers, Json(TerminalList { items, next_cursor })).into_response())
}

fn place(text: &str) -> Result<TerminalId, &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    match parse_cursor(text)? {
        (AFTER, place) => String::from_utf8(place).ok().and_then(|name| name.parse().ok()).ok_or(EXPECTED),
        _ => Err(EXPECTED),
    }
}
