//! `GET /v1/settlements/{id}`.

use axum::Json;
use axum::extract::{Path, State};

use super::shape::Settlement;
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::state::ApiState;

/// A settlement file as far as it is booked
///
/// Counts and sums of its lines by how they compare with our top-ups.
#[utoipa::path(
    get, path = "/v1/settlements/{id}", operation_id = "get_settlement", tag = "settlement",
    params(("id" = String, Path, description = "Its id", example = "stl_01939f3e-7c00-8000-8000-000000000003")),
    responses(
        (status = 200, description = "The report", body = Settlement),
        (status = 404, description = "Unknown", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_settlement(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<Settlement>, Problem> {
    let id = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    Ok(Json(Settlement::of(&state, &state.settlements.get(id).await?)))
}
