//! `POST /v1/webhook-endpoints`: a new endpoint.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{DESCRIPTION, EVENT_TYPES, URL, WebhookEndpointWithSecret, description, event_type};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::precondition::etag;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;
use crate::services::webhooks::NewEndpoint;

/// Where somebody wants to be told of events.
pub struct EndpointRequest(NewEndpoint);

impl Readable for EndpointRequest {
    const FIELDS: &'static [Field] = &[URL, EVENT_TYPES, DESCRIPTION];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let url = fields.text("url", |text| Ok::<_, &str>(text.to_owned()));
        let event_types = fields.texts("event_types", event_type).unwrap_or_default();
        let description = fields.text("description", description);
        fields.finish(url.map(|url| Self(NewEndpoint { url, event_types, description })))
    }
}

impl PartialSchema for EndpointRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Where somebody wants to be told of events.").into()
    }
}

impl ToSchema for EndpointRequest {}

/// Register an endpoint for events
///
/// It belongs to the client that registers it and is told what this client may read. Events are posted there as
/// Standard Webhooks, signed by the secret of the answer, which is shown this once.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints", operation_id = "create_webhook_endpoint", tag = "webhooks",
    request_body = EndpointRequest,
    responses(
        (status = 201, description = "Registered", body = WebhookEndpointWithSecret, headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Where it is"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The client has as many as it may have", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_webhook_endpoint(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(EndpointRequest(new)): JsonBody<EndpointRequest>,
) -> Result<Response, Problem> {
    let (endpoint, secret) = state.webhooks.register(&caller, new).await?;
    let place = HeaderValue::from_str(&format!("/v1/webhook-endpoints/{}", endpoint.id)).expect("ids are ASCII");
    let headers = [(header::LOCATION, place), (header::ETAG, etag(endpoint.version))];
    Ok((StatusCode::CREATED, headers, Json(WebhookEndpointWithSecret::of(&endpoint, &secret))).into_response())
}
