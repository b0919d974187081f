//! `GET /v1/resellers`: resellers, newest first.

use std::str::FromStr;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::shape::Reseller;
use crate::domain::{LevelName, ResellerCode, ResellerId, Standing};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{Query, cursor, parse_cursor};
use crate::http::schema;
use crate::http::state::ApiState;
use crate::services::Caller;
use crate::services::network::MemberFilter;

const PATH: &str = "/v1/resellers";
/// First byte of this list's cursors; the id of the last item shown follows.
const AFTER: u8 = 20;

/// The filters, as they are documented; [`filter`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct ResellerListParameters {
    /// Only the direct children of this reseller.
    parent_id: Option<String>,
    /// Only the one with this code.
    code: Option<String>,
    level: Option<String>,
    #[param(schema_with = schema::standing)]
    standing: Option<String>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// A page of resellers.
#[derive(Serialize, ToSchema)]
pub struct ResellerList {
    items: Vec<Reseller>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Resellers, newest first
///
/// Those of the caller's subtrees. The next page is in `next_cursor` and in `Link`.
#[utoipa::path(
    get, path = "/v1/resellers", operation_id = "list_resellers", tag = "network",
    params(ResellerListParameters),
    responses(
        (status = 200, description = "A page", body = ResellerList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The parent is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_resellers(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["parent_id", "code", "level", "standing", "limit", "cursor"])?;
    let filter = filter(&mut query)?;
    let page = state.network.list(&caller, filter).await?;
    let items = page.items.iter().map(Reseller::from).collect();
    let next_cursor = page.next.map(|last| cursor(AFTER, last.uuid().as_bytes()));
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    Ok((headers, Json(ResellerList { items, next_cursor })).into_response())
}

fn filter(query: &mut Query) -> Result<MemberFilter, Problem> {
    let filter = MemberFilter {
        parent: query.get("parent_id", ResellerId::from_str),
        code: query.get("code", ResellerCode::from_str),
        level: query.get("level", LevelName::from_str),
        standing: query.get("standing", |text| Standing::from_name(text).ok_or("expected active, suspended or closed")),
        after: query.get("cursor", place),
        limit: query.limit(),
    };
    query.finish()?;
    Ok(filter)
}

fn place(text: &str) -> Result<ResellerId, &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    match parse_cursor(text)? {
        (AFTER, place) => uuid::Uuid::from_slice(&place).map(ResellerId::from_uuid).map_err(|_| EXPECTED),
        _ => Err(EXPECTED),
    }
}
