//! `POST /v1/webhook-endpoints/{id}/test`: an event that tells of nothing but the endpoint.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::value::to_raw_value;
use utoipa::ToSchema;

use super::deliveries::failures;
use super::shape::{WebhookEndpoint, endpoint_id};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::ports::SendFailure;
use crate::services::Caller;

/// What came of a test.
#[derive(Serialize, ToSchema)]
pub struct WebhookTest {
    #[schema(example = "evt_01939f3e-7c00-7000-8000-00000000002a")]
    event_id: String,
    /// Whether the answer's status was from 200 to 299.
    delivered: bool,
    /// HTTP status of the answer; null when there was none.
    #[schema(example = 204, required)]
    status: Option<u16>,
    /// Why there was none.
    #[schema(schema_with = failures, required)]
    failure: Option<&'static str>,
}

/// Send a test event
///
/// At once and once, of the type `webhook_endpoint.test`, whatever the endpoint asked for.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/test", operation_id = "test_webhook_endpoint", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint", example = "whe_01939f3e-7c00-7000-8000-000000000000")),
    responses(
        (status = 200, description = "What came of it", body = WebhookTest),
        (status = 404, description = "Unknown, or another client's", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "Its secret is good no longer", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn test_webhook_endpoint(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<WebhookTest>, Problem> {
    let data = |endpoint: &_| to_raw_value(&WebhookEndpoint::of(endpoint)).ok();
    let (event, sent) = state.webhooks.test(&caller, endpoint_id(&id)?, data).await?;
    Ok(Json(WebhookTest {
        event_id: event.to_string(),
        delivered: sent.is_ok_and(|status| (200..300).contains(&status)),
        status: sent.ok(),
        failure: sent.err().map(SendFailure::name),
    }))
}
