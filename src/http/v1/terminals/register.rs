//! `POST /v1/terminals`: registers a terminal.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::shape::{TerminalJson, TerminalRequest};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::recharges::REPLAYED;
use crate::services::Caller;

/// Register a terminal
///
/// Of the caller's partner. The same again is a replay and leaves it as it is.
#[utoipa::path(
    post, path = "/v1/terminals", operation_id = "register_terminal", tag = "network",
    request_body = TerminalRequest,
    responses(
        (status = 201, description = "Registered", body = TerminalJson),
        (status = 200, description = "A replay: the terminal as it stands now", body = TerminalJson, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees, or the terminal is unknown", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn register_terminal(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<TerminalRequest>,
) -> Result<Response, Problem> {
    let (known, replayed) = state.terminals.register(&caller, request.reseller, request.terminal).await?;
    let body = Json(TerminalJson::from(&known));
    Ok(if replayed {
        ([(REPLAYED, HeaderValue::from_static("true"))], body).into_response()
    } else {
        (StatusCode::CREATED, body).into_response()
    })
}
