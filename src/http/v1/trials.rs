//! `POST /v1/trials`: what a recharge would come to now, without selling it.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::schema::Object;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::products::BenefitJson;
use super::recharges::create::{ORDER, RESELLER_ID, read_order};
use super::recharges::shape::DeclineJson;
use crate::domain::catalogue::{Catalogue, Offer};
use crate::domain::{Money, Status, TerminalId};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::schema::one_of;
use crate::http::state::{Api, ApiState};
use crate::services::recharges::{Reached, Trial};
use crate::services::{Caller, RechargeOrder, ServiceError};

/// A recharge that is only tried.
pub struct TrialRequest(RechargeOrder);

impl Readable for TrialRequest {
    const FIELDS: &'static [Field] =
        &[RESELLER_ID, ORDER[0], ORDER[1], ORDER[2], ORDER[3], ORDER[4], ORDER[5], ORDER[6]];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        // No key: nothing is kept, so that nothing can be repeated.
        let key = "trial".parse().expect("it is short printable ASCII");
        let order = read_order(&mut fields, state, Some(key));
        fields.finish(order).map(Self)
    }
}

impl PartialSchema for TrialRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "A recharge that is only tried.").into()
    }
}

impl ToSchema for TrialRequest {}

fn would_be() -> Object {
    one_of([Status::Completed, Status::Declined].map(Status::name))
}

fn subscriber() -> Object {
    one_of(Reached::ALL.map(Reached::name))
}

/// What a recharge would come to now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trial)]
pub struct TrialJson {
    /// `completed` when nothing stands against it that can be known beforehand.
    #[schema(schema_with = would_be)]
    would_be: &'static str,
    #[schema(required)]
    decline: Option<DeclineJson>,
    /// Whether the charging system knows the number; not asked for what is declined before.
    #[schema(schema_with = subscriber)]
    subscriber: &'static str,
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    #[schema(example = "+212612345678")]
    msisdn: String,
    #[schema(example = "20.00")]
    amount: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    #[schema(example = "airtime")]
    product: String,
    /// Version of the catalogue that it was decided by; 0 before the first import.
    #[schema(example = 1)]
    product_version: i64,
    /// What the subscriber would get besides plain credit.
    benefits: Vec<BenefitJson>,
    #[schema(example = "P7D", required)]
    validity: Option<String>,
    #[schema(example = "atm")]
    channel: &'static str,
    #[schema(example = "ATM-0007", required)]
    terminal_id: Option<String>,
    /// Available stock right after it; null when it would be declined.
    #[schema(example = "1980.00", required)]
    balance_after: Option<String>,
    /// What the seller would earn.
    #[schema(example = "0.00")]
    commission: String,
}

impl TrialJson {
    fn of(api: &Api, trial: &Trial, catalogue: &Catalogue) -> Option<Self> {
        let operation = &trial.operation;
        let recharge = operation.recharge()?;
        let money = |minor| Money::from_minor(minor, api.currency).to_string();
        let offer = Some(recharge.terms.catalogue)
            .filter(|version| *version > 0)
            .and_then(|_| catalogue.offer(&recharge.product, operation.amount_minor, operation.created_at).ok());
        let sold = trial.decline.is_none();
        let earned = recharge.terms.of_seller().filter(|_| sold);
        Some(Self {
            would_be: if sold { Status::Completed } else { Status::Declined }.name(),
            decline: trial.decline.map(DeclineJson::from),
            subscriber: trial.subscriber.name(),
            reseller_id: operation.reseller.to_string(),
            msisdn: recharge.msisdn.e164(),
            amount: money(operation.amount_minor),
            currency: api.currency.code(),
            product: recharge.product.to_string(),
            product_version: recharge.terms.catalogue,
            benefits: offer.into_iter().flat_map(|offer| &offer.benefits).map(BenefitJson::from).collect(),
            validity: offer.and_then(Offer::validity),
            channel: recharge.channel.name(),
            terminal_id: recharge.terminal.as_ref().map(TerminalId::to_string),
            balance_after: operation.balance_after.filter(|_| sold).map(money),
            commission: money(earned.map_or(0, |earned| earned.amount_minor)),
        })
    }
}

/// Try a recharge
///
/// Answers what `POST /v1/recharges` would now, decided by the same rules in the same order on the reseller's current
/// state, with the charging system asked whether it knows the number. Nothing is sold, set aside, counted or kept, and
/// nothing is promised: a moment later it may be another answer.
#[utoipa::path(
    post, path = "/v1/trials", operation_id = "try_recharge", tag = "recharges",
    request_body = TrialRequest,
    responses(
        (status = 200, description = "What it would come to", body = TrialJson),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn try_recharge(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(TrialRequest(order)): JsonBody<TrialRequest>,
) -> Result<Json<TrialJson>, Problem> {
    let trial = state.recharges.attempt(&caller, order).await?;
    let catalogue = state.catalogues.of(&[&trial.operation]).await;
    TrialJson::of(&state, &trial, &catalogue).map(Json).ok_or_else(|| ServiceError::Internal.into())
}
