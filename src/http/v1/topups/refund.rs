//! `POST /v1/topups/{id}/refund`: gives money of a top-up back to the card.

use std::str::FromStr;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::schema::Object;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{ExternalId, Money, Operation, OperationKind, Status};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::schema::one_of;
use crate::http::state::{Api, ApiState};
use crate::http::v1::operations;
use crate::http::v1::recharges::create::{EXTERNAL_ID, configured_currency};
use crate::http::v1::recharges::shape::{DeclineJson, REPLAYED};
use crate::services::Caller;
use crate::services::refunds::RefundOrder;

const MAX_REASON: usize = 200;

/// A refund that is asked for, but for the top-up.
pub struct RefundRequest {
    external_id: ExternalId,
    amount_minor: Option<i64>,
    reason: Box<str>,
}

impl Readable for RefundRequest {
    const FIELDS: &'static [Field] = &[
        EXTERNAL_ID,
        Field::text("amount", 64, "What is given back; without it all that is left.", "95.00")
            .matching(r"^[0-9]+(\.[0-9]+)?$")
            .optional(),
        Field::text("currency", 3, "Currency of the installation (ISO 4217).", "MAD"),
        Field::text("reason", MAX_REASON, "Why, for the auditors.", "bought twice"),
    ];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let amount = fields.text("amount", |text| Money::parse(text, state.currency));
        fields.text("currency", |text| configured_currency(text, state.currency));
        let reason = fields.text("reason", |text| match text.trim() {
            "" => Err("expected a reason"),
            _ => Ok(Box::from(text)),
        });
        let request =
            || Some(Self { external_id: external_id?, amount_minor: amount.map(Money::minor), reason: reason? });
        let request = request();
        fields.finish(request)
    }
}

impl PartialSchema for RefundRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Money of a top-up that is to go back to its card.").into()
    }
}

impl ToSchema for RefundRequest {}

fn statuses() -> Object {
    one_of([Status::Processing, Status::InDoubt, Status::Refunded, Status::Declined].map(Status::name))
}

/// Money of a top-up that goes back to its card.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refund {
    #[schema(example = "rfd_01939f3e-7c00-7000-8000-000000000004")]
    id: String,
    #[schema(example = "top_01939f3e-7c00-7000-8000-000000000003")]
    topup_id: String,
    #[schema(example = "refund-2026-11-22")]
    external_id: String,
    #[schema(example = "95.00")]
    amount: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    #[schema(example = "bought twice")]
    reason: String,
    #[schema(schema_with = statuses)]
    status: &'static str,
    r#final: bool,
    #[schema(required)]
    decline: Option<DeclineJson>,
    /// The acquirer's own id of the refund.
    #[schema(required)]
    acquirer_reference: Option<String>,
    /// Unsold stock that came back for it, in face value.
    #[schema(example = "100.00")]
    stock_returned: String,
    /// What the reseller owes for stock that it had sold.
    #[schema(example = "0.00")]
    owed: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl Refund {
    pub(in crate::http::v1) fn of(api: &Api, operation: &Operation) -> Result<Self, Problem> {
        let refund = operation.refund().ok_or_else(|| Problem::new(Code::NotFound))?;
        let money = |minor| Money::from_minor(minor, api.currency).to_string();
        let stands = operation.status != Status::Declined;
        let taken = |minor: i64| money(if stands { minor } else { 0 });
        let topup = refund.topup().map_err(|_| Problem::new(Code::NotFound))?;
        Ok(Self {
            id: OperationKind::TopupRefund.render(operation.id),
            topup_id: OperationKind::Topup.render(topup),
            external_id: operation.external_id.to_string(),
            amount: money(operation.amount_minor),
            currency: api.currency.code(),
            reason: refund.reason.to_string(),
            status: operation.status.name(),
            r#final: operation.status.is_final(),
            decline: operation.decline.map(DeclineJson::from),
            acquirer_reference: refund.reference.as_deref().map(Into::into),
            stock_returned: taken(refund.clawed.face_minor),
            owed: taken(refund.clawed.owed_minor),
            created_at: operation.created_at.to_string(),
            updated_at: operation.updated_at.to_string(),
        })
    }
}

/// Give money of a top-up back to its card
///
/// Never more than is left of what was taken. Unsold stock comes back in proportion; what was sold is owed by the
/// reseller at the price of the top-up. What the acquirer refuses is put back, and the refund declined. The same
/// request again answers the refund as it stands.
#[utoipa::path(
    post, path = "/v1/topups/{id}/refund", operation_id = "refund_topup", tag = "topups",
    params(("id" = String, Path, description = "The top-up", example = "top_01939f3e-7c00-7000-8000-000000000003")),
    request_body = RefundRequest,
    responses(
        (status = 201, description = "Refunded, declined, or on its way", body = Refund),
        (status = 200, description = "A replay: the refund as it stands now", body = Refund, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn refund_topup(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<RefundRequest>,
) -> Result<Response, Problem> {
    let RefundRequest { external_id, amount_minor, reason } = request;
    let order = RefundOrder { topup: operations::id_of(&id, OperationKind::Topup)?, external_id, amount_minor, reason };
    let answer = state.topups.refund(&caller, order).await?;
    let body = Refund::of(&state, &answer.operation)?;
    let status = if answer.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = (status, Json(body)).into_response();
    if answer.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}
