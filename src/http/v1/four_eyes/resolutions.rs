//! `/v1/resolutions`: what becomes of what settlement files and our books do not have in common.

use std::str::FromStr as _;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{ApprovalJson, ApprovalRequest, decided, id_of, recorded, statuses};
use crate::domain::{
    DocumentReference, ExternalId, ItemId, Money, Operation, OperationId, OperationKind, Proposal, Reason, Resolution,
};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::schema;
use crate::http::state::{Api, ApiState};
use crate::http::v1::fields::{self, DOCUMENT, REASON};
use crate::http::v1::recharges::create::EXTERNAL_ID;
use crate::http::v1::recharges::shape::DeclineJson;
use crate::services::{Caller, ProposalOrder};

/// What one person proposed to become of an item, and another one decides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Resolution)]
pub struct ResolutionJson {
    #[schema(example = "rsn_01939f3e-7c00-7000-8000-000000000000")]
    id: String,
    #[schema(example = "settle-2026-11-22-7")]
    external_id: String,
    #[schema(example = "itm_01939f3e7c007000800000000000000a-17")]
    item_id: String,
    #[schema(schema_with = resolutions)]
    resolution: &'static str,
    /// Of a match: what the line is about.
    #[schema(required, example = "top_01939f3e-7c00-7000-8000-00000000000d")]
    topup_id: Option<String>,
    /// What is moved, without its sign.
    #[schema(example = "10.00")]
    amount: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    #[schema(example = "The bank confirmed it by telephone")]
    reason: String,
    #[schema(example = "MAIL-2026-118")]
    document: String,
    #[schema(schema_with = statuses)]
    status: &'static str,
    r#final: bool,
    #[schema(required)]
    decline: Option<DeclineJson>,
    /// The client that proposed it; another one decides.
    #[schema(example = "cli_01939f3e-7c00-7000-8000-00000000000b")]
    maker: String,
    /// From here on it can no longer be decided.
    #[schema(example = "2026-11-23T08:30:00.000Z", format = DateTime)]
    expires_at: String,
    #[schema(required)]
    approval: Option<ApprovalJson>,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    created_at: String,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    updated_at: String,
}

fn resolutions() -> utoipa::openapi::schema::Object {
    schema::one_of(Resolution::NAMES)
}

impl ResolutionJson {
    fn of(api: &Api, operation: &Operation) -> Result<Self, Problem> {
        let eyes = operation.four_eyes().ok_or_else(|| Problem::new(Code::NotFound))?;
        let asked = eyes.proposal.resolution().ok_or_else(|| Problem::new(Code::NotFound))?;
        Ok(Self {
            id: operation.kind().render(operation.id),
            external_id: operation.external_id.to_string(),
            item_id: asked.item.id.to_string(),
            resolution: asked.resolution.name(),
            topup_id: asked.resolution.named().map(|topup| OperationKind::Topup.render(topup)),
            amount: Money::from_minor(operation.amount_minor, api.currency).to_string(),
            currency: api.currency.code(),
            reason: eyes.reason.to_string(),
            document: eyes.document.to_string(),
            status: operation.status.name(),
            r#final: operation.status.is_final(),
            decline: operation.decline.map(DeclineJson::from),
            maker: eyes.maker.to_string(),
            expires_at: eyes.expires_at.to_string(),
            approval: eyes.verdict.as_ref().map(ApprovalJson::from),
            created_at: operation.created_at.to_string(),
            updated_at: operation.updated_at.to_string(),
        })
    }
}

/// What is to become of an item.
pub struct ResolutionRequest {
    external_id: ExternalId,
    item: ItemId,
    resolution: Resolution,
    reason: Reason,
    document: DocumentReference,
}

