//! `POST /v1/charging-systems/{name}/events`: what a charging system tells by itself.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};

use crate::domain::SystemName;
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::recharges::Heard;

/// No event is larger.
const MAX_BYTES: usize = 64 * 1024;
/// Nobody keeps us waiting longer.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// Take an event of a charging system
///
/// Without a token of ours: the secret that the charging system was configured with, as a bearer token or as the password
/// of HTTP Basic, says whose it is. It ends doubt about a recharge, and changes nothing that has an outcome.
#[utoipa::path(
    post, path = "/v1/charging-systems/{name}/events", operation_id = "tell_charging_event", tag = "recharges",
    params(("name" = String, Path, description = "The charging system's name in the configuration", example = "main")),
    request_body(description = "In the charging system's own form", content((Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 204, description = "Taken, or of no interest"),
        (status = 400, description = "It cannot be read", body = ProblemJson, content_type = "application/problem+json"),
        (status = 401, description = "It does not carry the secret", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "There is no charging system of the name that tells anything", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 64 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 503, description = "It could not be written down: to be sent again", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn tell_charging_event(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::new(Code::NotFound);
    let name: SystemName = name.parse().map_err(|_| unknown())?;
    let (parts, body) = request.into_parts();
    let body = tokio::time::timeout(ARRIVES_WITHIN, to_bytes(body, MAX_BYTES)).await;
    let body = body.map_err(|_| Problem::new(Code::InvalidRequest).detail("the body did not arrive in time"))?;
    let body = body.map_err(|_| Problem::new(Code::PayloadTooLarge).detail("the body is larger than 64 KiB"))?;
    let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match state.recharges.hear(name, authorization.unwrap_or_default(), &body).await.ok_or_else(unknown)? {
        Heard::Taken | Heard::Irrelevant => Ok(StatusCode::NO_CONTENT),
        Heard::Unsigned => Err(Problem::new(Code::Unauthenticated)),
        Heard::Unreadable => Err(Problem::new(Code::InvalidRequest).detail("the event cannot be read")),
        Heard::Later => Err(Problem::retry_after(Code::Unavailable, 1)),
    }
}
