//! `/v1/issues`: the operator creates recharge credit.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};

use super::shape::{ApprovalRequest, Proposed, StockRequest, id_of, proposed, ruled};
use crate::domain::{OperationKind, Proposal};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

/// Propose to issue recharge credit
///
/// It waits for the approval of another client; nothing moves before.
/// Beyond the cap of the business day it is declined at once with `limit_exceeded`.
#[utoipa::path(
    post, path = "/v1/issues", operation_id = "create_issue", tag = "stock",
    request_body = StockRequest,
    responses(
        (status = 201, description = "Recorded: waits for approval, or is declined", body = Proposed, headers(("Location" = String, description = "Where it is"))),
        (status = 200, description = "A replay: as it stands now", body = Proposed, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_issue(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<StockRequest>,
) -> Result<Response, Problem> {
    let answer = state.four_eyes.propose(&caller, request.order(Proposal::Issue)).await?;
    proposed(&state, "issues", &answer)
}

/// An issue as it stands now
#[utoipa::path(
    get, path = "/v1/issues/{id}", operation_id = "get_issue", tag = "stock",
    params(("id" = String, Path, description = "Its id", example = "iss_01939f3e-7c00-7000-8000-000000000000")),
    responses(
        (status = 200, description = "As it stands", body = Proposed),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_issue(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Proposed>, Problem> {
    let operation = state.four_eyes.get(&caller, id_of(&id, OperationKind::Issue)?).await?;
    Ok(Json(Proposed::of(&state, &operation)?))
}

/// Approve or refuse an issue
///
/// By another client than the one that proposed it, before it expires. Deciding the same again changes nothing.
#[utoipa::path(
    post, path = "/v1/issues/{id}/approval", operation_id = "approve_issue", tag = "stock",
    params(("id" = String, Path, description = "Its id", example = "iss_01939f3e-7c00-7000-8000-000000000000")),
    request_body = ApprovalRequest,
    responses(
        (status = 200, description = "Decided; `declined` when what was approved is no longer possible", body = Proposed, headers(("Idempotent-Replayed" = String, description = "`true` when the same was decided before"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 403, description = "The caller proposed it itself", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before, or its time is over", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn approve_issue(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<ApprovalRequest>,
) -> Result<Response, Problem> {
    let id = id_of(&id, OperationKind::Issue)?;
    ruled(&state, &state.four_eyes.rule(&caller, id, request.ruling, request.reason).await?)
}
