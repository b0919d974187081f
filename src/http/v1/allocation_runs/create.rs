//! `POST /v1/allocation-runs`.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};

use super::request::{self, AllocationRunRequest};
use super::shape::{AllocationRun, started};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

/// Stock many resellers at once
///
/// Answers at once; the lines are carried out afterwards, each once, whatever ends or restarts meanwhile. A list names
/// resellers by id or code, or is CSV (`code,amount`) with the other fields in the query; a rule meets every reseller
/// of a level of a subtree. A line that cannot be carried out is refused with a reason and leaves the others alone. With
/// `dry_run` nothing is written: the answer tells what would happen now.
#[utoipa::path(
    post, path = "/v1/allocation-runs", operation_id = "create_allocation_run", tag = "stock",
    params(
        ("external_id" = Option<String>, Query, description = "With CSV only"),
        ("currency" = Option<String>, Query, description = "With CSV only"),
        ("terms" = Option<String>, Query, description = "With CSV only"),
        ("reason" = Option<String>, Query, description = "With CSV only"),
        ("dry_run" = Option<bool>, Query, description = "With CSV only"),
    ),
    request_body(content((AllocationRunRequest = "application/json"), (String = "text/csv"))),
    responses(
        (status = 202, description = "It is on its way", body = AllocationRun, headers(("Location" = String, description = "The run"))),
        (status = 200, description = "A replay as it stands, or a dry run", body = AllocationRun, headers(("Idempotent-Replayed" = String, description = "`true` for a replay"))),
        (status = 400, description = "Malformed JSON, an unknown field or parameter, or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The rule's reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 MiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Neither application/json nor text/csv", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_allocation_run(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let asking = request::read(request, &state).await?;
    if asking.dry_run {
        let preview = state.allocations.preview(&caller, asking.order.clone()).await?;
        return Ok(Json(AllocationRun::dry(&state, &asking.order, &preview)).into_response());
    }
    started(&state, &state.allocations.start(&caller, asking.order).await?)
}
