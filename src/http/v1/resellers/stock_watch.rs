//! `/v1/resellers/{id}/stock-watch`: when a reseller's stock is low, and what is done about it.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::records::{Replenishment, ReplenishmentSource, StockWatch};
use crate::domain::{Currency, Money, ResellerId};
use crate::http::authorisation::insufficient_scope;
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::state::{Api, ApiState};
use crate::services::{Caller, Scope};

/// What a reseller's stock is watched for. All but the first two are null where it is not watched.
#[derive(Serialize, ToSchema)]
#[schema(as = StockWatch)]
pub struct StockWatchJson {
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    /// What is available below it is low.
    #[schema(example = "500.00", required)]
    threshold: Option<String>,
    /// Up to which low stock is brought again; null when it is only told.
    #[schema(example = "2000.00", required)]
    replenish_up_to: Option<String>,
    /// Where that stock comes from.
    #[schema(schema_with = source_schema, required)]
    replenish_from: Option<&'static str>,
}

fn source_schema() -> utoipa::openapi::schema::Object {
    crate::http::schema::one_of(ReplenishmentSource::ALL.map(ReplenishmentSource::name))
}

impl StockWatchJson {
    fn of(api: &Api, reseller: ResellerId, watch: Option<StockWatch>) -> Self {
        let money = |minor: i64| Money::from_minor(minor, api.currency).to_string();
        let rule = watch.and_then(|watch| watch.replenish);
        Self {
            reseller_id: reseller.to_string(),
            currency: api.currency.code(),
            threshold: watch.map(|watch| money(watch.threshold_minor)),
            replenish_up_to: rule.map(|rule| money(rule.up_to_minor)),
            replenish_from: rule.map(|rule| rule.source.name()),
        }
    }
}

/// What a reseller's stock shall be watched for.
pub struct StockWatchRequest(StockWatch);

impl Readable for StockWatchRequest {
    const FIELDS: &'static [Field] = &[
        Field::text("threshold", 64, "What is available below it is low.", "500.00").matching(r"^[0-9]+(\.[0-9]+)?$"),
        Field::text("currency", 3, "Currency of the installation (ISO 4217).", "MAD"),
        Field::text("replenish_up_to", 64, "Up to which low stock is brought again; above the threshold.", "2000.00")
            .matching(r"^[0-9]+(\.[0-9]+)?$")
            .optional(),
        Field::choice(
            "replenish_from",
            || ReplenishmentSource::ALL.map(ReplenishmentSource::name).to_vec(),
            "Where that stock comes from: the operator's stock, which it is when absent, or that of the reseller directly above. Ignored without replenish_up_to.",
            "operator",
        )
        .optional(),
    ];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let amount = |text: &str| Money::parse(text, state.currency).map_err(|error| error.to_string());
        let threshold = fields.text("threshold", amount).map(Money::minor);
        fields.text("currency", |text| match text.parse::<Currency>() {
            Ok(currency) if currency == state.currency => Ok(()),
            _ => Err("expected the currency of the installation"),
        });
        let up_to = fields.text("replenish_up_to", |text| {
            let up_to = amount(text)?.minor();
            if up_to > threshold.unwrap_or(0) { Ok(up_to) } else { Err("expected more than the threshold".to_owned()) }
        });
        let source = fields
            .text("replenish_from", |text| ReplenishmentSource::from_name(text).ok_or("expected operator or parent"));
        let source = source.unwrap_or(ReplenishmentSource::Operator);
        let replenish = up_to.map(|up_to_minor| Replenishment { source, up_to_minor });
        fields.finish(threshold.map(|threshold_minor| Self(StockWatch { threshold_minor, replenish })))
    }
}

impl PartialSchema for StockWatchRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "What a reseller's stock shall be watched for.").into()
    }
}

impl ToSchema for StockWatchRequest {}

/// What a reseller's stock is watched for
#[utoipa::path(
    get, path = "/v1/resellers/{id}/stock-watch", operation_id = "get_stock_watch", tag = "stock",
    params(("id" = String, Path, description = "The reseller", example = "rsl_01939f3e-7c00-7000-8000-00000000000a")),
    responses(
        (status = 200, description = "What it is watched for", body = StockWatchJson),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_stock_watch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<StockWatchJson>, Problem> {
    let id: ResellerId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let watch = state.stock_watches.get(&caller, id).await?;
    Ok(Json(StockWatchJson::of(&state, id, watch)))
}

/// Watch a reseller's stock
///
/// Replaces what it was watched for. When what is available falls below the threshold, the journal records `stock.low`,
/// and `stock.recovered` when it is back. With `replenish_up_to`, which needs the scope `stock:allocate`, what is
/// missing is then allocated to it, or transferred from the reseller directly above, once for each time and day that it
/// is low; when there is not enough, that is declined and tried again the next day.
#[utoipa::path(
    put, path = "/v1/resellers/{id}/stock-watch", operation_id = "put_stock_watch", tag = "stock",
    params(("id" = String, Path, description = "The reseller", example = "rsl_01939f3e-7c00-7000-8000-00000000000a")),
    request_body = StockWatchRequest,
    responses(
        (status = 200, description = "What it is watched for from now on", body = StockWatchJson),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "It, or the parent that shall bring it up, is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn put_stock_watch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(StockWatchRequest(watch)): JsonBody<StockWatchRequest>,
) -> Result<Json<StockWatchJson>, Problem> {
    let id: ResellerId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    if watch.replenish.is_some() && !caller.may(Scope::StockAllocate) {
        return Err(insufficient_scope(&[Scope::StockAllocate]));
    }
    state.stock_watches.put(&caller, id, watch).await?;
    Ok(Json(StockWatchJson::of(&state, id, Some(watch))))
}

/// Stop watching a reseller's stock
#[utoipa::path(
    delete, path = "/v1/resellers/{id}/stock-watch", operation_id = "delete_stock_watch", tag = "stock",
    params(("id" = String, Path, description = "The reseller", example = "rsl_01939f3e-7c00-7000-8000-00000000000a")),
    responses(
        (status = 200, description = "It is not watched any more", body = StockWatchJson),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn delete_stock_watch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<StockWatchJson>, Problem> {
    let id: ResellerId = id.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let ended = StockWatch { threshold_minor: 0, replenish: None };
    state.stock_watches.put(&caller, id, ended).await?;
    Ok(Json(StockWatchJson::of(&state, id, None)))
}
