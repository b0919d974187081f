//! A proposal as the contract shows it, and the requests that make and decide one.

use std::str::FromStr as _;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{
    Direction, ExternalId, Money, Operation, OperationId, OperationKind, Proposal, Reason, ResellerId, Ruling, Status,
    Verdict,
};
use crate::http::body::{self, Field, Fields, Readable};
use crate::http::problem::{Code, Problem};
use crate::http::schema;
use crate::http::state::{Api, ApiState};
use crate::http::v1::fields::{self, AMOUNT, CURRENCY, DOCUMENT, REASON};
use crate::http::v1::operations;
use crate::http::v1::recharges::create::EXTERNAL_ID;
use crate::http::v1::recharges::shape::{DeclineJson, REPLAYED};
use crate::services::ProposalOrder;
use crate::services::recharges::Answer;

/// What one person proposed and another one decides.
#[derive(Debug, Serialize, ToSchema)]
pub struct Proposed {
    #[schema(example = "iss_01939f3e-7c00-7000-8000-000000000000")]
    id: String,
    #[schema(example = "issue-2026-11-22")]
    external_id: String,
    /// Of an adjustment: whose stock; absent when it is the operator's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: Option<String>,
    /// Of an adjustment: `in` from suspense into the stock, `out` of the stock into suspense.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "out")]
    direction: Option<&'static str>,
    #[schema(example = "5000000.00")]
    amount: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    #[schema(example = "Ramadan campaign")]
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

/// How it was decided.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Approval)]
pub struct ApprovalJson {
    #[schema(schema_with = rulings)]
    decision: &'static str,
    /// The client that decided.
    #[schema(example = "cli_01939f3e-7c00-7000-8000-00000000000c")]
    checker: String,
    #[schema(example = "Agreed with finance")]
    reason: String,
    #[schema(example = "2026-11-22T09:00:00.000Z", format = DateTime)]
    at: String,
}

impl From<&Verdict> for ApprovalJson {
    fn from(verdict: &Verdict) -> Self {
        Self {
            decision: verdict.ruling.name(),
            checker: verdict.checker.to_string(),
            reason: verdict.reason.to_string(),
            at: verdict.at.to_string(),
        }
    }
}

pub fn statuses() -> utoipa::openapi::schema::Object {
    use Status::{Approved, Declined, Expired, PendingApproval, Refused};
    schema::one_of([PendingApproval, Approved, Refused, Expired, Declined].map(Status::name))
}

fn rulings() -> utoipa::openapi::schema::Object {
    schema::one_of(Ruling::ALL.map(Ruling::name))
}

impl Proposed {
    /// # Errors
    /// When the operation is no proposal.
    pub fn of(api: &Api, operation: &Operation) -> Result<Self, Problem> {
        let eyes = operation.four_eyes().ok_or_else(|| Problem::new(Code::NotFound))?;
        let (reseller, direction) = match &eyes.proposal {
            Proposal::Adjustment { reseller, direction } => (*reseller, Some(direction.name())),
            Proposal::Issue | Proposal::Destruction => (None, None),
            Proposal::LimitRaise(_) | Proposal::Resolution(_) | Proposal::Statement(_) => {
                return Err(Problem::new(Code::NotFound));
            }
        };
        Ok(Self {
            id: operation.kind().render(operation.id),
            external_id: operation.external_id.to_string(),
            reseller_id: reseller.map(|reseller| reseller.to_string()),
            direction,
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

/// `201` with its place, or `200` for a replay.
pub fn proposed(api: &Api, folder: &str, answer: &Answer) -> Result<Response, Problem> {
    Ok(recorded(folder, answer, Proposed::of(api, &answer.operation)?))
}

/// The same with a body of another shape.
pub fn recorded(folder: &str, answer: &Answer, body: impl Serialize) -> Response {
    let id = answer.operation.kind().render(answer.operation.id);
    recorded_at(&format!("/v1/{folder}/{id}"), answer, body)
}

/// The same at a place of its own.
pub fn recorded_at(place: &str, answer: &Answer, body: impl Serialize) -> Response {
    if answer.replayed {
        return (StatusCode::OK, [(REPLAYED, HeaderValue::from_static("true"))], Json(body)).into_response();
    }
    let place = HeaderValue::from_str(place).expect("ids are ASCII");
    (StatusCode::CREATED, [(header::LOCATION, place)], Json(body)).into_response()
}

/// `200`, marked when it was decided the same before.
pub fn ruled(api: &Api, answer: &Answer) -> Result<Response, Problem> {
    Ok(decided(answer, Proposed::of(api, &answer.operation)?))
}

/// The same with a body of another shape.
pub fn decided(answer: &Answer, body: impl Serialize) -> Response {
    if answer.replayed {
        return ([(REPLAYED, HeaderValue::from_static("true"))], Json(body)).into_response();
    }
    Json(body).into_response()
}

/// The id in a path.
pub fn id_of(text: &str, kind: OperationKind) -> Result<(OperationKind, OperationId), Problem> {
    operations::id_of(text, kind).map(|id| (kind, id))
}

/// Recharge credit that is to be created or destroyed.
pub struct StockRequest {
    external_id: ExternalId,
    amount_minor: i64,
    reason: Reason,
    document: crate::domain::DocumentReference,
}

impl StockRequest {
    #[must_use]
    pub fn order(self, proposal: Proposal) -> ProposalOrder {
        let Self { external_id, amount_minor, reason, document } = self;
        ProposalOrder { external_id, proposal, amount_minor, reason, document }
    }
}

impl Readable for StockRequest {
    const FIELDS: &'static [Field] = &[EXTERNAL_ID, AMOUNT, CURRENCY, REASON, DOCUMENT];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let amount = fields::amount(&mut fields, state);
        let reason = fields::reason(&mut fields);
        let document = fields::document(&mut fields);
        let all = external_id.zip(amount).zip(reason.zip(document));
        let request = all.map(|((external_id, amount_minor), (reason, document))| Self {
            external_id,
            amount_minor,
            reason,
            document,
        });
        fields.finish(request)
    }
}

impl PartialSchema for StockRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Recharge credit that is to be created or destroyed.").into()
    }
}

impl ToSchema for StockRequest {}

/// A correction by hand.
pub struct AdjustmentRequest {
    stock: StockRequest,
    proposal: Proposal,
}

impl AdjustmentRequest {
    #[must_use]
    pub fn order(self) -> ProposalOrder {
        self.stock.order(self.proposal)
    }
}

impl Readable for AdjustmentRequest {
    const FIELDS: &'static [Field] = &[
        EXTERNAL_ID,
        Field::text(
            "reseller_id",
            40,
            "Whose stock; the operator's own when absent.",
            "rsl_01939f3e-7c00-7000-8000-00000000000a",
        )
        .matching("^rsl_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        .optional(),
        Field::choice(
            "direction",
            || Direction::ALL.map(Direction::name).to_vec(),
            "`in`: from suspense into the stock; `out`: out of the stock into suspense.",
            "out",
        ),
        AMOUNT,
        CURRENCY,
        REASON,
        DOCUMENT,
    ];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let reseller = fields.text("reseller_id", ResellerId::from_str);
        let direction = fields.text("direction", |text| Direction::from_name(text).ok_or("expected in or out"));
        let amount = fields::amount(&mut fields, state);
        let reason = fields::reason(&mut fields);
        let document = fields::document(&mut fields);
        let all = external_id.zip(amount).zip(reason.zip(document)).zip(direction);
        let request = all.map(|(((external_id, amount_minor), (reason, document)), direction)| Self {
            stock: StockRequest { external_id, amount_minor, reason, document },
            proposal: Proposal::Adjustment { reseller, direction },
        });
        fields.finish(request)
    }
}

impl PartialSchema for AdjustmentRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Recharge credit that is to be moved between a stock and suspense.").into()
    }
}

impl ToSchema for AdjustmentRequest {}

/// What a checker says.
pub struct ApprovalRequest {
    pub ruling: Ruling,
    pub reason: Reason,
}

impl Readable for ApprovalRequest {
    const FIELDS: &'static [Field] =
        &[Field::choice("decision", || Ruling::ALL.map(Ruling::name).to_vec(), "What is decided.", "approve"), REASON];

    fn read(mut fields: Fields<'_>, _: &ApiState) -> Result<Self, Problem> {
        let ruling = fields.text("decision", |text| Ruling::from_name(text).ok_or("expected approve or refuse"));
        let reason = fields::reason(&mut fields);
        let request = ruling.zip(reason).map(|(ruling, reason)| Self { ruling, reason });
        fields.finish(request)
    }
}

impl PartialSchema for ApprovalRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "What a second person decides.").into()
    }
}

impl ToSchema for ApprovalRequest {}