impl Readable for ResolutionRequest {
    const FIELDS: &'static [Field] = &[
        EXTERNAL_ID,
        Field::text("item_id", 80, "What is to be resolved.", "itm_01939f3e7c007000800000000000000a-17")
            .matching("^itm_[0-9a-f]{32}(-[0-9]+)?$"),
        Field::choice(
            "resolution",
            || Resolution::NAMES.to_vec(),
            "`write_off`: nobody looks for it any longer; `match`: the line is about a top-up; `peer_corrects`: a line to come corrects it, and nothing is posted.",
            "write_off",
        ),
        Field::text("topup_id", 40, "Of a match, and of nothing else.", "top_01939f3e-7c00-7000-8000-00000000000d")
            .matching("^top_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
            .optional(),
        REASON,
        DOCUMENT,
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let item = fields.text("item_id", ItemId::from_str);
        let topup = fields.text("topup_id", |text| {
            OperationId::parse(text, OperationKind::Topup.prefix()).ok_or("expected the id of a top-up")
        });
        let resolution = fields.text("resolution", |text| {
            Resolution::from_parts(text, topup)
                .ok_or("expected write_off or peer_corrects without a topup_id, or match with one")
        });
        let reason = fields::reason(&mut fields);
        let document = fields::document(&mut fields);
        let all = external_id.zip(item).zip(reason.zip(document)).zip(resolution);
        let request = all.map(|(((external_id, item), (reason, document)), resolution)| Self {
            external_id,
            item,
            resolution,
            reason,
            document,
        });
        fields.finish(request)
    }
}

impl PartialSchema for ResolutionRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "What is to become of an item.").into()
    }
}

impl ToSchema for ResolutionRequest {}

/// Propose what becomes of an item
///
/// It waits for the approval of another client; nothing is posted before. What cannot be resolved like this is declined
/// at once with `unfit_resolution`, what is resolved already with `item_changed`.
#[utoipa::path(
    post, path = "/v1/resolutions", operation_id = "create_resolution", tag = "settlement",
    request_body = ResolutionRequest,
    responses(
        (status = 201, description = "Recorded: waits for approval, or is declined", body = ResolutionJson, headers(("Location" = String, description = "Where it is"))),
        (status = 200, description = "A replay: as it stands now", body = ResolutionJson, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "There is no such item", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_resolution(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<ResolutionRequest>,
) -> Result<Response, Problem> {
    let ResolutionRequest { external_id, item, resolution, reason, document } = request;
    let asked = state.settlements.resolution(item, resolution).await?;
    let amount_minor = asked.item.amount_minor.saturating_abs();
    let proposal = Proposal::Resolution(Box::new(asked));
    let order = ProposalOrder { external_id, proposal, amount_minor, reason, document };
    let answer = state.four_eyes.propose(&caller, order).await?;
    Ok(recorded("resolutions", &answer, ResolutionJson::of(&state, &answer.operation)?))
}

/// A resolution as it stands now
#[utoipa::path(
    get, path = "/v1/resolutions/{id}", operation_id = "get_resolution", tag = "settlement",
    params(("id" = String, Path, description = "Its id", example = "rsn_01939f3e-7c00-7000-8000-000000000000")),
    responses(
        (status = 200, description = "As it stands", body = ResolutionJson),
        (status = 404, description = "Unknown", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_resolution(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ResolutionJson>, Problem> {
    let operation = state.four_eyes.get(&caller, id_of(&id, OperationKind::Resolution)?).await?;
    Ok(Json(ResolutionJson::of(&state, &operation)?))
}

/// Approve or refuse a resolution
///
/// By another client than the one that proposed it, before it expires. Deciding the same again changes nothing. When
/// the item was resolved, or a file settled it, after the proposal, approving it declines it with `item_changed`.
#[utoipa::path(
    post, path = "/v1/resolutions/{id}/approval", operation_id = "approve_resolution", tag = "settlement",
    params(("id" = String, Path, description = "Its id", example = "rsn_01939f3e-7c00-7000-8000-000000000000")),
    request_body = ApprovalRequest,
    responses(
        (status = 200, description = "Decided; `declined` when what was approved is no longer possible", body = ResolutionJson, headers(("Idempotent-Replayed" = String, description = "`true` when the same was decided before"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 403, description = "The caller proposed it itself", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before, or its time is over", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn approve_resolution(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<ApprovalRequest>,
) -> Result<Response, Problem> {
    let id = id_of(&id, OperationKind::Resolution)?;
    let answer = state.four_eyes.rule(&caller, id, request.ruling, request.reason).await?;
    Ok(decided(&answer, ResolutionJson::of(&state, &answer.operation)?))
}
