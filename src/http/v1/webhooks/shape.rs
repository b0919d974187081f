//! An endpoint as the API shows it, and what names it in a path.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::records::EndpointState;
use crate::domain::{EventType, Reason, Timestamp, WebhookId};
use crate::http::body::Field;
use crate::http::precondition::etag;
use crate::http::problem::{Code, Problem};
use crate::http::schema::one_of;
use crate::services::webhooks::Endpoint;

pub const URL: Field = Field::text(
    "url",
    500,
    "Where events are posted: https, a host of the public Internet, no user and no fragment.",
    "https://bank.example/taabia-events",
);
pub const EVENT_TYPES: Field = Field::choices(
    "event_types",
    event_types,
    "What is told; all that the client may read when there are none.",
    "recharge.completed",
);
pub const DESCRIPTION: Field = Field::text("description", 200, "For people.", "back office").optional();

pub fn event_types() -> Vec<&'static str> {
    EventType::subscribable().map(EventType::name).collect()
}

fn statuses() -> utoipa::openapi::schema::Object {
    one_of(EndpointState::ALL.into_iter().filter(|state| *state != EndpointState::Deleted).map(EndpointState::name))
}

/// # Errors
/// What was expected.
pub fn event_type(text: &str) -> Result<EventType, &'static str> {
    EventType::subscribable().find(|event| event.name() == text).ok_or("expected types of events")
}

/// # Errors
/// What was expected.
pub fn description(text: &str) -> Result<String, &'static str> {
    text.parse().map(|text: Reason| text.to_string())
}

/// # Errors
/// `404`, as for an unknown one.
pub fn endpoint_id(text: &str) -> Result<WebhookId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::NotFound))
}

/// An endpoint for events.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookEndpoint {
    #[schema(example = "whe_01939f3e-7c00-7000-8000-000000000000")]
    id: String,
    #[schema(example = "https://bank.example/taabia-events")]
    url: String,
    /// Empty: all that the client may read.
    #[schema(example = json!(["recharge.completed", "recharge.declined"]))]
    event_types: Vec<String>,
    #[schema(required, example = "back office")]
    description: Option<String>,
    /// `disabled` by the partner; `gone`: it answered 410; `failing`: nothing came through for three days.
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// Until then the secret before the present one signs as well; null when there is none.
    #[schema(required, format = DateTime)]
    previous_secret_until: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

/// An endpoint with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct WebhookEndpointWithSecret {
    #[serde(flatten)]
    endpoint: WebhookEndpoint,
    /// As Standard Webhooks writes secrets. Keep it; it is not shown again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

impl WebhookEndpoint {
    #[must_use]
    pub fn of(endpoint: &Endpoint) -> Self {
        let body = &endpoint.body;
        Self {
            id: endpoint.id.to_string(),
            url: body.url.clone(),
            event_types: body.event_types.clone(),
            description: body.description.clone(),
            status: body.state.name(),
            previous_secret_until: body.previous_until_ms.map(|ms| Timestamp::from_unix_ms(ms).to_string()),
            created_at: endpoint.created_at().to_string(),
        }
    }
}

impl WebhookEndpointWithSecret {
    #[must_use]
    pub fn of(endpoint: &Endpoint, secret: &SecretString) -> Self {
        Self { endpoint: WebhookEndpoint::of(endpoint), secret: secret.expose_secret().to_owned() }
    }
}

/// With its version.
#[must_use]
pub fn shown(endpoint: &Endpoint) -> Response {
    ([(header::ETAG, etag(endpoint.version))], Json(WebhookEndpoint::of(endpoint))).into_response()
}
