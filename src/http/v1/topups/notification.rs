//! `POST /v1/acquirers/{name}/notifications`: what an acquirer tells by itself.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::acquiring::AcquirerName;
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::state::ApiState;

/// No acquirer says more at once.
const MAX_BYTES: usize = 256 * 1024;
/// Nobody keeps us waiting longer.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// Take a notification of an acquirer
///
/// Without a token: the acquirer's signature over the raw body says whose it is. The answer has the acquirer's own
/// form. What could not be written down is answered so that it is sent again.
#[utoipa::path(
    post, path = "/v1/acquirers/{name}/notifications", operation_id = "notify_acquirer", tag = "topups",
    params(("name" = String, Path, description = "The acquirer's name in the configuration", example = "simulator")),
    request_body(description = "In the acquirer's own form", content((Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 200, description = "Taken, or of no interest; some acquirers read the body", body = String, content_type = "text/plain"),
        (status = 400, description = "Not the acquirer's, in the form of most acquirers", body = String, content_type = "text/plain"),
        (status = 404, description = "There is no acquirer of the name", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 256 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 503, description = "It could not be written down: to be sent again", body = String, content_type = "text/plain"),
    )
)]
pub async fn notify_acquirer(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(Code::NotFound);
    let name: AcquirerName = name.parse().map_err(|_| unknown())?;
    let (parts, body) = request.into_parts();
    let body = tokio::time::timeout(ARRIVES_WITHIN, to_bytes(body, MAX_BYTES)).await;
    let body = body.map_err(|_| Problem::new(Code::InvalidRequest).detail("the body did not arrive in time"))?;
    let body = body.map_err(|_| Problem::new(Code::PayloadTooLarge).detail("the body is larger than 256 KiB"))?;
    // A header that is no text is none of a signature.
    let headers: Vec<_> =
        parts.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let reply = state.topups.notified(&name, &headers, &body).await.ok_or_else(unknown)?;
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    Ok(response)
}
