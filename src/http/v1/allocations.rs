//! `/v1/allocations`: stock from the operator to one reseller.

use std::str::FromStr as _;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::fields::{self, AMOUNT, CURRENCY, REASON};
use super::recharges::create::{EXTERNAL_ID, RESELLER_ID};
use super::recharges::shape::{DeclineJson, REPLAYED};
use crate::domain::{ExternalId, Money, Operation, OperationId, OperationKind, ResellerId, Status, Terms};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::schema;
use crate::http::state::{Api, ApiState};
use crate::services::Caller;
use crate::services::allocations::AllocationOrder;

/// Stock that the operator handed to a reseller, or did not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Allocation {
    #[schema(example = "alc_01939f3e-7c00-7000-8000-000000000000")]
    id: String,
    #[schema(example = "stock-2026-11-22-D01")]
    external_id: String,
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    /// Face value.
    #[schema(example = "1000.00")]
    amount: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    #[schema(schema_with = terms)]
    terms: &'static str,
    #[schema(example = "opening stock")]
    reason: String,
    #[schema(schema_with = statuses)]
    status: &'static str,
    r#final: bool,
    #[schema(required)]
    decline: Option<DeclineJson>,
    /// What the reseller owes for it, VAT included; null on consignment.
    #[schema(example = "1000.00", required)]
    price: Option<String>,
    /// VAT within the price; null on consignment.
    #[schema(example = "166.67", required)]
    vat: Option<String>,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    created_at: String,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    updated_at: String,
}

fn statuses() -> utoipa::openapi::schema::Object {
    schema::one_of([Status::Completed, Status::Declined].map(Status::name))
}

/// The values of `terms`.
pub fn terms() -> utoipa::openapi::schema::Object {
    schema::one_of(Terms::ALL.map(Terms::name))
}

impl Allocation {
    pub(super) fn of(api: &Api, operation: &Operation) -> Result<Self, Problem> {
        let allocation = operation.allocation().ok_or_else(|| Problem::new(Code::NotFound))?;
        let money = |minor: i64| Money::from_minor(minor, api.currency).to_string();
        Ok(Self {
            id: OperationKind::Allocation.render(operation.id),
            external_id: operation.external_id.to_string(),
            reseller_id: allocation.to.to_string(),
            amount: money(operation.amount_minor),
            currency: api.currency.code(),
            terms: allocation.terms.name(),
            reason: allocation.reason.to_string(),
            status: operation.status.name(),
            r#final: operation.status.is_final(),
            decline: operation.decline.map(DeclineJson::from),
            price: allocation.price.map(|price| money(price.owed_minor())),
            vat: allocation.price.map(|price| money(price.vat_minor)),
            created_at: operation.created_at.to_string(),
            updated_at: operation.updated_at.to_string(),
        })
    }
}

/// Stock that is to be handed to a reseller.
pub struct AllocationRequest(AllocationOrder);

impl Readable for AllocationRequest {
    const FIELDS: &'static [Field] = &[
        EXTERNAL_ID,
        RESELLER_ID,
        AMOUNT,
        CURRENCY,
        Field::choice(
            "terms",
            || Terms::ALL.map(Terms::name).to_vec(),
            "Whether the reseller owes the price.",
            "consignment",
        ),
        REASON,
    ];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let reseller = fields.text("reseller_id", ResellerId::from_str);
        let amount = fields::amount(&mut fields, state);
        let terms = fields.text("terms", |text| Terms::from_name(text).ok_or("expected consignment or on_account"));
        let reason = fields::reason(&mut fields);
        let all = external_id.zip(reseller).zip(amount.zip(terms)).zip(reason);
        let order = all.map(|(((external_id, reseller), (amount_minor, terms)), reason)| {
            Self(AllocationOrder { external_id, reseller, amount_minor, terms, reason })
        });
        fields.finish(order)
    }
}

impl PartialSchema for AllocationRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Stock that is to be handed to a reseller.").into()
    }
}

impl ToSchema for AllocationRequest {}

/// Hand stock to a reseller
///
/// On consignment the stock alone moves; on account the reseller also owes the price. A refusal for a business reason
/// is an answer too: `201` with `status` `declined`, final for its `external_id`.
#[utoipa::path(
    post, path = "/v1/allocations", operation_id = "create_allocation", tag = "stock",
    request_body = AllocationRequest,
    responses(
        (status = 201, description = "Decided: completed or declined", body = Allocation, headers(("Location" = String, description = "Where it is"))),
        (status = 200, description = "A replay: as it stands", body = Allocation, headers(("Idempotent-Replayed" = String, description = "`true`"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn create_allocation(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(AllocationRequest(order)): JsonBody<AllocationRequest>,
) -> Result<Response, Problem> {
    let answer = state.allocations.allocate(&caller, order).await?;
    let body = Allocation::of(&state, &answer.operation)?;
    if answer.replayed {
        return Ok((StatusCode::OK, [(REPLAYED, HeaderValue::from_static("true"))], Json(body)).into_response());
    }
    let place = HeaderValue::from_str(&format!("/v1/allocations/{}", body.id)).expect("ids are ASCII");
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(body)).into_response())
}

/// An allocation as it stands
#[utoipa::path(
    get, path = "/v1/allocations/{id}", operation_id = "get_allocation", tag = "stock",
    params(("id" = String, Path, description = "Its id", example = "alc_01939f3e-7c00-7000-8000-000000000000")),
    responses(
        (status = 200, description = "The allocation", body = Allocation),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_allocation(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Allocation>, Problem> {
    let parsed = OperationId::parse(&id, OperationKind::Allocation.prefix());
    let operation = state.allocations.get(&caller, parsed.ok_or_else(|| Problem::new(Code::NotFound))?).await?;
    Ok(Json(Allocation::of(&state, &operation)?))
}
