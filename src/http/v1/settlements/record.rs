//! `POST /v1/charging-records`: the charging system's daily record, as it was sent.

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;

use super::create::import;
use super::shape::Settlement;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::Query;
use crate::http::state::ApiState;
use crate::services::Caller;

/// Import the charging system's daily record
///
/// CSV with the columns `reference` (ours), `msisdn` (E.164, or the SHA-256 of it, or empty), `amount`, `time`, and
/// `result` (`applied` or `not_applied`). Each line is compared with our recharges; one that is in doubt is moved by it.
/// What the record has beyond our books, or lacks, is posted between `airtime_suspense` and `delivered`, and is an item
/// of the reconciliation. A reference is booked once, whichever file it comes in; the same file again changes nothing.
/// In the report, `fee` is what our own books have of the lines, and `net` the difference.
#[utoipa::path(
    post, path = "/v1/charging-records", operation_id = "import_charging_record", tag = "settlement",
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 201, description = "Booked", body = Settlement, headers(("Location" = String, description = "The report"))),
        (status = 200, description = "The file was booked before: its report", body = Settlement, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "A parameter is unknown, or the body did not arrive", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The same file is being imported", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The file is larger than 1 GiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not text/csv", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A line cannot be read; nothing was booked", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn import_charging_record(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(request.uri(), &[])?.finish()?;
    import(&state, &caller, request, None).await
}
