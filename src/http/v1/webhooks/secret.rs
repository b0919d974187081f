//! `POST /v1/webhook-endpoints/{id}/secret`: a new secret.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::shape::{WebhookEndpointWithSecret, endpoint_id};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

/// Make a new secret
///
/// It signs from now on and is shown this once. The one before signs as well until `previous_secret_until`, so every
/// event has two signatures for that time.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/secret", operation_id = "rotate_webhook_secret", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint", example = "whe_01939f3e-7c00-7000-8000-000000000000")),
    responses(
        (status = 200, description = "The endpoint with its new secret", body = WebhookEndpointWithSecret),
        (status = 404, description = "Unknown, or another client's", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn rotate_webhook_secret(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<WebhookEndpointWithSecret>, Problem> {
    let (endpoint, secret) = state.webhooks.rotate(&caller, endpoint_id(&id)?).await?;
    Ok(Json(WebhookEndpointWithSecret::of(&endpoint, &secret)))
}
