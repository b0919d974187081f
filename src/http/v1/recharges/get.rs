//! `GET /v1/recharges/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::shape::Recharge;
use crate::domain::OperationKind;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::operations;
use crate::services::Caller;

/// A recharge as it stands now
#[utoipa::path(
    get, path = "/v1/recharges/{id}", operation_id = "get_recharge", tag = "recharges",
    params(("id" = String, Path, description = "Its id", example = "rch_01939f3e-7c00-7000-8000-000000000001")),
    responses(
        (status = 200, description = "The recharge", body = Recharge),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_recharge(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Recharge>, Problem> {
    let id = operations::id_of(&id, OperationKind::Recharge)?;
    let operation = state.recharges.get(&caller, id).await?;
    let catalogue = state.catalogues.of(&[&operation]).await;
    Ok(Json(Recharge::of(&state, &operation, &catalogue)))
}
