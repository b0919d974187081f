//! `/v1/webhook-endpoints/{id}`: one endpoint, its change and its end.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{DESCRIPTION, EVENT_TYPES, URL, WebhookEndpoint, description, endpoint_id, event_type, shown};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::precondition::IfMatch;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;
use crate::services::webhooks::EndpointChange;

/// What of an endpoint is to change.
pub struct EndpointChangeRequest(EndpointChange);

impl Readable for EndpointChangeRequest {
    const FIELDS: &'static [Field] = &[
        URL.optional(),
        EVENT_TYPES,
        DESCRIPTION,
        Field { card_checked: false, ..Field::flag("enabled", "Whether events are sent there.") },
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let change = EndpointChange {
            url: fields.text("url", |text| Ok::<_, &str>(text.to_owned())),
            event_types: fields.texts("event_types", event_type),
            description: fields.text("description", description),
            enabled: fields.has("enabled").then(|| fields.flag("enabled")),
        };
        fields.finish(Some(Self(change)))
    }
}

impl PartialSchema for EndpointChangeRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "What of an endpoint is to change; what is absent stays.").into()
    }
}

impl ToSchema for EndpointChangeRequest {}

/// An endpoint for events
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}", operation_id = "get_webhook_endpoint", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint", example = "whe_01939f3e-7c00-7000-8000-000000000000")),
    responses(
        (status = 200, description = "The endpoint", body = WebhookEndpoint, headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "Unknown, or another client's", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_webhook_endpoint(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(&state.webhooks.get(&caller, endpoint_id(&id)?).await?))
}

/// Change an endpoint for events
///
/// `enabled` takes one up again that is `gone` or `failing`: it goes on where it stopped. `If-Match` names the version
/// that was read.
#[utoipa::path(
    patch, path = "/v1/webhook-endpoints/{id}", operation_id = "change_webhook_endpoint", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint", example = "whe_01939f3e-7c00-7000-8000-000000000000"), ("If-Match" = String, Header, description = "The ETag of the version that is changed", example = "\"1\"")),
    request_body = EndpointChangeRequest,
    responses(
        (status = 200, description = "The endpoint as it stands now", body = WebhookEndpoint, headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or another client's", body = ProblemJson, content_type = "application/problem+json"),
        (status = 412, description = "If-Match names another version than the one that stands", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is missing", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn change_webhook_endpoint(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    IfMatch(expected): IfMatch,
    JsonBody(EndpointChangeRequest(change)): JsonBody<EndpointChangeRequest>,
) -> Result<Response, Problem> {
    Ok(shown(&state.webhooks.change(&caller, endpoint_id(&id)?, &expected, change).await?))
}

/// End an endpoint for events
///
/// For good: what was not sent to it is not sent any more.
#[utoipa::path(
    delete, path = "/v1/webhook-endpoints/{id}", operation_id = "delete_webhook_endpoint", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint", example = "whe_01939f3e-7c00-7000-8000-000000000000")),
    responses(
        (status = 204, description = "Ended"),
        (status = 404, description = "Unknown, or another client's", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn delete_webhook_endpoint(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    state.webhooks.delete(&caller, endpoint_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
