//! `POST /v1/recharges/void`: makes a key unusable that was perhaps never received.

use std::str::FromStr;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::create::{EXTERNAL_ID, RESELLER_ID};
use super::shape::{Recharge, answered};
use crate::domain::{ExternalId, ResellerId};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

/// The key that is to be voided.
pub struct VoidRequest {
    reseller: ResellerId,
    external_id: ExternalId,
}

impl Readable for VoidRequest {
    const FIELDS: &'static [Field] = &[RESELLER_ID, EXTERNAL_ID];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let reseller = fields.text("reseller_id", ResellerId::from_str);
        let external_id = fields.text("external_id", ExternalId::from_str);
        let request = reseller.zip(external_id).map(|(reseller, external_id)| Self { reseller, external_id });
        fields.finish(request)
    }
}

impl PartialSchema for VoidRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "The key of a request that was perhaps never received.").into()
    }
}

impl ToSchema for VoidRequest {}

/// Void an `external_id`
///
/// An unknown key becomes a tombstone: a request that arrives later is declined with `voided`. A known key answers
/// its recharge unchanged, as a replay.
#[utoipa::path(
    post, path = "/v1/recharges/void", operation_id = "void_recharge", tag = "recharges",
    request_body = VoidRequest,
    responses(
        (status = 201, description = "The tombstone", body = Recharge, headers(("Location" = String, description = "The tombstone"))),
        (status = 200, description = "The key was known: its recharge as it stands now", body = Recharge, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn void_recharge(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<VoidRequest>,
) -> Result<Response, Problem> {
    let answer = state.recharges.void(&caller, request.reseller, request.external_id).await?;
    Ok(answered(&state, &answer.operation, answer.replayed).await)
}
