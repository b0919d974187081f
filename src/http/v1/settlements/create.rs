//! `POST /v1/settlements`: an acquirer's file, as it was sent.

use std::fs::File;
use std::io::Write as _;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::StreamExt as _;

use super::shape::Settlement;
use crate::acquiring::AcquirerName;
use crate::http::body::has_media_type;
use crate::http::problem::{Code, FieldError, Problem, ProblemJson};
use crate::http::query::Query;
use crate::http::state::{Api, ApiState};
use crate::http::v1::recharges::shape::REPLAYED;
use crate::services::settlement::{Misread, SettlementError};
use crate::services::{Caller, ServiceError};

/// Some millions of lines.
const MAX_BODY_BYTES: usize = 1 << 30;
/// Nothing arrived for so long: whoever sends has gone.
const SILENCE: Duration = Duration::from_secs(30);

/// Import an acquirer's settlement file
///
/// The file is read to its end before anything is booked; a line that cannot be read is named and the file refused as a
/// whole. Then each line is compared with our top-ups, by our order number or by the acquirer's reference, and booked:
/// what matches against the acquirer's receivable, the rest as money whose owner is not known. A reference is posted
/// once, whichever file it comes in; the same file again changes nothing, and goes on where it ended.
#[utoipa::path(
    post, path = "/v1/settlements", operation_id = "import_settlement", tag = "settlement",
    params(("acquirer" = String, Query, description = "Whose file it is: a name of the configuration", example = "simulator")),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 201, description = "Booked", body = Settlement, headers(("Location" = String, description = "The report"))),
        (status = 200, description = "The file was booked before: its report", body = Settlement, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "A parameter is unknown, or the body did not arrive", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The same file is being imported", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The file is larger than 1 GiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not text/csv", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "The acquirer is unknown, or a line cannot be read; nothing was booked", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn import_settlement(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::read(request.uri(), &["acquirer"])?;
    let acquirer = query.get("acquirer", AcquirerName::from_str);
    query.finish()?;
    let acquirer = acquirer.filter(|name| state.settlements.acquirers.get(name).is_some());
    let acquirer = acquirer.ok_or(ServiceError::UnknownAcquirer)?;
    import(&state, &caller, request, Some(acquirer)).await
}

/// Of an acquirer, or of the charging system.
pub(super) async fn import(
    state: &ApiState,
    caller: &Caller,
    request: Request,
    acquirer: Option<AcquirerName>,
) -> Result<Response, Problem> {
    if !has_media_type(&request, "text/csv") {
        return Err(Problem::new(Code::UnsupportedMediaType));
    }
    let Ok(_place) = state.exports.places.try_acquire() else {
        return Err(ServiceError::Overloaded { retry_after_s: 5 }.into());
    };
    let file = spooled(request, state).await?;
    // On its own: a client that hangs up does not leave the file half booked.
    let (services, actor) = (state.settlements.clone(), caller.actor());
    let import = tokio::spawn(async move {
        match acquirer {
            Some(acquirer) => services.import(&actor, &acquirer, file).await,
            None => services.import_record(&actor, file).await,
        }
    });
    let (settlement, before) = import.await.map_err(|_| Problem::new(Code::InternalError))?.map_err(problem)?;
    let place = HeaderValue::try_from(format!("/v1/settlements/{}", settlement.id));
    let place = place.map_err(|_| Problem::new(Code::InternalError))?;
    let body = Json(Settlement::of(state, &settlement));
    Ok(if before {
        (StatusCode::OK, [(REPLAYED, HeaderValue::from_static("true"))], body).into_response()
    } else {
        (StatusCode::CREATED, [(header::LOCATION, place)], body).into_response()
    })
}

/// The body in a file without a name: it is read twice, and memory does not hold it.
async fn spooled(request: Request, api: &Api) -> Result<File, Problem> {
    let internal = |error: std::io::Error| {
        tracing::error!(%error, "a settlement file cannot be kept while it is read");
        Problem::new(Code::InternalError)
    };
    let mut file = tempfile::tempfile_in(&api.exports.folder).map_err(internal)?;
    let mut body = request.into_body().into_data_stream();
    let mut size = 0;
    loop {
        let gone = |_| Problem::new(Code::InvalidRequest).detail("the body did not arrive in time");
        let Some(piece) = tokio::time::timeout(SILENCE, body.next()).await.map_err(gone)? else { return Ok(file) };
        let piece = piece.map_err(|_| Problem::new(Code::InvalidRequest).detail("the body did not arrive"))?;
        size += piece.len();
        if size > MAX_BODY_BYTES {
            return Err(Problem::new(Code::PayloadTooLarge).detail("the file is larger than 1 GiB"));
        }
        file.write_all(&piece).map_err(internal)?;
    }
}

fn problem(error: SettlementError) -> Problem {
    match error {
        SettlementError::Misread(misread) => {
            let detail = misread.to_string();
            let Misread { line, column, .. } = misread;
            let pointer = if column.is_empty() { format!("/{line}") } else { format!("/{line}/{column}") };
            Problem::with_errors(Code::ValidationFailed, vec![FieldError { pointer, code: "invalid", detail }])
        }
        SettlementError::Busy => Problem::new(Code::ConflictingState).detail("the same file is being imported"),
        SettlementError::Service(error) => error.into(),
        SettlementError::File(error) => {
            tracing::error!(%error, "a settlement file cannot be read");
            Problem::new(Code::InternalError)
        }
    }
}
