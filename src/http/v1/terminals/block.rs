//! `POST /v1/terminals/block` and `POST /v1/terminals/unblock`.

use axum::extract::State;
use axum::{Extension, Json};

use super::shape::{TerminalJson, TerminalRequest};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

/// Block a terminal
///
/// It sells nothing from the answer on, where the partner is held to known terminals. Again changes nothing.
#[utoipa::path(
    post, path = "/v1/terminals/block", operation_id = "block_terminal", tag = "network",
    request_body = TerminalRequest,
    responses(
        (status = 200, description = "Blocked", body = TerminalJson),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees, or the terminal is unknown", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn block_terminal(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<TerminalRequest>,
) -> Result<Json<TerminalJson>, Problem> {
    set(&state, &caller, request, true).await
}

/// Unblock a terminal
///
/// Again changes nothing.
#[utoipa::path(
    post, path = "/v1/terminals/unblock", operation_id = "unblock_terminal", tag = "network",
    request_body = TerminalRequest,
    responses(
        (status = 200, description = "Not blocked", body = TerminalJson),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees, or the terminal is unknown", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn unblock_terminal(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<TerminalRequest>,
) -> Result<Json<TerminalJson>, Problem> {
    set(&state, &caller, request, false).await
}

async fn set(
    state: &ApiState,
    caller: &Caller,
    request: TerminalRequest,
    blocked: bool,
) -> Result<Json<TerminalJson>, Problem> {
    let known = state.terminals.set_blocked(caller, request.reseller, request.terminal, blocked).await?;
    Ok(Json(TerminalJson::from(&known)))
}
