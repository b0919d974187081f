//! `GET /v1/topups/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::shape::Topup;
use crate::domain::OperationKind;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::operations;
use crate::services::Caller;

/// A top-up as it stands now
///
/// Ask again while it is not final; the outcome of a payment is asked of the acquirer in the background.
#[utoipa::path(
    get, path = "/v1/topups/{id}", operation_id = "get_topup", tag = "topups",
    params(("id" = String, Path, description = "Its id", example = "top_01939f3e-7c00-7000-8000-000000000003")),
    responses(
        (status = 200, description = "The top-up", body = Topup),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_topup(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Topup>, Problem> {
    let operation = state.topups.get(&caller, operations::id_of(&id, OperationKind::Topup)?).await?;
    Ok(Json(Topup::of(&state, &operation)?))
}
