//! A transfer as the contract shows it, and the statuses it is answered with.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::domain::{Money, Operation, OperationKind, ResellerId, Status, Timestamp, TransferKind};
use crate::http::problem::{Code, Problem};
use crate::http::schema::one_of;
use crate::http::state::Api;
use crate::http::v1::recharges::shape::{DeclineJson, REPLAYED};
use crate::services::recharges::Answer;

/// Stock on its way from one reseller to another, or back to the operator.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "trf_01939f3e-7c00-7000-8000-000000000002",
    "external_id": "stock-2026-11-22-7",
    "from_reseller_id": "rsl_01939f3e-7c00-7000-8000-00000000000a",
    "to_reseller_id": "rsl_01939f3e-7c00-7000-8000-00000000000b",
    "kind": "transfer",
    "amount": "500.00",
    "currency": "MAD",
    "acceptance": "none",
    "status": "completed",
    "final": true,
    "decline": null,
    "accept_by": null,
    "created_at": "2026-11-22T08:30:00.000Z",
    "updated_at": "2026-11-22T08:30:00.000Z"
}))]
pub struct Transfer {
    #[schema(example = "trf_01939f3e-7c00-7000-8000-000000000002")]
    id: String,
    #[schema(example = "stock-2026-11-22-7")]
    external_id: String,
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    from_reseller_id: String,
    /// Null is the operator.
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000b", required)]
    to_reseller_id: Option<String>,
    #[schema(schema_with = kinds)]
    kind: &'static str,
    #[schema(example = "500.00")]
    amount: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    /// Whether the receiver has to accept it first.
    #[schema(schema_with = acceptances)]
    acceptance: &'static str,
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// No change without a new, visible operation.
    r#final: bool,
    #[schema(required)]
    decline: Option<DeclineJson>,
    /// When a transfer that waits, or waited, for acceptance expires.
    #[schema(format = DateTime, required)]
    accept_by: Option<String>,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    created_at: String,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    updated_at: String,
}

pub fn kinds() -> Object {
    one_of(TransferKind::ALL.map(TransferKind::name))
}

fn acceptances() -> Object {
    one_of(["none", "required"])
}

pub fn statuses() -> Object {
    one_of(Status::OF_TRANSFERS.map(Status::name))
}

impl Transfer {
    /// # Errors
    /// When the operation is no transfer.
    pub fn of(api: &Api, operation: &Operation) -> Result<Self, Problem> {
        let transfer = operation.transfer().ok_or_else(|| Problem::new(Code::NotFound))?;
        let waits = transfer.asks_acceptance || transfer.accept_by.is_some();
        Ok(Self {
            id: OperationKind::Transfer.render(operation.id),
            external_id: operation.external_id.to_string(),
            from_reseller_id: operation.reseller.to_string(),
            to_reseller_id: transfer.to.as_ref().map(ResellerId::to_string),
            kind: transfer.kind.name(),
            amount: Money::from_minor(operation.amount_minor, api.currency).to_string(),
            currency: api.currency.code(),
            acceptance: if waits { "required" } else { "none" },
            status: operation.status.name(),
            r#final: operation.status.is_final(),
            decline: operation.decline.map(DeclineJson::from),
            accept_by: transfer.accept_by.as_ref().map(Timestamp::to_string),
            created_at: operation.created_at.to_string(),
            updated_at: operation.updated_at.to_string(),
        })
    }
}

/// `200` for a replay and for what moves a transfer on, `201` for a new one.
///
/// # Errors
/// When the operation is no transfer.
pub fn answered(api: &Api, answer: &Answer, created: bool) -> Result<Response, Problem> {
    let body = Transfer::of(api, &answer.operation)?;
    let location = format!("/v1/transfers/{}", body.id);
    let made = created && !answer.replayed;
    let mut response = (if made { StatusCode::CREATED } else { StatusCode::OK }, Json(body)).into_response();
    let headers = response.headers_mut();
    if answer.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    } else if created {
        headers.insert(header::LOCATION, HeaderValue::from_str(&location).expect("ids are ASCII"));
    }
    Ok(response)
}
