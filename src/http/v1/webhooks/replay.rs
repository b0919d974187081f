//! `POST /v1/webhook-endpoints/{id}/replay`: what was recorded since a time is sent once more.

use std::str::FromStr;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::endpoint_id;
use crate::domain::{EventId, Timestamp};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;
use crate::services::webhooks::ReplayFrom;

/// Where a replay begins.
pub struct ReplayRequest(ReplayFrom);

impl Readable for ReplayRequest {
    const FIELDS: &'static [Field] = &[
        Field::text("from", 64, "All that was recorded from then on.", "2026-11-22T08:30:00.000Z").optional(),
        Field::text(
            "event_id",
            64,
            "The same, from the time of this event.",
            "evt_01939f3e-7c00-7003-8000-00000000002a",
        )
        .optional(),
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let from = fields.text("from", Timestamp::parse).map(ReplayFrom::Time);
        let event = fields.text("event_id", EventId::from_str).map(ReplayFrom::Event);
        match (fields.has("from"), fields.has("event_id")) {
            (false, false) => fields.demand("from", "expected from or event_id"),
            (true, true) => fields.refuse("event_id", "expected from or event_id, not both"),
            _ => {}
        }
        fields.finish(from.or(event).map(Self))
    }
}

impl PartialSchema for ReplayRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Where a replay begins: a time, or an event.").into()
    }
}

impl ToSchema for ReplayRequest {}

/// What is sent again.
#[derive(Serialize, ToSchema)]
pub struct Replay {
    /// What was recorded from then on.
    #[schema(format = DateTime)]
    from: String,
}

/// Send events once more
///
/// All that the endpoint wants of the log from a time on, or from the time of an event, with their first ids, in the
/// order of the log; what is new follows. At most 31 days back.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/replay", operation_id = "replay_webhook_events", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint", example = "whe_01939f3e-7c00-7000-8000-000000000000")),
    request_body = ReplayRequest,
    responses(
        (status = 200, description = "They are on their way", body = Replay),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The endpoint is unknown or another client's, or the event is unknown", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn replay_webhook_events(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(ReplayRequest(from)): JsonBody<ReplayRequest>,
) -> Result<Json<Replay>, Problem> {
    let from = state.webhooks.replay(&caller, endpoint_id(&id)?, from).await?;
    Ok(Json(Replay { from: from.to_string() }))
}
