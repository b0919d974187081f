//! `/v1/recharges/{id}/statement`: what two persons state about a recharge in doubt.

use std::str::FromStr as _;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{
    DocumentReference, ExternalId, Operation, OperationId, OperationKind, Proposal, Reason, Ruling, Statement,
};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::schema;
use crate::http::state::ApiState;
use crate::http::v1::fields::{self, DOCUMENT, REASON};
use crate::http::v1::four_eyes::shape::{ApprovalJson, decided, recorded_at, statuses};
use crate::http::v1::operations;
use crate::http::v1::recharges::create::EXTERNAL_ID;
use crate::http::v1::recharges::shape::DeclineJson;
use crate::services::{Caller, ProposalOrder};

/// What one person states about a recharge, and another one decides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statement)]
pub struct StatementJson {
    #[schema(example = "stm_01939f3e-7c00-7000-8000-000000000000")]
    id: String,
    #[schema(example = "state-2026-11-22-7")]
    external_id: String,
    #[schema(example = "rch_01939f3e-7c00-7000-8000-000000000001")]
    recharge_id: String,
    #[schema(schema_with = decisions)]
    decision: &'static str,
    #[schema(example = "The operator's engineers looked the line up")]
    reason: String,
    #[schema(example = "TICKET-2026-118")]
    document: String,
    #[schema(schema_with = statuses)]
    status: &'static str,
    r#final: bool,
    #[schema(required)]
    decline: Option<DeclineJson>,
    /// The client that states it; another one decides.
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

fn decisions() -> utoipa::openapi::schema::Object {
    schema::one_of(Statement::NAMES)
}

impl StatementJson {
    /// # Errors
    /// When the operation is no statement.
    pub fn of(operation: &Operation) -> Result<Self, Problem> {
        let eyes = operation.four_eyes().ok_or_else(|| Problem::new(Code::NotFound))?;
        let statement = eyes.proposal.statement().ok_or_else(|| Problem::new(Code::NotFound))?;
        Ok(Self {
            id: operation.kind().render(operation.id),
            external_id: operation.external_id.to_string(),
            recharge_id: OperationKind::Recharge.render(statement.recharge),
            decision: statement.name(),
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

/// What is stated.
pub struct StatementRequest {
    external_id: ExternalId,
    applied: bool,
    reason: Reason,
    document: DocumentReference,
}

impl Readable for StatementRequest {
    const FIELDS: &'static [Field] = &[
        EXTERNAL_ID,
        Field::choice(
            "decision",
            || Statement::NAMES.to_vec(),
            "`applied`: the line was credited; `not_applied`: it was not.",
            "not_applied",
        ),
        REASON,
        DOCUMENT,
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let applied =
            fields.text("decision", |text| Statement::applied_of(text).ok_or("expected applied or not_applied"));
        let reason = fields::reason(&mut fields);
        let document = fields::document(&mut fields);
        let all = external_id.zip(applied).zip(reason.zip(document));
        let request =
            all.map(|((external_id, applied), (reason, document))| Self { external_id, applied, reason, document });
        fields.finish(request)
    }
}

impl PartialSchema for StatementRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "What is stated about a recharge in doubt.").into()
    }
}

impl ToSchema for StatementRequest {}

/// How a statement is decided.
pub struct StatementApproval {
    statement: OperationId,
    ruling: Ruling,
    reason: Reason,
}

impl Readable for StatementApproval {
    const FIELDS: &'static [Field] = &[
        Field::text("statement_id", 40, "What is decided.", "stm_01939f3e-7c00-7000-8000-000000000000")
            .matching("^stm_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
        Field::choice(
            "decision",
            || Ruling::ALL.map(Ruling::name).to_vec(),
            "`approve` ends the doubt by it; `refuse` lets it be.",
            "approve",
        ),
        REASON,
    ];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let statement = fields.text("statement_id", |text| {
            OperationId::parse(text, OperationKind::Statement.prefix()).ok_or("expected the id of a statement")
        });
        let ruling = fields.text("decision", |text| Ruling::from_name(text).ok_or("expected approve or refuse"));
        let reason = fields::reason(&mut fields);
        let all = statement.zip(ruling).zip(reason);
        fields.finish(all.map(|((statement, ruling), reason)| Self { statement, ruling, reason }))
    }
}

