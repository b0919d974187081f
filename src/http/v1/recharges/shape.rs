//! A recharge as the contract shows it, and the statuses it is answered with.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema as _, ToSchema};

use crate::domain::catalogue::{Catalogue, Offer};
use crate::domain::{
    Currency, Decline, Money, Msisdn, Operation, OperationKind, SaleTerms, Status, TerminalId, Timestamp,
};
use crate::http::schema;
use crate::http::state::Api;
use crate::http::v1::products::BenefitJson;
use crate::services::commission::is_earned;

/// Tells a replay from a first answer.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A recharge. What a tombstone never knew is null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "rch_01939f3e-7c00-7000-8000-000000000001",
    "external_id": "atm7-000123",
    "reseller_id": "rsl_01939f3e-7c00-7000-8000-00000000000a",
    "msisdn": "+212612345678",
    "amount": "20.00",
    "currency": "MAD",
    "product": "airtime",
    "product_version": 1,
    "benefits": [],
    "validity": null,
    "channel": "atm",
    "terminal_id": "ATM-0007",
    "status": "completed",
    "final": true,
    "decline": null,
    "charging_reference": "1795336200000000123",
    "balance_after": "1980.00",
    "commission": "0.00",
    "reversed_amount": "0.00",
    "created_at": "2026-11-22T08:30:00.000Z",
    "updated_at": "2026-11-22T08:30:00.350Z",
    "final_status_expected_at": null
}))]
pub struct Recharge {
    #[schema(example = "rch_01939f3e-7c00-7000-8000-000000000001")]
    id: String,
    #[schema(example = "atm7-000123")]
    external_id: String,
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    #[schema(example = "+212612345678", required)]
    msisdn: Option<String>,
    #[schema(example = "20.00", required)]
    amount: Option<String>,
    #[schema(example = "MAD")]
    currency: &'static str,
    #[schema(example = "airtime", required)]
    product: Option<String>,
    /// Version of the catalogue that it was decided by; 0 before the first import.
    #[schema(example = 1, required)]
    product_version: Option<i64>,
    /// What the subscriber gets besides plain credit.
    benefits: Vec<BenefitJson>,
    /// How long what was bought is good, as an ISO 8601 duration; null when it does not expire by itself.
    #[schema(example = "P7D", required)]
    validity: Option<String>,
    #[schema(example = "atm", required)]
    channel: Option<&'static str>,
    #[schema(example = "ATM-0007", required)]
    terminal_id: Option<String>,
    #[schema(schema_with = schema::status)]
    status: &'static str,
    /// No change without a new, visible operation.
    r#final: bool,
    #[schema(required)]
    decline: Option<DeclineJson>,
    /// Our reference towards the charging system.
    #[schema(example = "1795336200000000123", required)]
    charging_reference: Option<String>,
    /// Available stock right after this reservation, frozen; null when declined.
    #[schema(example = "1980.00", required)]
    balance_after: Option<String>,
    /// What the seller earned by what is left of it; zero until it is completed. `/v1/recharges/{id}/commission` explains it.
    #[schema(example = "0.00")]
    commission: String,
    /// What of the amount was taken back by reversals; `/v1/recharges/{id}/reversals` lists them.
    #[schema(example = "0.00")]
    reversed_amount: String,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    created_at: String,
    #[schema(example = "2026-11-22T08:30:00.350Z", format = DateTime)]
    updated_at: String,
    /// When the outcome is known at the latest; null once it is.
    #[schema(format = DateTime, required)]
    final_status_expected_at: Option<String>,
}

/// Why a recharge was declined. `api-spec/problems.md` lists the codes in their order of precedence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decline)]
pub struct DeclineJson {
    #[schema(schema_with = schema::decline_code)]
    code: &'static str,
    #[schema(schema_with = crate::http::problem::retry_schema)]
    retry: &'static str,
}

impl From<Decline> for DeclineJson {
    fn from(decline: Decline) -> Self {
        Self { code: decline.code(), retry: decline.retry().name() }
    }
}

impl Recharge {
    #[must_use]
    pub fn of(api: &Api, operation: &Operation, catalogue: &Catalogue) -> Self {
        Self::new(operation, api.currency, api.recharges.final_status_expected_at(operation), catalogue)
    }

