//! `GET /v1/resellers/{id}/limits` and `PUT`: what a reseller and its terminals may sell.

use std::str::FromStr;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::records::{Bounds, LimitChange, LimitStep};
use crate::domain::{Currency, Money, MoneyError, ResellerId, TerminalId, Timestamp};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::recharges::create::configured_currency;
use crate::services::{Caller, LimitView};

/// Upper bounds; null is unlimited. Recharges whose outcome is not known yet count.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those of the contract")]
pub struct BoundsJson {
    #[schema(example = "500.00", required)]
    per_operation: Option<String>,
    #[schema(example = 400, required)]
    per_day_count: Option<i64>,
    #[schema(example = "20000.00", required)]
    per_day_amount: Option<String>,
    #[schema(example = 8000, required)]
    per_month_count: Option<i64>,
    #[schema(example = "400000.00", required)]
    per_month_amount: Option<String>,
}

impl BoundsJson {
    #[must_use]
    pub fn of(bounds: &Bounds, currency: Currency) -> Self {
        let money = |minor: i64| Money::from_minor(minor, currency).to_string();
        Self {
            per_operation: bounds.per_operation_minor.map(money),
            per_day_count: bounds.per_day_count,
            per_day_amount: bounds.per_day_minor.map(money),
            per_month_count: bounds.per_month_count,
            per_month_amount: bounds.per_month_minor.map(money),
        }
    }
}

/// The bounds of one terminal.
#[derive(Debug, Serialize, ToSchema)]
pub struct TerminalLimits {
    #[schema(example = "ATM-0007")]
    terminal_id: String,
    limits: BoundsJson,
}

/// What holds together.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitStepJson {
    /// Null for what holds now.
    #[schema(format = DateTime, required)]
    effective_from: Option<String>,
    #[schema(example = "0.00")]
    credit_limit: String,
    limits: BoundsJson,
    terminals: Vec<TerminalLimits>,
}

/// The limits of a reseller.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitsJson {
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    present: LimitStepJson,
    /// Changes to come, by time.
    scheduled: Vec<LimitStepJson>,
}

impl LimitsJson {
    fn of(view: &LimitView, currency: Currency) -> Self {
        let step = |step: &LimitStep, effective_from| LimitStepJson::of(step, effective_from, currency);
        let begins = |step: &LimitStep| Some(Timestamp::from_unix_ms(step.effective_from_ms).to_string());
        Self {
            reseller_id: view.reseller.to_string(),
            currency: currency.code(),
            present: step(&view.present, None),
            scheduled: view.coming.iter().map(|coming| step(coming, begins(coming))).collect(),
        }
    }
}

impl LimitStepJson {
    fn of(step: &LimitStep, effective_from: Option<String>, currency: Currency) -> Self {
        let money = |minor: i64| Money::from_minor(minor, currency).to_string();
        let bounds = |bounds: &Bounds| BoundsJson::of(bounds, currency);
        let terminals = step.terminals.iter();
        Self {
            effective_from,
            credit_limit: money(step.credit_limit_minor),
            limits: bounds(&step.reseller),
            terminals: terminals
                .map(|known| TerminalLimits { terminal_id: known.terminal.clone(), limits: bounds(&known.bounds) })
                .collect(),
        }
    }
}

/// Limits that are to hold; the reseller is in the path.
pub struct LimitsRequest {
    effective_from: Option<Timestamp>,
    terminal: Option<TerminalId>,
    bounds: Bounds,
    credit_limit_minor: Option<i64>,
}

const AMOUNT: &str = r"^[0-9]+(\.[0-9]+)?$";

