//! `POST /v1/resellers/{id}/standing`: suspends, resumes or closes.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{Reseller, id_of, shown};
use crate::domain::{Reason, Standing};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::precondition::IfMatch;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::fields::{self, REASON};
use crate::services::Caller;

/// The standing that a reseller is to have.
pub struct StandingRequest {
    standing: Standing,
    reason: Option<Reason>,
}

impl Readable for StandingRequest {
    const FIELDS: &'static [Field] = &[
        Field::choice(
            "standing",
            || Standing::ALL.map(Standing::name).to_vec(),
            "suspended: neither sells nor receives, as long as that; active: trades again; closed: for ever.",
            "suspended",
        ),
        REASON.optional(),
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let standing =
            fields.text("standing", |text| Standing::from_name(text).ok_or("expected active, suspended or closed"));
        let reason = fields::reason(&mut fields);
        fields.finish(standing.map(|standing| Self { standing, reason }))
    }
}

impl PartialSchema for StandingRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "The standing that a reseller is to have.").into()
    }
}

impl ToSchema for StandingRequest {}

/// Suspend, resume or close a reseller
///
/// What stands below it stays as it is. Only a reseller without stock and debts, without operations that wait for an
/// outcome, and without others below it that are not closed can be closed, and it stays closed. The audit shows the
/// reason.
#[utoipa::path(
    post, path = "/v1/resellers/{id}/standing", operation_id = "set_standing", tag = "network",
    params(("id" = String, Path, description = "The reseller", example = "rsl_01939f3e-7c00-7000-8000-00000000000a"), ("If-Match" = String, Header, description = "The ETag of the version that is changed", example = "\"1\"")),
    request_body = StandingRequest,
    responses(
        (status = 200, description = "The reseller as it stands now", body = Reseller, headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "It is closed, or cannot be closed: detail says why", body = ProblemJson, content_type = "application/problem+json"),
        (status = 412, description = "If-Match names another version than the one that stands", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is missing", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn set_standing(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    IfMatch(expected): IfMatch,
    JsonBody(request): JsonBody<StandingRequest>,
) -> Result<Response, Problem> {
    let StandingRequest { standing, reason } = request;
    let reason = reason.as_ref();
    Ok(shown(&state.network.set_standing(&caller, id_of(&id)?, &expected, standing, reason).await?))
}
