//! What events carry: the same JSON that `GET` answers.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::shape::WebhookEndpoint;
use crate::domain::records::StockAlert;
use crate::domain::{Details, Money, Operation, ResellerId, Timestamp};
use crate::http::state::ApiState;
use crate::http::v1::allocations::Allocation;
use crate::http::v1::recharges::Recharge;
use crate::http::v1::reversals::ReversalJson;
use crate::http::v1::topups::{Refund, Topup};
use crate::http::v1::transfers::Transfer;
use crate::services::webhooks::{Endpoint, Representations};

/// The API's representations.
pub struct Shapes(pub ApiState);

/// Stock that crossed the threshold it is watched for, as it was then.
#[derive(Serialize)]
struct Stock {
    reseller_id: String,
    currency: &'static str,
    is_low: bool,
    available: String,
    threshold: String,
    since: String,
}

fn raw<T: Serialize>(value: T) -> Option<Box<RawValue>> {
    to_raw_value(&value).ok()
}

#[async_trait]
impl Representations for Shapes {
    async fn operation(&self, operation: &Operation) -> Option<Box<RawValue>> {
        let Self(api) = self;
        match &operation.details {
            Details::Recharge(_) | Details::Tombstone => {
                let catalogue = api.catalogues.of(&[operation]).await;
                raw(Recharge::of(api, operation, &catalogue))
            }
            Details::Reversal(_) => raw(ReversalJson::of(api, operation).ok()?),
            Details::Topup(_) => raw(Topup::of(api, operation).ok()?),
            Details::Refund(_) => raw(Refund::of(api, operation).ok()?),
            Details::Transfer(_) => raw(Transfer::of(api, operation).ok()?),
            Details::Allocation(_) => raw(Allocation::of(api, operation).ok()?),
            Details::CommissionPayout { .. } | Details::FourEyes(_) | Details::Run(_) => None,
        }
    }

    fn stock(&self, reseller: ResellerId, alert: &StockAlert) -> Option<Box<RawValue>> {
        let money = |minor: i64| Money::from_minor(minor, self.0.currency).to_string();
        raw(Stock {
            reseller_id: reseller.to_string(),
            currency: self.0.currency.code(),
            is_low: alert.is_low,
            available: money(alert.available_minor),
            threshold: money(alert.threshold_minor),
            since: Timestamp::from_unix_ms(alert.since_ms).to_string(),
        })
    }

    fn endpoint(&self, endpoint: &Endpoint) -> Option<Box<RawValue>> {
        raw(WebhookEndpoint::of(endpoint))
    }
}
