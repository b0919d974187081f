//! `POST …/users/{login}/pin-reset` and its `/approval`: a new PIN for a user who forgot it, with four eyes.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{User, place};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

const REASON: Field = Field::text("reason", 200, "Why, for auditors.", "forgot the PIN, identity card seen");

fn reason(text: &str) -> Result<String, &'static str> {
    let fits = (1..=200).contains(&text.chars().count()) && !text.trim().is_empty();
    if fits { Ok(text.to_owned()) } else { Err("expected 1 to 200 characters") }
}

/// Why a reset is asked for.
pub struct ResetRequest(String);

impl Readable for ResetRequest {
    const FIELDS: &'static [Field] = &[REASON];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let reason = fields.text("reason", reason);
        fields.finish(reason.map(Self))
    }
}

impl PartialSchema for ResetRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Why a reset is asked for.").into()
    }
}

impl ToSchema for ResetRequest {}

/// The decision of a second person.
pub struct ResetDecision {
    approve: bool,
    reason: String,
}

impl Readable for ResetDecision {
    const FIELDS: &'static [Field] = &[
        Field::choice("decision", || vec!["approve", "refuse"], "What the second person decides.", "approve"),
        REASON,
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let approve = fields.text("decision", |text| match text {
            "approve" => Ok(true),
            "refuse" => Ok(false),
            _ => Err("expected approve or refuse"),
        });
        let reason = fields.text("reason", reason);
        let decision = approve.zip(reason).map(|(approve, reason)| Self { approve, reason });
        fields.finish(decision)
    }
}

impl PartialSchema for ResetDecision {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "The decision of a second person.").into()
    }
}

impl ToSchema for ResetDecision {}

/// A decided reset.
#[derive(Serialize, ToSchema)]
pub struct DecidedReset {
    user: User,
    /// The new PIN, shown this once; null when the reset was refused. The user must change it.
    #[schema(required, example = "407193")]
    pin: Option<String>,
}

/// Ask for a new PIN
///
/// For a user who forgot it. It waits for the approval of another person, for 24 hours at most.
#[utoipa::path(
    post, path = "/v1/resellers/{id}/users/{login}/pin-reset", operation_id = "request_pin_reset", tag = "users",
    params(
        ("id" = String, Path, description = "The outlet", example = "rsl_01939f3e-7c00-7000-8000-00000000000a"),
        ("login" = String, Path, description = "The user's login", example = "amine"),
    ),
    request_body = ResetRequest,
    responses(
        (status = 201, description = "The user, with the reset that waits", body = User),
        (status = 409, description = "What it is about does not permit this now", body = ProblemJson, content_type = "application/problem+json"),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn request_pin_reset(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<(String, String)>,
    JsonBody(ResetRequest(reason)): JsonBody<ResetRequest>,
) -> Result<(StatusCode, Json<User>), Problem> {
    let user = state.users.request_reset(&caller, place(path)?, reason).await?;
    Ok((StatusCode::CREATED, Json(User::of(&user)?)))
}

/// Decide about a new PIN
///
/// By another person than the one who asked. An approval draws a PIN, shows it once, ends a lock-out and starts a
/// cooling-off.
#[utoipa::path(
    post, path = "/v1/resellers/{id}/users/{login}/pin-reset/approval", operation_id = "decide_pin_reset", tag = "users",
    params(
        ("id" = String, Path, description = "The outlet", example = "rsl_01939f3e-7c00-7000-8000-00000000000a"),
        ("login" = String, Path, description = "The user's login", example = "amine"),
    ),
    request_body = ResetDecision,
    responses(
        (status = 200, description = "The user, and the new PIN", body = DecidedReset),
        (status = 403, description = "The same person asked for it, or the scope is missing", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "What it is about does not permit this now", body = ProblemJson, content_type = "application/problem+json"),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn decide_pin_reset(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<(String, String)>,
    JsonBody(decision): JsonBody<ResetDecision>,
) -> Result<Json<DecidedReset>, Problem> {
    let place = place(path)?;
    if decision.approve {
        let (user, pin) = state.users.approve_reset(&caller, place, &decision.reason).await?;
        return Ok(Json(DecidedReset { user: User::of(&user)?, pin: Some(pin.as_str().to_owned()) }));
    }
    let user = state.users.refuse_reset(&caller, place, &decision.reason).await?;
    Ok(Json(DecidedReset { user: User::of(&user)?, pin: None }))
}
