//! `GET /v1/transfers/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::shape::Transfer;
use crate::domain::OperationKind;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::operations;
use crate::services::Caller;

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
    let operation = state.transfers.get(&caller, operations::id_of(&id, OperationKind::Transfer)?).await?;
    Ok(Json(Transfer::of(&state, &operation)?))
}