/// The fields of limits that are to hold, in every request that has them.
pub const LIMITS: [Field; 9] = [
    Field::text("currency", 3, "Currency of the installation (ISO 4217).", "MAD"),
    Field::text(
        "effective_from",
        64,
        "From when on, in the future (RFC 3339); at once when absent.",
        "2026-12-01T00:00:00Z",
    )
    .optional(),
    Field::text(
        "terminal_id",
        TerminalId::MAX_LEN,
        "Limits of this terminal; of the reseller in all when absent.",
        "ATM-0007",
    )
    .matching("^[ -~]{1,32}$")
    .optional(),
    Field::text("per_operation", 64, "Most that one recharge may be; unlimited when absent.", "500.00")
        .matching(AMOUNT)
        .optional(),
    Field::count("per_day_count", "Recharges of a business day; unlimited when absent."),
    Field::text("per_day_amount", 64, "Sum of a business day; unlimited when absent.", "20000.00")
        .matching(AMOUNT)
        .optional(),
    Field::count("per_month_count", "Recharges of a month; unlimited when absent."),
    Field::text("per_month_amount", 64, "Sum of a month; unlimited when absent.", "400000.00")
        .matching(AMOUNT)
        .optional(),
    Field::text(
        "credit_limit",
        64,
        "How far the stock may go below zero; as it is when absent. Not for a terminal.",
        "0.00",
    )
    .matching(AMOUNT)
    .optional(),
];

impl LimitsRequest {
    /// Reads [`LIMITS`].
    pub fn read_fields(fields: &mut Fields<'_>, state: &ApiState) -> Self {
        // Nothing at all may be sold: zero is a limit.
        let amount = |text: &str| match Money::parse(text, state.currency) {
            Ok(money) => Ok(money.minor()),
            Err(MoneyError::Zero) => Ok(0),
            Err(error) => Err(error),
        };
        fields.text("currency", |text| configured_currency(text, state.currency));
        let request = Self {
            effective_from: fields.text("effective_from", Timestamp::parse),
            terminal: fields.text("terminal_id", TerminalId::from_str),
            bounds: Bounds {
                per_operation_minor: fields.text("per_operation", amount),
                per_day_count: fields.count("per_day_count"),
                per_day_minor: fields.text("per_day_amount", amount),
                per_month_count: fields.count("per_month_count"),
                per_month_minor: fields.text("per_month_amount", amount),
            },
            credit_limit_minor: fields.text("credit_limit", amount),
        };
        if request.terminal.is_some() && request.credit_limit_minor.is_some() {
            fields.refuse("credit_limit", "a terminal has no stock of its own");
        }
        request
    }

    #[must_use]
    pub fn of(self, reseller: ResellerId) -> LimitChange {
        let Self { effective_from, terminal, bounds, credit_limit_minor } = self;
        LimitChange { reseller, effective_from, terminal, bounds, credit_limit_minor }
    }
}

impl Readable for LimitsRequest {
    const FIELDS: &'static [Field] = &LIMITS;

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let request = Self::read_fields(&mut fields, state);
        fields.finish(Some(request))
    }
}

impl PartialSchema for LimitsRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "Limits that are to hold, all of them: what is absent is unlimited.").into()
    }
}

impl ToSchema for LimitsRequest {}

fn reseller(text: &str) -> Result<ResellerId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::NotFound))
}

/// Limits of a reseller
///
/// As they hold now, and the changes to come.
#[utoipa::path(
    get, path = "/v1/resellers/{id}/limits", operation_id = "get_limits", tag = "resellers",
    params(("id" = String, Path, description = "The reseller's id", example = "rsl_01939f3e-7c00-7000-8000-00000000000a")),
    responses(
        (status = 200, description = "The limits", body = LimitsJson),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_limits(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<LimitsJson>, Problem> {
    let view = state.limits.get(&caller, reseller(&id)?).await?;
    Ok(Json(LimitsJson::of(&view, state.currency)))
}

/// Lower limits
///
/// At once, or from a time on. What was sold in the day or month before counts. Lowering needs one person; a change
/// that raises any limit is refused: see `POST /v1/limit-raises`.
#[utoipa::path(
    put, path = "/v1/resellers/{id}/limits", operation_id = "put_limits", tag = "resellers",
    params(("id" = String, Path, description = "The reseller's id", example = "rsl_01939f3e-7c00-7000-8000-00000000000a")),
    request_body = LimitsRequest,
    responses(
        (status = 200, description = "The limits as they stand now", body = LimitsJson),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "It would raise a limit, or there are too many", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn put_limits(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<LimitsRequest>,
) -> Result<Json<LimitsJson>, Problem> {
    let view = state.limits.lower(&caller, request.of(reseller(&id)?)).await?;
    Ok(Json(LimitsJson::of(&view, state.currency)))
}
