//! A reversal as the contract shows it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::domain::{Money, Operation, OperationKind, Status};
use crate::http::problem::{Code, Problem};
use crate::http::schema::one_of;
use crate::http::state::Api;
use crate::http::v1::recharges::REPLAYED;
use crate::http::v1::recharges::shape::DeclineJson;

fn statuses() -> Object {
    one_of(Status::OF_REVERSALS.map(Status::name))
}

/// Credit of a recharge that is taken back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reversal)]
pub struct ReversalJson {
    #[schema(example = "rev_01939f3e-7c00-7000-8000-000000000005")]
    id: String,
    #[schema(example = "rev-atm7-000123")]
    external_id: String,
    /// The recharge, or the tombstone of the key that was named.
    #[schema(example = "rch_01939f3e-7c00-7000-8000-000000000001")]
    recharge_id: String,
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    /// What is taken back; `0.00` when there was nothing to take back.
    #[schema(example = "20.00")]
    amount: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    #[schema(example = "wrong number")]
    reason: String,
    /// `created`: accepted, and applied as soon as the outcome of the recharge is known.
    #[schema(schema_with = statuses)]
    status: &'static str,
    r#final: bool,
    #[schema(required)]
    decline: Option<DeclineJson>,
    /// Our reference of the reversal towards the charging system.
    #[schema(example = "1795336200000000123", required)]
    charging_reference: Option<String>,
    /// What the seller gives back of its commission.
    #[schema(example = "0.00")]
    commission: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// When the outcome is known at the latest; null once it is, and while the recharge has none.
    #[schema(format = DateTime, required)]
    final_status_expected_at: Option<String>,
}

impl ReversalJson {
    pub(in crate::http) fn of(api: &Api, operation: &Operation) -> Result<Self, Problem> {
        let reversal = operation.reversal().ok_or_else(|| Problem::new(Code::NotFound))?;
        let recharge = reversal.recharge().map_err(|_| Problem::new(Code::NotFound))?;
        let money = |minor| Money::from_minor(minor, api.currency).to_string();
        let taken_back = reversal.taken_back();
        let given_back = taken_back.of_seller().filter(|_| operation.status != Status::Declined);
        Ok(Self {
            id: OperationKind::Reversal.render(operation.id),
            external_id: operation.external_id.to_string(),
            recharge_id: OperationKind::Recharge.render(recharge),
            reseller_id: operation.reseller.to_string(),
            amount: money(operation.amount_minor),
            currency: api.currency.code(),
            reason: reversal.reason.to_string(),
            status: operation.status.name(),
            r#final: operation.status.is_final(),
            decline: operation.decline.map(DeclineJson::from),
            charging_reference: reversal.charging_reference.map(|reference| reference.to_string()),
            commission: money(given_back.map_or(0, |earned| earned.amount_minor)),
            created_at: operation.created_at.to_string(),
            updated_at: operation.updated_at.to_string(),
            final_status_expected_at: api.reversals.final_status_expected_at(operation).map(|at| at.to_string()),
        })
    }
}

/// `200` for a replay; else `201` when it is decided and `202` when its outcome is not known yet.
pub(super) fn answered(api: &Api, operation: &Operation, replayed: bool) -> Result<Response, Problem> {
    let body = ReversalJson::of(api, operation)?;
    let location = format!("/v1/reversals/{}", body.id);
    let status = match (replayed, body.r#final) {
        (true, _) => StatusCode::OK,
        (false, true) => StatusCode::CREATED,
        (false, false) => StatusCode::ACCEPTED,
    };
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    if replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    } else {
        headers.insert(header::LOCATION, HeaderValue::from_str(&location).expect("ids are ASCII"));
    }
    Ok(response)
}
