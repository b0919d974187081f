//! `GET /v1/resellers/{id}/totals`: what a subtree has.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::shape::id_of;
use crate::domain::{Currency, Money};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::schema;
use crate::http::state::ApiState;
use crate::ports::SubtreeTotal;
use crate::services::Caller;
use crate::services::network::Totals;

/// What a reseller and all below it have together.
#[derive(Serialize, ToSchema)]
pub struct SubtreeTotals {
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    #[schema(example = 50_000)]
    resellers: i64,
    /// Includes what is held.
    #[schema(example = "2000.00")]
    posted: String,
    /// Set aside for operations whose outcome is not known yet.
    #[schema(example = "20.00")]
    held: String,
    #[schema(example = "1980.00")]
    available: String,
    /// The same by level and standing, levels in alphabetical order.
    by: Vec<PartialTotal>,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    as_of: String,
}

/// What those of one level and one standing have.
#[derive(Serialize, ToSchema)]
pub struct PartialTotal {
    #[schema(example = "outlet")]
    level: String,
    #[schema(schema_with = schema::standing)]
    standing: &'static str,
    #[schema(example = 49_000)]
    resellers: i64,
    #[schema(example = "2000.00")]
    posted: String,
    #[schema(example = "20.00")]
    held: String,
    #[schema(example = "1980.00")]
    available: String,
}

impl SubtreeTotals {
    fn of(totals: Totals, currency: Currency) -> Self {
        let money = |minor: i64| Money::from_minor(minor, currency).to_string();
        let sum = |of: fn(&SubtreeTotal) -> i64| totals.by.iter().map(of).fold(0_i64, i64::saturating_add);
        let (posted, held) = (sum(|total| total.posted_minor), sum(|total| total.held_minor));
        let mut by: Vec<PartialTotal> = totals
            .by
            .iter()
            .map(|total| PartialTotal {
                level: total.level.to_string(),
                standing: total.standing.name(),
                resellers: total.resellers,
                posted: money(total.posted_minor),
                held: money(total.held_minor),
                available: money(total.posted_minor.saturating_sub(total.held_minor)),
            })
            .collect();
        by.sort_unstable_by(|one, other| (&one.level, one.standing).cmp(&(&other.level, other.standing)));
        Self {
            reseller_id: totals.root.to_string(),
            currency: currency.code(),
            resellers: sum(|total| total.resellers),
            posted: money(posted),
            held: money(held),
            available: money(posted.saturating_sub(held)),
            by,
            as_of: totals.as_of.to_string(),
        }
    }
}

/// What a subtree has
#[utoipa::path(
    get, path = "/v1/resellers/{id}/totals", operation_id = "get_totals", tag = "stock",
    params(("id" = String, Path, description = "The reseller", example = "rsl_01939f3e-7c00-7000-8000-00000000000a")),
    responses(
        (status = 200, description = "The stock of the reseller and of all below it", body = SubtreeTotals),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_totals(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<SubtreeTotals>, Problem> {
    let totals = state.network.totals(&caller, id_of(&id)?).await?;
    Ok(Json(SubtreeTotals::of(totals, state.currency)))
}
