//! `PUT /v1/settlement-items/{id}/owner`: who looks after what does not match.

use std::str::FromStr as _;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::items::{SettlementItem, item_of};
use crate::domain::{ClientId, Reason};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::fields::{self, REASON};
use crate::services::Caller;

/// Who is to look after an item.
pub struct OwnerRequest {
    owner: ClientId,
    reason: Reason,
}

impl Readable for OwnerRequest {
    const FIELDS: &'static [Field] = &[
        Field::text("owner", 40, "The API client that looks after it.", "cli_01939f3e-7c00-7000-8000-00000000000b")
            .matching("^cli_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
        REASON,
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let owner = fields.text("owner", ClientId::from_str);
        let reason = fields::reason(&mut fields);
        let request = owner.zip(reason).map(|(owner, reason)| Self { owner, reason });
        fields.finish(request)
    }
}

impl PartialSchema for OwnerRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Who is to look after an item.").into()
    }
}

impl ToSchema for OwnerRequest {}

/// Give an item to somebody who looks after it
///
/// To the same one again changes nothing. What is resolved needs nobody any more.
#[utoipa::path(
    put, path = "/v1/settlement-items/{id}/owner", operation_id = "set_settlement_item_owner", tag = "settlement",
    params(("id" = String, Path, description = "Its id", example = "itm_01939f3e7c007000800000000000000a-17")),
    request_body = OwnerRequest,
    responses(
        (status = 200, description = "It is theirs", body = SettlementItem),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "It is resolved", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value, or there is no such client", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn set_settlement_item_owner(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<OwnerRequest>,
) -> Result<Json<SettlementItem>, Problem> {
    let item = state.settlements.assign(&caller, item_of(&id)?, request.owner, &request.reason).await?;
    Ok(Json(SettlementItem::of(&state, &item)))
}
