//! `GET /v1/resellers/{id}`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;

use super::shape::{Reseller, id_of, shown};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

/// A reseller
#[utoipa::path(
    get, path = "/v1/resellers/{id}", operation_id = "get_reseller", tag = "network",
    params(("id" = String, Path, description = "The reseller", example = "rsl_01939f3e-7c00-7000-8000-00000000000a")),
    responses(
        (status = 200, description = "The reseller", body = Reseller, headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_reseller(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(&state.network.get(&caller, id_of(&id)?).await?))
}
