//! `PATCH /v1/resellers/{id}`: another code, name, level or parent.

use std::str::FromStr;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::create::{CODE, LEVEL, NAME, PARENT_ID};
use super::shape::{Reseller, id_of, shown};
use crate::domain::{LevelName, ResellerCode, ResellerId, ResellerName};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::precondition::IfMatch;
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;
use crate::services::network::PlaceOrder;

/// What of a reseller is to change.
pub struct ResellerChange(PlaceOrder);

impl Readable for ResellerChange {
    const FIELDS: &'static [Field] = &[CODE.optional(), NAME.optional(), LEVEL.optional(), PARENT_ID.optional()];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let order = PlaceOrder {
            code: fields.text("code", ResellerCode::from_str),
            name: fields.text("name", ResellerName::from_str),
            level: fields.text("level", LevelName::from_str),
            parent: fields.text("parent_id", ResellerId::from_str),
        };
        fields.finish(Some(order)).map(Self)
    }
}

impl PartialSchema for ResellerChange {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "What of a reseller is to change; what is absent stays.").into()
    }
}

impl ToSchema for ResellerChange {}

/// Change a reseller
///
/// With another `parent_id` it moves with all below it, also while they sell. The caller must be allowed to act for both
/// places. `If-Match` names the version that was read.
#[utoipa::path(
    patch, path = "/v1/resellers/{id}", operation_id = "change_reseller", tag = "network",
    params(("id" = String, Path, description = "The reseller", example = "rsl_01939f3e-7c00-7000-8000-00000000000a"), ("If-Match" = String, Header, description = "The ETag of the version that is changed", example = "\"1\"")),
    request_body = ResellerChange,
    responses(
        (status = 200, description = "The reseller as it stands now", body = Reseller, headers(("ETag" = String, description = "Its version"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "It or its new parent is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The code is another's, or the reseller is closed", body = ProblemJson, content_type = "application/problem+json"),
        (status = 412, description = "If-Match names another version than the one that stands", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field has a bad value, or it may not stand there", body = ProblemJson, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is missing", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn change_reseller(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    IfMatch(expected): IfMatch,
    JsonBody(ResellerChange(order)): JsonBody<ResellerChange>,
) -> Result<Response, Problem> {
    Ok(shown(&state.network.change(&caller, id_of(&id)?, &expected, order).await?))
}