    /// With as much of the subscriber's number as may be seen anywhere.
    #[must_use]
    pub fn masked(self, operation: &Operation) -> Self {
        let msisdn = operation.recharge().map(|recharge| recharge.msisdn.to_string());
        Self { msisdn, ..self }
    }

    fn new(operation: &Operation, currency: Currency, expected_at: Option<Timestamp>, catalogue: &Catalogue) -> Self {
        let money = |minor: i64| Money::from_minor(minor, currency).to_string();
        let recharge = operation.recharge();
        let offer = recharge
            .filter(|recharge| recharge.terms.catalogue > 0)
            .and_then(|recharge| catalogue.offer(&recharge.product, operation.amount_minor, operation.created_at).ok());
        let reversed_minor = recharge.map_or(0, |recharge| recharge.reversed_minor);
        let left = recharge
            .filter(|_| is_earned(operation.status))
            .map(|recharge| recharge.terms.part(reversed_minor, operation.amount_minor, operation.amount_minor));
        let earned = left.as_ref().and_then(SaleTerms::of_seller);
        Self {
            id: OperationKind::Recharge.render(operation.id),
            external_id: operation.external_id.to_string(),
            reseller_id: operation.reseller.to_string(),
            msisdn: recharge.map(|recharge| Msisdn::e164(recharge.msisdn)),
            amount: recharge.map(|_| money(operation.amount_minor)),
            currency: currency.code(),
            product: recharge.map(|recharge| recharge.product.to_string()),
            product_version: recharge.map(|recharge| recharge.terms.catalogue),
            benefits: offer.into_iter().flat_map(|offer| &offer.benefits).map(BenefitJson::from).collect(),
            validity: offer.and_then(Offer::validity),
            channel: recharge.map(|recharge| recharge.channel.name()),
            terminal_id: recharge.and_then(|recharge| recharge.terminal.as_ref()).map(TerminalId::to_string),
            status: operation.status.name(),
            r#final: operation.status.is_final(),
            decline: operation.decline.map(DeclineJson::from),
            charging_reference: recharge
                .and_then(|recharge| recharge.charging_reference)
                .map(|reference| reference.to_string()),
            balance_after: operation.balance_after.filter(|_| operation.status != Status::Declined).map(money),
            commission: money(earned.map_or(0, |earned| earned.amount_minor)),
            reversed_amount: money(reversed_minor),
            created_at: operation.created_at.to_string(),
            updated_at: operation.updated_at.to_string(),
            final_status_expected_at: expected_at.filter(|_| operation.status.is_open()).map(|at| at.to_string()),
        }
    }
}

/// The example of a recharge, in doubt.
#[must_use]
pub fn in_doubt() -> serde_json::Value {
    let RefOr::T(Schema::Object(schema)) = Recharge::schema() else { unreachable!("a struct is an object") };
    let mut example = schema.examples.into_iter().next().or(schema.example).expect("it stands at the struct");
    example["status"] = Status::InDoubt.name().into();
    example["final"] = false.into();
    example["updated_at"] = "2026-11-22T08:30:04.000Z".into();
    example["final_status_expected_at"] = "2026-11-22T08:31:04.000Z".into();
    example
}

/// `200` for a replay; else `201` when it is decided and `202` when its outcome is not known yet.
pub async fn answered(api: &Api, operation: &Operation, replayed: bool) -> Response {
    let catalogue = api.catalogues.of(&[operation]).await;
    let body = Recharge::of(api, operation, &catalogue);
    let location = format!("/v1/recharges/{}", body.id);
    let mut response = (status_of(operation.status, replayed), Json(body)).into_response();
    let headers = response.headers_mut();
    if replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    } else {
        headers.insert(header::LOCATION, HeaderValue::from_str(&location).expect("ids are ASCII"));
    }
    response
}

fn status_of(status: Status, replayed: bool) -> StatusCode {
    match status {
        _ if replayed => StatusCode::OK,
        Status::Submitted | Status::InDoubt => StatusCode::ACCEPTED,
        _ => StatusCode::CREATED,
    }
}
