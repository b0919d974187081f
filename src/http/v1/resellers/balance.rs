//! `GET /v1/resellers/{id}/balance`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Money, ResellerId};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::services::Caller;

/// What a reseller has. `available` is `posted` less `held`; debits may take it down to minus `credit_limit`.
#[derive(Serialize, ToSchema)]
pub struct Balance {
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    /// Includes what is held.
    #[schema(example = "2000.00")]
    posted: String,
    /// Set aside for recharges whose outcome is not known yet.
    #[schema(example = "20.00")]
    held: String,
    #[schema(example = "1980.00")]
    available: String,
    #[schema(example = "0.00")]
    credit_limit: String,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    as_of: String,
}

/// What a reseller has
#[utoipa::path(
    get, path = "/v1/resellers/{id}/balance", operation_id = "get_balance", tag = "stock",
    params(("id" = String, Path, description = "The reseller", example = "rsl_01939f3e-7c00-7000-8000-00000000000a")),
    responses(
        (status = 200, description = "Its stock", body = Balance),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_balance(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Balance>, Problem> {
    let id: ResellerId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let balance = state.stock.balance(&caller, id).await?;
    let money = |minor: i64| Money::from_minor(minor, state.currency).to_string();
    Ok(Json(Balance {
        reseller_id: balance.reseller.to_string(),
        currency: state.currency.code(),
        posted: money(balance.account.posted),
        held: money(balance.account.held),
        available: money(balance.account.posted - balance.account.held),
        credit_limit: money(balance.account.credit_limit),
        as_of: balance.as_of.to_string(),
    }))
}
