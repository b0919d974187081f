//! `GET /v1/reversals/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::shape::ReversalJson;
use crate::domain::OperationKind;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::operations;
use crate::services::Caller;

/// A reversal as it stands now
#[utoipa::path(
    get, path = "/v1/reversals/{id}", operation_id = "get_reversal", tag = "recharges",
    params(("id" = String, Path, description = "Its id", example = "rev_01939f3e-7c00-7000-8000-000000000005")),
    responses(
        (status = 200, description = "The reversal", body = ReversalJson),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_reversal(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ReversalJson>, Problem> {
    let id = operations::id_of(&id, OperationKind::Reversal)?;
    let operation = state.reversals.get(&caller, id).await?;
    ReversalJson::of(&state, &operation).map(Json)
}
