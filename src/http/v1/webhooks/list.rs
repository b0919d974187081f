//! `GET /v1/webhook-endpoints`: the endpoints of the client.

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shape::WebhookEndpoint;
use crate::domain::WebhookId;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{PageParameters, Query, cursor, parse_cursor};
use crate::http::state::ApiState;
use crate::services::Caller;

/// First byte of this list's cursors; the id of the last item shown follows.
const AFTER: u8 = 150;

/// A page of endpoints.
#[derive(Serialize, ToSchema)]
pub struct WebhookEndpointList {
    items: Vec<WebhookEndpoint>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Endpoints for events
///
/// Those of the client, newest first.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints", operation_id = "list_webhook_endpoints", tag = "webhooks",
    params(PageParameters),
    responses(
        (status = 200, description = "A page", body = WebhookEndpointList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_webhook_endpoints(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let (query, after, limit) = Query::page(&uri, place)?;
    let limit = limit as usize;
    let mut endpoints = state.webhooks.list(&caller).await?;
    endpoints.retain(|endpoint| after.is_none_or(|after| endpoint.id < after));
    endpoints.sort_by_key(|endpoint| std::cmp::Reverse(endpoint.id));
    let more = endpoints.len() > limit;
    endpoints.truncate(limit);
    let last = endpoints.last().filter(|_| more);
    let next_cursor = last.map(|last| cursor(AFTER, last.id.uuid().as_bytes()));
    let items = endpoints.iter().map(WebhookEndpoint::of).collect();
    let headers = query.page_headers(uri.path(), next_cursor.as_deref());
    Ok((headers, Json(WebhookEndpointList { items, next_cursor })).into_response())
}

fn place(text: &str) -> Result<WebhookId, &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    match parse_cursor(text)? {
        (AFTER, place) => Uuid::from_slice(&place).map(WebhookId::from_uuid).map_err(|_| EXPECTED),
        _ => Err(EXPECTED),
    }
}
