//! `POST …/users/{login}/pin-verification` and `POST …/users/{login}/pin`: whether it is the user's PIN, and another one.

use std::str::FromStr;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{PIN, place, typed_pin};
use crate::domain::pin::Pin;
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::{Caller, PinRefusal, Verification as Proof};

/// What a PIN proved.
#[derive(Serialize, ToSchema)]
pub struct Verification {
    /// Whether it is the user's PIN and the user may act by it now; of a change, whether it was made.
    verified: bool,
    /// Why the user may not act by it now: `locked`, `wrong_pin`, `must_change_pin` or `cooling_off`. Nothing that moves
    /// value may be done then.
    #[schema(required, example = "cooling_off")]
    reason: Option<&'static str>,
    /// Until then no PIN of this user is compared.
    #[schema(required, format = DateTime)]
    locked_until: Option<String>,
    /// Until then the user may do nothing that moves value.
    #[schema(required, format = DateTime)]
    cooling_off_until: Option<String>,
    /// The PIN was drawn after a reset: it must be changed before anything that moves value.
    must_change_pin: bool,
}

impl From<Proof> for Verification {
    fn from(proof: Proof) -> Self {
        Self {
            verified: proof.verified,
            reason: proof.refusal.map(PinRefusal::name),
            locked_until: proof.locked_until.map(|until| until.to_string()),
            cooling_off_until: proof.cooling_until.map(|until| until.to_string()),
            must_change_pin: proof.must_change,
        }
    }
}

/// A PIN as somebody typed it.
pub struct TypedPin(SecretString);

impl Readable for TypedPin {
    const FIELDS: &'static [Field] = &[PIN];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let pin = fields.text("pin", typed_pin);
        fields.finish(pin.map(Self))
    }
}

impl PartialSchema for TypedPin {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "A PIN as somebody typed it.").into()
    }
}

impl ToSchema for TypedPin {}

/// The present PIN and the one that is to take its place.
pub struct PinChange {
    pin: SecretString,
    new: Pin,
}

impl Readable for PinChange {
    const FIELDS: &'static [Field] =
        &[PIN, Field::text("new_pin", 8, "Another PIN, not easy to guess.", "830517").matching("^[0-9]{4,8}$")];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let pin = fields.text("pin", typed_pin);
        let new = fields.text("new_pin", |text| {
            let same = pin.as_ref().is_some_and(|pin| pin.expose_secret() == text);
            if same { Err("expected another PIN than the present one") } else { Pin::from_str(text) }
        });
        let change = pin.zip(new).map(|(pin, new)| Self { pin, new });
        fields.finish(change)
    }
}

impl PartialSchema for PinChange {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "The present PIN and the one that is to take its place.").into()
    }
}

impl ToSchema for PinChange {}

/// Is it the user's PIN?
///
/// A wrong PIN is an answer, `verified: false`, and so is a lock-out. While the user is cooling off, because the device
/// changed or the PIN was reset a short time ago, and until a PIN that was drawn after a reset is changed, the right PIN
/// is answered with `verified: false` as well; `reason` tells which. Five wrong ones in a row lock the user out for 15
/// minutes, then for twice as long each time. Attempts are counted before they are compared, so that guessing in
/// parallel gains nothing.
#[utoipa::path(
    post, path = "/v1/resellers/{id}/users/{login}/pin-verification", operation_id = "verify_pin", tag = "users",
    params(
        ("id" = String, Path, description = "The outlet", example = "rsl_01939f3e-7c00-7000-8000-00000000000a"),
        ("login" = String, Path, description = "The user's login", example = "amine"),
    ),
    request_body = TypedPin,
    responses(
        (status = 200, description = "What it proved", body = Verification),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn verify_pin(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<(String, String)>,
    JsonBody(TypedPin(pin)): JsonBody<TypedPin>,
) -> Result<Json<Verification>, Problem> {
    Ok(Json(state.users.verify(&caller, place(path)?, pin).await?.into()))
}

/// Change a PIN
///
/// `verified` says whether the present PIN was right and is changed, also while the user is cooling off. A wrong one
/// counts as an attempt.
#[utoipa::path(
    post, path = "/v1/resellers/{id}/users/{login}/pin", operation_id = "change_pin", tag = "users",
    params(
        ("id" = String, Path, description = "The outlet", example = "rsl_01939f3e-7c00-7000-8000-00000000000a"),
        ("login" = String, Path, description = "The user's login", example = "amine"),
    ),
    request_body = PinChange,
    responses(
        (status = 200, description = "Whether it was changed", body = Verification),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn change_pin(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<(String, String)>,
    JsonBody(change): JsonBody<PinChange>,
) -> Result<Json<Verification>, Problem> {
    Ok(Json(state.users.change_pin(&caller, place(path)?, change.pin, change.new).await?.into()))
}
