//! A top-up as the contract shows it, and the statuses it is answered with.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::domain::{
    CardRecharge, CardRechargeStage, Channel, Dispute, DisputeStage, Money, Operation, OperationKind, Status, Timestamp,
};
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
    "recharge": null,
    "disputes": [],
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
    /// Of it, what the cardholder's bank took back: in disputes that are open or lost.
    #[schema(example = "0.00")]
    charged_back: String,
    /// What a subscriber bought for itself.
    #[schema(required)]
    recharge: Option<CardRechargeJson>,
    /// What cardholders' banks asked back, in the order in which the acquirer told it.
    disputes: Vec<DisputeJson>,
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

/// The recharge that a subscriber pays for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CardRecharge)]
pub struct CardRechargeJson {
    /// Its id; not known under it before it is sold.
    #[schema(required, example = "rch_01939f3e-7c00-7000-8000-000000000005")]
    id: Option<String>,
    #[schema(required, example = "+212612345678")]
    msisdn: Option<String>,
    #[schema(example = "airtime")]
    product: String,
    #[schema(required, example = "web")]
    channel: Option<&'static str>,
    /// `declined`: the money was given back.
    #[schema(schema_with = recharge_stages)]
    status: &'static str,
}

fn recharge_stages() -> Object {
    one_of(CardRechargeStage::ALL.iter().map(|stage| stage.name()))
}

impl CardRechargeJson {
    fn of(recharge: &CardRecharge) -> Self {
        Self {
            id: recharge.operation().map(|id| OperationKind::Recharge.render(id)),
            msisdn: recharge.subscriber().map(|(msisdn, _)| msisdn.e164()),
            product: recharge.product.to_string(),
            channel: recharge.channel().map(Channel::name),
            status: recharge.stage().name(),
        }
    }
}

/// A dispute of the payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Dispute)]
pub struct DisputeJson {
    /// The acquirer's own id of it.
    #[schema(example = "dsp_9")]
    reference: String,
    /// `won`: the money stayed with us, or came back to us.
    #[schema(schema_with = stages)]
    status: &'static str,
    /// What the cardholder's bank asks back.
    #[schema(example = "950.00")]
    amount: String,
    /// Of it, what is charged back now: never more than what the top-up had left.
    #[schema(example = "950.00")]
    charged_back: String,
    /// Unsold stock that was taken back for it, in face value.
    #[schema(example = "600.00")]
    stock_returned: String,
    /// Stock, in face value, that is held for sales without an outcome: taken back when it is released, owed when it is sold.
    #[schema(example = "100.00")]
    stock_held: String,
    /// What the reseller owes for stock that it had sold.
    #[schema(example = "285.00")]
    owed: String,
    /// Stock, in face value, that is still to come back after the dispute was won.
    #[schema(example = "0.00")]
    stock_awaited: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

fn stages() -> Object {
    one_of(DisputeStage::ALL.map(DisputeStage::name))
}

impl DisputeJson {
    fn of(api: &Api, dispute: &Dispute) -> Self {
        let money = |minor| Money::from_minor(minor, api.currency).to_string();
        let at = |ms| Timestamp::from_unix_ms(ms).to_string();
        Self {
            reference: dispute.reference.to_string(),
            status: dispute.stage.name(),
            amount: money(dispute.asked_minor),
            charged_back: money(dispute.booked_minor),
            stock_returned: money(dispute.unsold.face_minor),
            stock_held: money(dispute.held.face_minor),
            owed: money(dispute.owed_minor),
            stock_awaited: money(dispute.awaited.face_minor),
            created_at: at(dispute.opened_at_ms),
            updated_at: at(dispute.updated_at_ms),
        }
    }
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
            recharge: topup.recharge.as_deref().map(CardRechargeJson::of),
            disputes: topup.disputes.iter().map(|dispute| DisputeJson::of(api, dispute)).collect(),
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
