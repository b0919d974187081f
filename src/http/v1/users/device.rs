//! `POST …/users/{login}/device`: which device the user has.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{User, place};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

/// What names a device.
pub struct Device(String);

impl Readable for Device {
    const FIELDS: &'static [Field] = &[Field::text(
        "device",
        128,
        "What names the device: the SIM's or the phone's identity as the channel knows it. Only a digest is kept.",
        "imsi-604010123456789x",
    )
    .matching("^[ -~]{1,128}$")];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let device = fields.text("device", |text| {
            let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            if fits { Ok(text.to_owned()) } else { Err("expected 1 to 128 printable ASCII characters") }
        });
        fields.finish(device.map(Self))
    }
}

impl PartialSchema for Device {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "What names the user's device.").into()
    }
}

impl ToSchema for Device {}

/// Tell the user's device
///
/// Another one than before (a SIM swap, a new phone) starts a cooling-off, during which the user may do nothing that
/// moves value. The same again changes nothing.
#[utoipa::path(
    post, path = "/v1/resellers/{id}/users/{login}/device", operation_id = "set_device", tag = "users",
    params(
        ("id" = String, Path, description = "The outlet", example = "rsl_01939f3e-7c00-7000-8000-00000000000a"),
        ("login" = String, Path, description = "The user's login", example = "amine"),
    ),
    request_body = Device,
    responses(
        (status = 200, description = "The user", body = User),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn set_device(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<(String, String)>,
    JsonBody(Device(device)): JsonBody<Device>,
) -> Result<Json<User>, Problem> {
    Ok(Json(User::of(&*state.users.set_device(&caller, place(path)?, &device).await?)?))
}
