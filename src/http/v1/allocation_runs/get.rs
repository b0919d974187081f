//! `GET /v1/allocation-runs/{id}`.

use axum::Json;
use axum::extract::{Path, State};

use super::shape::AllocationRun;
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::allocations::parse_run_id;

/// A run and how far it is
#[utoipa::path(
    get, path = "/v1/allocation-runs/{id}", operation_id = "get_allocation_run", tag = "stock",
    params(("id" = String, Path, description = "Its id", example = "run_01939f3e-7c00-7000-8000-000000000000")),
    responses(
        (status = 200, description = "The run", body = AllocationRun),
        (status = 404, description = "Unknown", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_allocation_run(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<AllocationRun>, Problem> {
    let id = parse_run_id(&id).ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Json(AllocationRun::of(&state, &state.allocations.run(id).await?)?))
}