impl PartialSchema for StatementApproval {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "How a statement is decided.").into()
    }
}

impl ToSchema for StatementApproval {}

/// State what became of a recharge in doubt
///
/// It waits for the approval of another client, and counts only where the rules of the charging system let statements decide, once
/// `final_status_expected_at` has passed. What could not decide now is declined at once with `unfit_statement`.
#[utoipa::path(
    post, path = "/v1/recharges/{id}/statement", operation_id = "create_statement", tag = "recharges",
    params(("id" = String, Path, description = "The recharge", example = "rch_01939f3e-7c00-7000-8000-000000000001")),
    request_body = StatementRequest,
    responses(
        (status = 201, description = "Recorded: waits for approval, or is declined", body = StatementJson, headers(("Location" = String, description = "Where it is"))),
        (status = 200, description = "A replay: as it stands now", body = StatementJson, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_statement(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<StatementRequest>,
) -> Result<Response, Problem> {
    let StatementRequest { external_id, applied, reason, document } = request;
    let recharge = state.recharges.get(&caller, operations::id_of(&id, OperationKind::Recharge)?).await?;
    let proposal = Proposal::Statement(Statement { recharge: recharge.id, reseller: recharge.reseller, applied });
    let order = ProposalOrder { external_id, proposal, amount_minor: recharge.amount_minor, reason, document };
    let answer = state.four_eyes.propose(&caller, order).await?;
    Ok(recorded_at(&format!("/v1/recharges/{id}/statement"), &answer, StatementJson::of(&answer.operation)?))
}

/// The newest statement about a recharge
#[utoipa::path(
    get, path = "/v1/recharges/{id}/statement", operation_id = "get_statement_of_recharge", tag = "recharges",
    params(("id" = String, Path, description = "The recharge", example = "rch_01939f3e-7c00-7000-8000-000000000001")),
    responses(
        (status = 200, description = "As it stands", body = StatementJson),
        (status = 404, description = "Unknown, outside the caller's subtrees, or nobody stated anything", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_statement_of_recharge(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<StatementJson>, Problem> {
    let recharge = state.recharges.get(&caller, operations::id_of(&id, OperationKind::Recharge)?).await?;
    let newest = state.four_eyes.statements(&[recharge.id]).await?.pop();
    Ok(Json(StatementJson::of(&newest.ok_or_else(|| Problem::new(Code::NotFound))?)?))
}

/// Approve or refuse a statement
///
/// By another client than the one that made it, before it expires. Approving it ends the doubt. When the recharge came to an end
/// meanwhile, that stands: the statement is declined with `unfit_statement`, and what it says against the outcome is recorded as evidence.
#[utoipa::path(
    post, path = "/v1/recharges/{id}/statement/approval", operation_id = "approve_statement", tag = "recharges",
    params(("id" = String, Path, description = "The recharge", example = "rch_01939f3e-7c00-7000-8000-000000000001")),
    request_body = StatementApproval,
    responses(
        (status = 200, description = "Decided; `declined` when what was approved no longer counts", body = StatementJson, headers(("Idempotent-Replayed" = String, description = "`true` when the same was decided before"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 403, description = "The caller stated it itself", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or about another recharge", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before, or its time is over", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn approve_statement(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<StatementApproval>,
) -> Result<Response, Problem> {
    let recharge = operations::id_of(&id, OperationKind::Recharge)?;
    let named = (OperationKind::Statement, request.statement);
    let statement = state.four_eyes.get(&caller, named).await?;
    let about = statement.four_eyes().and_then(|eyes| eyes.proposal.statement()).map(|statement| statement.recharge);
    if about != Some(recharge) {
        return Err(Problem::new(Code::NotFound));
    }
    let answer = state.four_eyes.rule(&caller, named, request.ruling, request.reason).await?;
    Ok(decided(&answer, StatementJson::of(&answer.operation)?))
}
