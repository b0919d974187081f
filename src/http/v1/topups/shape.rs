//! A top-up as the contract shows it, and the statuses it is answered with.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::domain::{Money, Operation, OperationKind, Status, Timestamp};
use crate::http::problem::{Code, Problem};
use crate::http::schema::one_of;
use crate::http::state::Api;
use crate::http::v1::recharges::shape::{DeclineJson, REPLAYED};
use crate::services::recharges::Answer;

/// Stock that a reseller buys by card.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "top_01939f3e-7c00-7000-8000-000000000003",
    "external_id": "night-2026-11-22",
    "reseller_id": "rsl_01939f3e-7c00-7000-8000-00000000000a",
    "stock": "1000.00",
    "price": "950.00",
    "vat": "158.33",
    "fee": "0.00",
    "currency": "MAD",
    "acquirer": "simulator",
    "acquirer_reference": "pay_41",
    "status": "credited",
    "final": true,
    "decline": null,
    "redirect_url": null,
    "captured": "950.00",
    "refunded": "0.00",
    "charged_back": "0.00",
    "balance_after": "1200.00",
    "quote_expires_at": "2026-11-22T03:15:00.000Z",
    "created_at": "2026-11-22T03:00:00.000Z",
    "updated_at": "2026-11-22T03:00:01.000Z"
}))]
pub struct Topup {
    #[schema(example = "top_01939f3e-7c00-7000-8000-000000000003")]
    id: String,
    #[schema(example = "night-2026-11-22")]
    external_id: String,
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    /// Face value of what is bought.
    #[schema(example = "1000.00")]
    stock: String,
    /// What is paid for it, VAT included; the fee comes on top.
    #[schema(example = "950.00")]
    price: String,
    /// VAT within the price.
    #[schema(example = "158.33")]
    vat: String,
    #[schema(example = "0.00")]
    fee: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    /// The acquirer that was asked for the money, or that the caller wants.
    #[schema(required)]
    acquirer: Option<String>,
    /// The acquirer's own id of the payment.
    #[schema(required)]
    acquirer_reference: Option<String>,
    #[schema(schema_with = statuses)]
    status: &'static str,
    /// No change without a new, visible operation.
    r#final: bool,
    #[schema(required)]
    decline: Option<DeclineJson>,
    /// Where the customer must go; only in `requires_action`.
    #[schema(required)]
    redirect_url: Option<String>,
    /// What was taken from the card.
    #[schema(example = "950.00")]
    captured: String,
    /// Of it, what was given back.
    #[schema(example = "0.00")]
    refunded: String,
    /// Of it, what the cardholder's bank took back.
    #[schema(example = "0.00")]
    charged_back: String,
    /// The reseller's available stock after it came.
    #[schema(required)]
    balance_after: Option<String>,
    /// A payment that nobody made by then is given up.
    #[schema(format = DateTime)]
    quote_expires_at: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

pub fn statuses() -> Object {
    one_of(Status::OF_TOPUPS.map(Status::name))
}

impl Topup {
    /// # Errors
    /// When the operation is no top-up.
    pub fn of(api: &Api, operation: &Operation) -> Result<Self, Problem> {
        let topup = operation.topup().ok_or_else(|| Problem::new(Code::NotFound))?;
        let payment = &topup.payment;
        let money = |minor| Money::from_minor(minor, api.currency).to_string();
        let needs_customer = operation.status == Status::RequiresAction;
        Ok(Self {
            id: OperationKind::Topup.render(operation.id),
            external_id: operation.external_id.to_string(),
            reseller_id: operation.reseller.to_string(),
            stock: money(operation.amount_minor),
            price: money(topup.price.owed_minor()),
            vat: money(topup.price.vat_minor),
            fee: money(topup.fee_minor),
            currency: api.currency.code(),
            acquirer: payment.acquirer.as_deref().or(topup.named.as_deref()).map(Into::into),
            acquirer_reference: payment.reference.as_deref().map(Into::into),
            status: operation.status.name(),
            r#final: operation.status.is_final(),
            decline: operation.decline.map(DeclineJson::from),
            redirect_url: payment.action_url.as_deref().filter(|_| needs_customer).map(Into::into),
            captured: money(payment.captured_minor),
            refunded: money(payment.refunded_minor),
            charged_back: money(payment.charged_back_minor),
            balance_after: topup.balance_after.map(money),
            quote_expires_at: Timestamp::from_unix_ms(topup.quote_until_ms).to_string(),
            created_at: operation.created_at.to_string(),
            updated_at: operation.updated_at.to_string(),
        })
    }
}

/// `200` for a replay, `201` for a new one.
///
/// # Errors
/// When the operation is no top-up.
pub fn answered(api: &Api, answer: &Answer) -> Result<Response, Problem> {
    let body = Topup::of(api, &answer.operation)?;
    let location = format!("/v1/topups/{}", body.id);
    let status = if answer.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    if answer.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    } else {
        headers.insert(header::LOCATION, HeaderValue::from_str(&location).expect("ids are ASCII"));
    }
    Ok(response)
}
