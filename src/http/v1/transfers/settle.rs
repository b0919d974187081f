//! `POST /v1/transfers/{id}/acceptance` and `…/cancellation`: what ends a transfer that waits.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{Transfer, answered};
use crate::domain::OperationKind;
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::operations;
use crate::services::Caller;

const ACCEPT: &str = "accept";
const REFUSE: &str = "refuse";

/// What the receiver says.
pub struct AcceptanceRequest {
    accept: bool,
}

impl Readable for AcceptanceRequest {
    const FIELDS: &'static [Field] =
        &[Field::choice("decision", || vec![ACCEPT, REFUSE], "Whether the receiver takes the stock.", ACCEPT)];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let accept = fields.text("decision", |text| match text {
            ACCEPT => Ok(true),
            REFUSE => Ok(false),
            _ => Err("expected accept or refuse"),
        });
        fields.finish(accept.map(|accept| Self { accept }))
    }
}

impl PartialSchema for AcceptanceRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "What the receiver says.").into()
    }
}

impl ToSchema for AcceptanceRequest {}

/// Accept or refuse a transfer
///
/// For whoever acts for the receiver. Accepted after `accept_by`, or when the network no longer permits it, it is
/// declined and its stock free again. Saying the same again changes nothing.
#[utoipa::path(
    post, path = "/v1/transfers/{id}/acceptance", operation_id = "accept_transfer", tag = "transfers",
    params(("id" = String, Path, description = "Its id", example = "trf_01939f3e-7c00-7000-8000-000000000002")),
    request_body = AcceptanceRequest,
    responses(
        (status = 200, description = "The transfer as it stands now", body = Transfer, headers(("Idempotent-Replayed" = String, description = "`true` when it stood like that before"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or the receiver is outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "It ended otherwise before", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn accept_transfer(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<AcceptanceRequest>,
) -> Result<Response, Problem> {
    let answer =
        state.transfers.decide(&caller, operations::id_of(&id, OperationKind::Transfer)?, request.accept).await?;
    answered(&state, &answer, false)
}

/// Cancel a transfer
///
/// For whoever acts for the sender, as long as it is not accepted. Its stock is free again.
#[utoipa::path(
    post, path = "/v1/transfers/{id}/cancellation", operation_id = "cancel_transfer", tag = "transfers",
    params(("id" = String, Path, description = "Its id", example = "trf_01939f3e-7c00-7000-8000-000000000002")),
    responses(
        (status = 200, description = "The transfer as it stands now", body = Transfer, headers(("Idempotent-Replayed" = String, description = "`true` when it stood like that before"))),
        (status = 404, description = "Unknown, or the sender is outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "It ended otherwise before", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn cancel_transfer(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let answer = state.transfers.cancel(&caller, operations::id_of(&id, OperationKind::Transfer)?).await?;
    answered(&state, &answer, false)
}
