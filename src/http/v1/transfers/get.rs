//! `GET /v1/transfers/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::shape::Transfer;
use crate::domain::{OperationId, OperationKind};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

/// # Errors
/// `404`, as for an unknown one.
pub fn transfer_id(text: &str) -> Result<OperationId, Problem> {
    OperationId::parse(text, OperationKind::Transfer.prefix()).ok_or_else(|| Problem::new(Code::NotFound))
}

/// A transfer as it stands now
///
/// Whoever acts for the sender or for the receiver sees it.
#[utoipa::path(
    get, path = "/v1/transfers/{id}", operation_id = "get_transfer", tag = "transfers",
    params(("id" = String, Path, description = "Its id", example = "trf_01939f3e-7c00-7000-8000-000000000002")),
    responses(
        (status = 200, description = "The transfer", body = Transfer),
        (status = 404, description = "Unknown, or both ends outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_transfer(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Transfer>, Problem> {
    let operation = state.transfers.get(&caller, transfer_id(&id)?).await?;
    Ok(Json(Transfer::of(&state, &operation)?))
}
