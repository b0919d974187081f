//! `GET /v1/recharges/{id}/commission`: what it earned, by which rule and how that was computed.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::catalogue::{PayIn, Rule};
use crate::domain::{Currency, Money, OperationKind};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::operations;
use crate::services::Caller;
use crate::services::commission::{ExplainedShare, Explanation};

/// The rule of a share as it was when the recharge was reserved.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommissionRule {
    /// Tells the lines of one rule over time apart.
    #[schema(example = 3)]
    number: u16,
    #[schema(example = "outlet")]
    code: String,
    /// commission (to the seller) or override (to those above it).
    #[schema(example = "commission")]
    kind: &'static str,
    /// What it is for; null where it is for all.
    #[schema(example = "outlet", required)]
    level: Option<String>,
    #[schema(required)]
    product: Option<String>,
    #[schema(required)]
    channel: Option<&'static str>,
    #[schema(required)]
    amount_min: Option<String>,
    #[schema(required)]
    amount_max: Option<String>,
    /// In percent.
    #[schema(example = "2")]
    rate: String,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    effective_from: String,
    #[schema(format = DateTime, required)]
    effective_until: Option<String>,
}

impl CommissionRule {
    fn of(number: u16, rule: &Rule, currency: Currency) -> Self {
        let money = |minor| Money::from_minor(minor, currency).to_string();
        Self {
            number,
            code: rule.code.to_string(),
            kind: rule.kind.name(),
            level: rule.level.as_deref().map(str::to_owned),
            product: rule.product.as_ref().map(ToString::to_string),
            channel: rule.channel.map(crate::domain::Channel::name),
            amount_min: rule.amounts.map(|band| money(band.min_minor)),
            amount_max: rule.amounts.filter(|band| band.max_minor < i64::MAX).map(|band| money(band.max_minor)),
            rate: rule.rate.to_string(),
            effective_from: rule.period.from.to_string(),
            effective_until: rule.period.until.map(|until| until.to_string()),
        }
    }
}

/// What one reseller earns.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommissionShare {
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    /// 0 for the seller, 1 for who stood directly above it, and so on.
    #[schema(example = 0)]
    steps_up: u8,
    /// stock or money.
    #[schema(example = "stock")]
    pay_in: &'static str,
    #[schema(example = "0.40")]
    amount: String,
    rule: CommissionRule,
    #[schema(example = "20.00 × 2 % = 0.40, rounded half to even: 0.40")]
    arithmetic: String,
}

/// Sums by what they are paid in.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommissionSums {
    #[schema(example = "0.40")]
    stock: String,
    #[schema(example = "0.15")]
    money: String,
}

/// What a recharge earned, as far as the caller may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Commission {
    #[schema(example = "rch_01939f3e-7c00-7000-8000-000000000001")]
    recharge_id: String,
    /// Whether it is posted: the recharge is completed. Else it is what it will earn, or would have.
    #[schema(example = true)]
    earned: bool,
    #[schema(example = "MAD")]
    currency: &'static str,
    /// Of the catalogue that the recharge was sold by; 0 before the first import.
    #[schema(example = 1)]
    catalogue_version: i64,
    shares: Vec<CommissionShare>,
    total: CommissionSums,
    /// What rounding the shares left over of their rounded whole; null when not all shares are shown.
    #[schema(required)]
    rounding: Option<CommissionSums>,
}

/// What a recharge earned
///
/// Each share with its rule and its arithmetic. Shares of resellers outside the caller's subtrees are not shown.
#[utoipa::path(
    get, path = "/v1/recharges/{id}/commission", operation_id = "get_commission", tag = "recharges",
    params(("id" = String, Path, description = "The recharge", example = "rch_01939f3e-7c00-7000-8000-000000000001")),
    responses(
        (status = 200, description = "Its commission", body = Commission),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_commission(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Commission>, Problem> {
    let id = operations::id_of(&id, OperationKind::Recharge)?;
    let explanation = state.commissions.explain(&caller, id).await?;
    Ok(Json(shown(&explanation, state.currency)))
}

fn shown(explanation: &Explanation, currency: Currency) -> Commission {
    let money = |minor| Money::from_minor(minor, currency).to_string();
    let sum = |pay_in| {
        let shares = explanation.shares.iter().filter(|share| share.pay_in == pay_in);
        money(shares.map(|share| share.amount_minor).sum())
    };
    let recharge = &explanation.recharge;
    let share = |share: &ExplainedShare| CommissionShare {
        reseller_id: share.reseller.to_string(),
        steps_up: share.steps_up,
        pay_in: share.pay_in.name(),
        amount: money(share.amount_minor),
        rule: CommissionRule::of(share.rule_number, &share.rule, currency),
        arithmetic: format!(
            "{} × {} % = {}, rounded half to even: {}",
            money(recharge.amount_minor),
            share.rule.rate,
            major(share.exact_minor, currency),
            money(share.amount_minor)
        ),
    };
    Commission {
        recharge_id: OperationKind::Recharge.render(recharge.id),
        earned: explanation.is_earned(),
        currency: currency.code(),
        catalogue_version: explanation.version,
        shares: explanation.shares.iter().map(share).collect(),
        total: CommissionSums { stock: sum(PayIn::Stock), money: sum(PayIn::Money) },
        rounding: explanation
            .residue_minor
            .map(|(of_money, of_stock)| CommissionSums { stock: money(of_stock), money: money(of_money) }),
    }
}

/// An amount of minor units before rounding, with at least the decimals of the currency.
fn major(exact_minor: Decimal, currency: Currency) -> Decimal {
    let mut exact = (exact_minor * Decimal::new(1, currency.exponent())).normalize();
    exact.rescale(exact.scale().max(currency.exponent()));
    exact
}
