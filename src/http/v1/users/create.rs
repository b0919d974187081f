//! `POST /v1/resellers/{id}/users`: a new user of an outlet.

use std::str::FromStr;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{PIN, User};
use crate::domain::pin::Pin;
use crate::domain::records::User as Body;
use crate::domain::{RecordId, ResellerId};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::{Caller, UserPlace};

/// Who is to be a user.
pub struct NewUser {
    login: RecordId,
    name: String,
    pin: Pin,
}

impl Readable for NewUser {
    const FIELDS: &'static [Field] = &[
        Field::text("login", 32, "What the user signs in with, unique within the outlet.", "amine")
            .matching("^[a-z0-9._-]{1,32}$"),
        Field::text("name", 64, "As people call this person.", "Amine B."),
        PIN,
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let login = fields.text("login", Body::login);
        let name = fields.text("name", name);
        let pin = fields.text("pin", Pin::from_str);
        let user = || Some(Self { login: login?, name: name?, pin: pin? });
        let user = user();
        fields.finish(user)
    }
}

fn name(text: &str) -> Result<String, &'static str> {
    let fits = (1..=64).contains(&text.chars().count()) && text.trim() == text;
    if fits { Ok(text.to_owned()) } else { Err("expected 1 to 64 characters without spaces at the ends") }
}

impl PartialSchema for NewUser {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "A new user. PINs that are easy to guess are refused.").into()
    }
}

impl ToSchema for NewUser {}

/// Register a user of an outlet
#[utoipa::path(
    post, path = "/v1/resellers/{id}/users", operation_id = "create_user", tag = "users",
    params(("id" = String, Path, description = "The outlet", example = "rsl_01939f3e-7c00-7000-8000-00000000000a")),
    request_body = NewUser,
    responses(
        (status = 201, description = "The user", body = User),
        (status = 409, description = "What it is about does not permit this now", body = ProblemJson, content_type = "application/problem+json"),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_user(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(new): JsonBody<NewUser>,
) -> Result<(StatusCode, Json<User>), Problem> {
    let reseller: ResellerId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let place = UserPlace { reseller, login: new.login };
    let made = state.users.create(&caller, place, new.name, new.pin).await?;
    Ok((StatusCode::CREATED, Json(User::of(&made)?)))
}
