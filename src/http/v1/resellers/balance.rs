//! `GET /v1/resellers/{id}/balance`.

use axum::extract::{OriginalUri, Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Money, ResellerId, Timestamp};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::query::Query;
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
    /// Set aside for recharges whose outcome is not known yet. Null with `as_of`: what was held is not kept.
    #[schema(example = "20.00", required)]
    held: Option<String>,
    /// Null with `as_of`.
    #[schema(example = "1980.00", required)]
    available: Option<String>,
    /// Null with `as_of`.
    #[schema(example = "0.00", required)]
    credit_limit: Option<String>,
    /// Whether it is low; null where it is not watched, and with `as_of`.
    #[schema(required)]
    low_stock: Option<LowStock>,
    /// Sold to subscribers per day, of the last seven business days that are over. Null with `as_of`.
    #[schema(example = "240.00", required)]
    average_daily_sale: Option<String>,
    /// How many days what is available lasts at that pace; null when nothing was sold, and with `as_of`.
    #[schema(example = "8.3", required)]
    days_of_cover: Option<String>,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    as_of: String,
}

/// What stock is watched for.
#[derive(Serialize, ToSchema)]
pub struct LowStock {
    #[schema(example = "500.00")]
    threshold: String,
    /// Whether what is available is below it.
    is_low: bool,
}

/// What a reseller has
///
/// With `as_of`, what was posted at a moment that has passed; `held`, `available` and `credit_limit` are null then.
#[utoipa::path(
    get, path = "/v1/resellers/{id}/balance", operation_id = "get_balance", tag = "stock",
    params(
        ("id" = String, Path, description = "The reseller", example = "rsl_01939f3e-7c00-7000-8000-00000000000a"),
        ("as_of" = Option<String>, Query, description = "A moment that has passed (RFC 3339)"),
    ),
    responses(
        (status = 200, description = "Its stock", body = Balance),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_balance(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
    Path(id): Path<String>,
) -> Result<Json<Balance>, Problem> {
    let mut query = Query::read(&uri, &["as_of"])?;
    let as_of = query.get("as_of", Timestamp::parse);
    if as_of.is_some_and(|at| at > state.statements.clock.now()) {
        query.refuse("as_of", "invalid", "expected a time that has passed");
    }
    query.finish()?;
    let id: ResellerId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let money = |minor: i64| Money::from_minor(minor, state.currency).to_string();
    let (currency, reseller_id) = (state.currency.code(), id.to_string());
    if let Some(at) = as_of {
        let posted = money(state.statements.posted_at(&caller, id, at).await?);
        let as_of = at.to_string();
        return Ok(Json(Balance {
            reseller_id,
            currency,
            posted,
            held: None,
            available: None,
            credit_limit: None,
            low_stock: None,
            average_daily_sale: None,
            days_of_cover: None,
            as_of,
        }));
    }
    let balance = state.stock.balance(&caller, id).await?;
    let available = balance.account.posted - balance.account.held;
    let (watch, cover) = tokio::try_join!(state.stock_watches.find(id), state.stock_watches.cover(id, available))?;
    let low_stock = watch
        .map(|watch| LowStock { threshold: money(watch.threshold_minor), is_low: available < watch.threshold_minor });
    Ok(Json(Balance {
        reseller_id,
        currency,
        posted: money(balance.account.posted),
        held: Some(money(balance.account.held)),
        available: Some(money(available)),
        credit_limit: Some(money(balance.account.credit_limit)),
        low_stock,
        average_daily_sale: Some(money(cover.average_daily_sale_minor)),
        days_of_cover: cover.days.map(|days| format!("{days:.1}")),
        as_of: balance.as_of.to_string(),
    }))
}
