//! `/v1/limit-raises`: a reseller or one of its terminals may sell more, or go further below zero.

use std::str::FromStr as _;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{ApprovalJson, ApprovalRequest, decided, id_of, recorded, statuses};
use crate::domain::records::LimitChange;
use crate::domain::{
    DocumentReference, ExternalId, LimitRaise, Money, Operation, OperationKind, Proposal, Reason, ResellerId,
};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::state::{Api, ApiState};
use crate::http::v1::fields::{self, DOCUMENT, REASON};
use crate::http::v1::recharges::create::{EXTERNAL_ID, RESELLER_ID};
use crate::http::v1::recharges::shape::DeclineJson;
use crate::http::v1::resellers::limits::{BoundsJson, LIMITS, LimitsRequest};
use crate::services::{Caller, ProposalOrder};

/// Limits that one person proposed and another one decides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LimitRaise)]
pub struct LimitRaiseJson {
    #[schema(example = "lmt_01939f3e-7c00-7000-8000-000000000000")]
    id: String,
    #[schema(example = "raise-2026-11-22")]
    external_id: String,
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    /// Whose limits they are; null for those of the reseller in all.
    #[schema(example = "ATM-0007", required)]
    terminal_id: Option<String>,
    /// Null for at once: when it is approved. Approved later than this, it begins then.
    #[schema(format = DateTime, required)]
    effective_from: Option<String>,
    #[schema(example = "MAD")]
    currency: &'static str,
    /// How far the stock may go below zero; null leaves it as it is.
    #[schema(example = "0.00", required)]
    credit_limit: Option<String>,
    limits: BoundsJson,
    #[schema(example = "Peak season")]
    reason: String,
    #[schema(example = "PO-2026-118")]
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

impl LimitRaiseJson {
    fn of(api: &Api, operation: &Operation) -> Result<Self, Problem> {
        let eyes = operation.four_eyes().ok_or_else(|| Problem::new(Code::NotFound))?;
        let Proposal::LimitRaise(raise) = &eyes.proposal else { return Err(Problem::new(Code::NotFound)) };
        let LimitChange { reseller, effective_from, terminal, bounds, credit_limit_minor } = &raise.change;
        let money = |minor| Money::from_minor(minor, api.currency).to_string();
        Ok(Self {
            id: operation.kind().render(operation.id),
            external_id: operation.external_id.to_string(),
            reseller_id: reseller.to_string(),
            terminal_id: terminal.as_ref().map(|terminal| terminal.as_str().to_owned()),
            effective_from: effective_from.map(|from| from.to_string()),
            currency: api.currency.code(),
            credit_limit: credit_limit_minor.map(money),
            limits: BoundsJson::of(bounds, api.currency),
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

/// Limits that are to be raised.
pub struct LimitRaiseRequest {
    external_id: ExternalId,
    change: LimitChange,
    reason: Reason,
    document: DocumentReference,
}

impl LimitRaiseRequest {
    fn order(self) -> ProposalOrder {
        let Self { external_id, change, reason, document } = self;
        let proposal = Proposal::LimitRaise(Box::new(LimitRaise { change, version: 0 }));
        ProposalOrder { external_id, proposal, amount_minor: 0, reason, document }
    }
}

impl Readable for LimitRaiseRequest {
    const FIELDS: &'static [Field] = &{
        let [a, b, c, d, e, f, g, h, i] = LIMITS;
        [EXTERNAL_ID, RESELLER_ID, a, b, c, d, e, f, g, h, i, REASON, DOCUMENT]
    };

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let reseller = fields.text("reseller_id", ResellerId::from_str);
        let limits = LimitsRequest::read_fields(&mut fields, state);
        let reason = fields::reason(&mut fields);
        let document = fields::document(&mut fields);
        let all = external_id.zip(reseller).zip(reason.zip(document));
        let request = all.map(|((external_id, reseller), (reason, document))| Self {
            external_id,
            change: limits.of(reseller),
            reason,
            document,
        });
        fields.finish(request)
    }
}

impl PartialSchema for LimitRaiseRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Limits that are to hold, all of them: what is absent is unlimited.").into()
    }
}

impl ToSchema for LimitRaiseRequest {}

/// Propose to raise limits
///
/// Of a reseller or of one of its terminals, at once or from a time on, the credit limit included. They wait for the
/// approval of another client; nothing changes before. What raises nothing, or begins in the past, is declined at once
/// with `unfit_limits`.
#[utoipa::path(
    post, path = "/v1/limit-raises", operation_id = "create_limit_raise", tag = "resellers",
    request_body = LimitRaiseRequest,
    responses(
        (status = 201, description = "Recorded: waits for approval, or is declined", body = LimitRaiseJson, headers(("Location" = String, description = "Where it is"))),
        (status = 200, description = "A replay: as it stands now", body = LimitRaiseJson, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_limit_raise(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<LimitRaiseRequest>,
) -> Result<Response, Problem> {
    let answer = state.four_eyes.propose(&caller, request.order()).await?;
    Ok(recorded("limit-raises", &answer, LimitRaiseJson::of(&state, &answer.operation)?))
}

/// A raise of limits as it stands now
#[utoipa::path(
    get, path = "/v1/limit-raises/{id}", operation_id = "get_limit_raise", tag = "resellers",
    params(("id" = String, Path, description = "Its id", example = "lmt_01939f3e-7c00-7000-8000-000000000000")),
    responses(
        (status = 200, description = "As it stands", body = LimitRaiseJson),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_limit_raise(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<LimitRaiseJson>, Problem> {
    let operation = state.four_eyes.get(&caller, id_of(&id, OperationKind::LimitRaise)?).await?;
    Ok(Json(LimitRaiseJson::of(&state, &operation)?))
}

/// Approve or refuse a raise of limits
///
/// By another client than the one that proposed it, before it expires. Deciding the same again changes nothing. When
/// the limits changed after the proposal, approving it declines it with `limits_changed`: what holds now is not what
/// was weighed.
#[utoipa::path(
    post, path = "/v1/limit-raises/{id}/approval", operation_id = "approve_limit_raise", tag = "resellers",
    params(("id" = String, Path, description = "Its id", example = "lmt_01939f3e-7c00-7000-8000-000000000000")),
    request_body = ApprovalRequest,
    responses(
        (status = 200, description = "Decided; `declined` when what was approved is no longer possible", body = LimitRaiseJson, headers(("Idempotent-Replayed" = String, description = "`true` when the same was decided before"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 403, description = "The caller proposed it itself", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before, or its time is over", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn approve_limit_raise(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<ApprovalRequest>,
) -> Result<Response, Problem> {
    let id = id_of(&id, OperationKind::LimitRaise)?;
    let answer = state.four_eyes.rule(&caller, id, request.ruling, request.reason).await?;
    Ok(decided(&answer, LimitRaiseJson::of(&state, &answer.operation)?))
}
