//! `GET /v1/products`: what is sold.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::catalogue::{Benefit, Offer, Product};
use crate::domain::{Currency, Money};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{PageParameters, Query, cursor, parse_cursor};
use crate::http::state::ApiState;

const PATH: &str = "/v1/products";
/// First byte of a cursor; the code of the last product shown follows.
const AFTER: u8 = 60;

/// A part of what a subscriber gets besides plain credit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Benefit)]
pub struct BenefitJson {
    #[schema(example = "data")]
    kind: &'static str,
    #[schema(example = 10240)]
    quantity: u32,
    /// What the quantity counts: percent (of the amount, as credit), minutes, MB or messages.
    #[schema(example = "MB")]
    unit: &'static str,
}

impl From<&Benefit> for BenefitJson {
    fn from(benefit: &Benefit) -> Self {
        Self { kind: benefit.kind.name(), quantity: benefit.quantity, unit: benefit.kind.unit() }
    }
}

/// Amounts of a product that bring the same, now or later.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Offer)]
pub struct OfferJson {
    #[schema(example = "Pass Internet 10 Go")]
    name: String,
    #[schema(example = "100.00")]
    amount_min: String,
    /// Equal to `amount_min` for a fixed amount.
    #[schema(example = "100.00")]
    amount_max: String,
    benefits: Vec<BenefitJson>,
    /// How long what was bought is good, as an ISO 8601 duration; null when it does not expire by itself.
    #[schema(example = "P30D", required)]
    validity: Option<String>,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    effective_from: String,
    #[schema(format = DateTime, required)]
    effective_until: Option<String>,
}

impl OfferJson {
    fn of(offer: &Offer, currency: Currency) -> Self {
        let money = |minor| Money::from_minor(minor, currency).to_string();
        Self {
            name: offer.name.to_string(),
            amount_min: money(offer.min_minor),
            amount_max: money(offer.max_minor),
            benefits: offer.benefits.iter().map(BenefitJson::from).collect(),
            validity: offer.validity(),
            effective_from: offer.period.from.to_string(),
            effective_until: offer.period.until.map(|until| until.to_string()),
        }
    }
}

/// A product with what it offers from now on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub struct ProductJson {
    /// What a recharge names.
    #[schema(example = "*3")]
    code: String,
    #[schema(example = "Pass Internet")]
    name: String,
    /// `open_range`, `denomination`, `benefit` or `pass`.
    #[schema(example = "benefit")]
    kind: &'static str,
    offers: Vec<OfferJson>,
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductList {
    #[schema(example = "MAD")]
    currency: &'static str,
    /// Version of the catalogue; 0 before its first import.
    #[schema(example = 1)]
    version: i64,
    items: Vec<ProductJson>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What is sold
///
/// Denominations, open ranges, recharges with a benefit, and passes, with the amounts they are sold at now and those
/// that are announced. An amount that several offers of a product include is sold by the narrowest.
#[utoipa::path(
    get, path = "/v1/products", operation_id = "list_products", tag = "products",
    params(PageParameters),
    responses(
        (status = 200, description = "A page", body = ProductList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_products(State(state): State<ApiState>, OriginalUri(uri): OriginalUri) -> Result<Response, Problem> {
    let (query, after, limit) = Query::page(&uri, place)?;
    let limit = limit as usize;
    let published = state.catalogues.current().await?;
    let now = state.clock.now();
    let from_now = |product: &&Product| product.offers.iter().any(|offer| offer.period.reaches(now));
    let mut products: Vec<&Product> = published.catalogue.products().iter().filter(from_now).collect();
    products.sort_unstable_by_key(|product| &product.code);
    let rest = products.iter().filter(|product| after.as_deref().is_none_or(|after| product.code.as_str() > after));
    let mut page: Vec<&Product> = rest.copied().take(limit + 1).collect();
    let more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| more);
    let next_cursor = last.map(|product| cursor(AFTER, product.code.as_str().as_bytes()));
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    let items = page.into_iter().map(|product| ProductJson {
        code: product.code.to_string(),
        name: product.name.to_string(),
        kind: product.kind.name(),
        offers: product
            .offers
            .iter()
            .filter(|offer| offer.period.reaches(now))
            .map(|offer| OfferJson::of(offer, state.currency))
            .collect(),
    });
    let (currency, version, items) = (state.currency.code(), published.version, items.collect());
    Ok((headers, Json(ProductList { currency, version, items, next_cursor })).into_response())
}

fn place(text: &str) -> Result<String, &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    match parse_cursor(text)? {
        (AFTER, place) => String::from_utf8(place).map_err(|_| EXPECTED),
        _ => Err(EXPECTED),
    }
}
