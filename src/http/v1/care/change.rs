//! `/v1/cases/{id}`: a case, and what is done to it.

use std::str::FromStr as _;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{Case, case_id, results, shown};
use crate::domain::Reason;
use crate::domain::care_case::{CallResult, CaseAction, CaseOutcome};
use crate::domain::records::CaseChange;
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::precondition::IfMatch;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

/// What is done to a case.
pub struct CaseChangeRequest(CaseChange);

impl Readable for CaseChangeRequest {
    const FIELDS: &'static [Field] = &[
        Field::choice("action", || CaseAction::ALL.map(CaseAction::name).to_vec(), "What is done.", "take"),
        Field::choice("result", results, "How a call_back went.", "reached").optional(),
        Field::choice(
            "outcome",
            || CaseOutcome::ALL.map(CaseOutcome::name).to_vec(),
            "How a case ended that is closed; no_answer needs a call_back that was not_reached.",
            "explained",
        )
        .optional(),
        Field::text("note", Reason::MAX_LEN, "What there is to say.", "asked the bank").optional(),
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let action = fields.text("action", |text| CaseAction::from_name(text).ok_or(CaseAction::EXPECTED));
        let result = fields.text("result", |text| CallResult::from_name(text).ok_or(CallResult::EXPECTED));
        let outcome = fields.text("outcome", |text| CaseOutcome::from_name(text).ok_or(CaseOutcome::EXPECTED));
        let note = fields.text("note", Reason::from_str);
        for (name, with) in
            [("result", CaseAction::CallBack), ("outcome", CaseAction::Close), ("note", CaseAction::Note)]
        {
            if action == Some(with) {
                fields.demand(name, "the action needs it");
            } else if action.is_some() && name != "note" && fields.has(name) {
                fields.refuse(name, "it does not go with the action");
            }
        }
        let change =
            action.map(|action| CaseChange { action, result, outcome, note: note.map(|note| note.as_str().into()) });
        fields.finish(change).map(Self)
    }
}

impl PartialSchema for CaseChangeRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "What is done to a case.").into()
    }
}

impl ToSchema for CaseChangeRequest {}

/// A case
#[utoipa::path(
    get, path = "/v1/cases/{id}", operation_id = "get_case", tag = "care",
    params(("id" = String, Path, description = "The case", example = "cas_01939f3e-7c00-8000-8000-000000000001")),
    responses(
        (status = 200, description = "The case", body = Case, headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_case(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(&state.care.case(&caller, case_id(&id)?).await?))
}

/// Do something to a case
///
/// `take` it, also from another; `release` it; `call_back` with a `result`; `note`; `close` with an `outcome`; `reopen`, which
/// begins the time to call back anew. Only who took it calls back, releases and closes. `If-Match` names the version that was
/// read: of two who take one case at once, one is told `412`.
#[utoipa::path(
    patch, path = "/v1/cases/{id}", operation_id = "change_case", tag = "care",
    params(("id" = String, Path, description = "The case", example = "cas_01939f3e-7c00-8000-8000-000000000001"), ("If-Match" = String, Header, description = "The ETag of the version that is changed", example = "\"1\"")),
    request_body = CaseChangeRequest,
    responses(
        (status = 200, description = "The case as it stands now", body = Case, headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "That is not done to a case as it stands, or only by its owner", body = ProblemJson, content_type = "application/problem+json"),
        (status = 412, description = "If-Match names another version than the one that stands", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is missing", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn change_case(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    IfMatch(expected): IfMatch,
    JsonBody(CaseChangeRequest(change)): JsonBody<CaseChangeRequest>,
) -> Result<Response, Problem> {
    Ok(shown(&state.care.change_case(&caller, case_id(&id)?, &expected, change).await?))
}
