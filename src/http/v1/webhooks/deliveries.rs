//! `GET /v1/webhook-endpoints/{id}/deliveries`: what was sent there, and what came of it.

use axum::extract::{OriginalUri, Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::shape::endpoint_id;
use crate::domain::{EventId, EventType, Timestamp};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{PageParameters, Query, cursor, parse_cursor};
use crate::http::schema::one_of;
use crate::http::state::ApiState;
use crate::ports::{Attempt, AttemptOutcome, SendFailure};
use crate::services::Caller;

/// First byte of this list's cursors; time and event of the last item shown follow.
const AFTER: u8 = 151;

/// An attempt to deliver an event.
#[derive(Serialize, ToSchema)]
pub struct WebhookDelivery {
    #[schema(example = "evt_01939f3e-7c00-7003-8000-00000000002a")]
    event_id: String,
    #[schema(example = "recharge.completed", required)]
    event_type: Option<&'static str>,
    /// Of the event among those of its operation.
    #[schema(example = 42)]
    sequence: i64,
    #[schema(format = DateTime)]
    at: String,
    /// From 1; counted anew after a replay.
    #[schema(example = 1)]
    attempt: u32,
    /// `failed` is tried again at `next_at`; `gave_up` and `disabled` are not.
    #[schema(schema_with = outcomes)]
    outcome: &'static str,
    /// HTTP status of the answer; null when there was none.
    #[schema(example = 204, required)]
    status: Option<u16>,
    /// Why there was none.
    #[schema(schema_with = failures, required)]
    failure: Option<&'static str>,
    #[schema(example = 57)]
    duration_ms: i64,
    #[schema(required, format = DateTime)]
    next_at: Option<String>,
}

fn outcomes() -> utoipa::openapi::schema::Object {
    one_of(AttemptOutcome::ALL.map(AttemptOutcome::name))
}

/// Why there was no answer.
pub fn failures() -> utoipa::openapi::schema::Object {
    one_of(SendFailure::ALL.map(SendFailure::name))
}

impl From<&Attempt> for WebhookDelivery {
    fn from(attempt: &Attempt) -> Self {
        Self {
            event_id: attempt.event.to_string(),
            event_type: EventType::of(attempt.kind).map(EventType::name),
            sequence: attempt.event.sequence,
            at: attempt.at.to_string(),
            attempt: attempt.number,
            outcome: attempt.outcome.name(),
            status: attempt.status,
            failure: attempt.failure.map(SendFailure::name),
            duration_ms: attempt.duration_ms,
            next_at: attempt.next_at.map(|at| at.to_string()),
        }
    }
}

/// A page of the delivery log.
#[derive(Serialize, ToSchema)]
pub struct WebhookDeliveryList {
    items: Vec<WebhookDelivery>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The delivery log of an endpoint
///
/// Every attempt of the last weeks, newest first.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}/deliveries", operation_id = "list_webhook_deliveries", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint", example = "whe_01939f3e-7c00-7000-8000-000000000000"), PageParameters),
    responses(
        (status = 200, description = "A page", body = WebhookDeliveryList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or another client's", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_webhook_deliveries(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let (query, after, limit) = Query::page(&uri, place)?;
    let (attempts, more) = state.webhooks.deliveries(&caller, endpoint_id(&id)?, after, limit).await?;
    let items = attempts.iter().map(WebhookDelivery::from).collect();
    let last = attempts.last().filter(|_| more);
    let next_cursor = last.map(|last| cursor(AFTER, format!("{} {}", last.at.unix_ms(), last.event).as_bytes()));
    let headers = query.page_headers(uri.path(), next_cursor.as_deref());
    Ok((headers, Json(WebhookDeliveryList { items, next_cursor })).into_response())
}

fn place(text: &str) -> Result<(Timestamp, EventId), &'static str> {
    let (kind, place) = parse_cursor(text)?;
    let read = || {
        let place = String::from_utf8(place).ok().filter(|_| kind == AFTER)?;
        let (at, event) = place.split_once(' ')?;
        Some((Timestamp::from_unix_ms(at.parse().ok()?), event.parse().ok()?))
    };
    read().ok_or("expected a cursor of an earlier page")
}
