//! What a run is asked with: JSON, or CSV with the rest in the query.

use std::fmt::Display;
use std::str::FromStr as _;

use axum::extract::Request;
use serde::Deserialize;
use serde_json::error::Category;
use utoipa::ToSchema;

use super::csv;
use crate::domain::text::contains_card_number;
use crate::domain::{Asked, ExternalId, Money, Reason, ResellerId, Terms};
use crate::http::body::{has_media_type, read_large_body};
use crate::http::problem::{Code, FieldError, Problem};
use crate::http::query::Query;
use crate::http::state::{Api, ApiState};
use crate::http::v1::recharges::create::configured_currency;
use crate::services::allocations::{MAX_LINES, Receiver, RunOrder, RunSource};

/// Enough for [`MAX_LINES`] lines.
pub const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Errors beyond these are not listed.
const MAX_ERRORS: usize = 20;

/// Stock for many resellers: `lines` or a `rule`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocationRunRequest {
    /// Chosen and stored by the client before sending.
    #[schema(required, example = "opening-2026-11")]
    external_id: Option<String>,
    #[schema(required, example = "MAD")]
    currency: Option<String>,
    /// `consignment` or `on_account`.
    #[schema(required, example = "consignment")]
    terms: Option<String>,
    /// Tells what would happen and writes nothing.
    dry_run: Option<bool>,
    #[schema(required, example = "opening stock")]
    reason: Option<String>,
    /// At most 100,000.
    lines: Option<Vec<AllocationRunLine>>,
    rule: Option<AllocationRunRule>,
}

/// A reseller, by its id or its code, and an amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocationRunLine {
    reseller_id: Option<String>,
    #[schema(example = "D01-W01-O001")]
    code: Option<String>,
    #[schema(required, example = "500.00")]
    amount: Option<String>,
}

/// Every reseller of a level of a subtree: topped up to an amount, or given the same each.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocationRunRule {
    #[schema(required, example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    under: Option<String>,
    #[schema(required, example = "outlet")]
    level: Option<String>,
    #[schema(example = "2000.00")]
    top_up_to: Option<String>,
    #[schema(example = "500.00")]
    each: Option<String>,
}

/// A run that was understood.
pub struct Asking {
    pub order: RunOrder,
    pub dry_run: bool,
}

/// # Errors
/// A `400`, `413`, `415` or `422` problem.
pub async fn read(request: Request, state: &ApiState) -> Result<Asking, Problem> {
    if has_media_type(&request, "application/json") {
        let bytes = read_large_body(request, MAX_BODY_BYTES).await?;
        return Checked::new(state).json(parse(&bytes)?);
    }
    if !has_media_type(&request, "text/csv") {
        return Err(Problem::new(Code::UnsupportedMediaType));
    }
    let mut query = Query::read(request.uri(), &["external_id", "currency", "terms", "reason", "dry_run"])?;
    let text = |query: &mut Query, name| query.get(name, |text| Ok::<_, &str>(text.to_owned()));
    let dry_run = query.get("dry_run", |text| bool::from_str(text).map_err(|_| "expected true or false"));
    let body = AllocationRunRequest {
        external_id: text(&mut query, "external_id"),
        currency: text(&mut query, "currency"),
        terms: text(&mut query, "terms"),
        reason: text(&mut query, "reason"),
        dry_run,
        ..AllocationRunRequest::default()
    };
    query.finish()?;
    let bytes = read_large_body(request, MAX_BODY_BYTES).await?;
    let lines = csv::read(&bytes)?.into_iter();
    let lines =
        lines.map(|(code, amount)| AllocationRunLine { reseller_id: None, code: Some(code), amount: Some(amount) });
    Checked::new(state).json(AllocationRunRequest { lines: Some(lines.collect()), ..body })
}

fn parse(bytes: &[u8]) -> Result<AllocationRunRequest, Problem> {
    // The library's text may repeat what was sent: only the place is told.
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            Category::Data => Problem::new(Code::InvalidBody)
                .detail(format!("a field is unknown, appears twice or has the wrong JSON type at {place}")),
            Category::Syntax | Category::Eof | Category::Io => {
                Problem::new(Code::MalformedJson).detail(format!("not valid JSON at {place}"))
            }
        }
    })
}

/// Collects what is wrong.
struct Checked<'a> {
    api: &'a Api,
    errors: Vec<FieldError>,
}

impl<'a> Checked<'a> {
    fn new(api: &'a Api) -> Self {
        Self { api, errors: Vec::new() }
    }

    fn json(mut self, body: AllocationRunRequest) -> Result<Asking, Problem> {
        let external_id = self.text("/external_id", body.external_id, ExternalId::from_str);
        let currency = self.api.currency;
        let currency = self.text("/currency", body.currency, |text| configured_currency(text, currency));
        let terms =
            self.text("/terms", body.terms, |text| Terms::from_name(text).ok_or("expected consignment or on_account"));
        let reason = self.text("/reason", body.reason, Reason::from_str);
        let source = match (body.lines, body.rule) {
            (Some(lines), None) => self.lines(lines),
            (None, Some(rule)) => self.rule(rule),
            _ => self.wrong("/lines", "invalid", "expected lines or a rule"),
        };
        let all = external_id.zip(terms).zip(reason.zip(source)).zip(currency);
        match all {
            Some((((external_id, terms), (reason, source)), ())) if self.errors.is_empty() => {
                let order = RunOrder { external_id, terms, reason, source };
                Ok(Asking { order, dry_run: body.dry_run.unwrap_or(false) })
            }
            _ => Err(self.problem()),
        }
    }

    fn problem(self) -> Problem {
        let has_card = self.errors.iter().any(|error| error.code == "card_data_refused");
        let code = if has_card { Code::CardDataRefused } else { Code::ValidationFailed };
        Problem::with_errors(code, self.errors)
    }

    fn lines(&mut self, lines: Vec<AllocationRunLine>) -> Option<RunSource> {
        if lines.is_empty() || lines.len() > MAX_LINES {
            return self.wrong("/lines", "invalid", "expected 1 to 100000 lines");
        }
        let mut read = Vec::with_capacity(lines.len());
        for (index, line) in lines.into_iter().enumerate() {
            let place = |name: &str| format!("/lines/{index}/{name}");
            let receiver = match (line.reseller_id, line.code) {
                (Some(id), None) => {
                    self.text(&place("reseller_id"), Some(id), |text| ResellerId::from_str(text).map(Receiver::Id))
                }
                (None, Some(code)) => self.text(&place("code"), Some(code), |text| {
                    let fits = (1..=64).contains(&text.len());
                    if fits { Ok(Receiver::Code(text.into())) } else { Err("expected the code of a reseller") }
                }),
                _ => self.wrong(&place("code"), "invalid", "expected a reseller_id or a code"),
            };
            let amount = self.amount(&place("amount"), line.amount);
            read.extend(receiver.zip(amount));
            if self.errors.len() >= MAX_ERRORS {
                return None;
            }
        }
        Some(RunSource::Lines(read))
    }

    fn rule(&mut self, rule: AllocationRunRule) -> Option<RunSource> {
        let under = self.text("/rule/under", rule.under, ResellerId::from_str);
        let level = self.text("/rule/level", rule.level, |text| {
            if (1..=64).contains(&text.len()) { Ok(text.into()) } else { Err("expected a level of the network") }
        });
        let asked = match (rule.top_up_to, rule.each) {
            (Some(amount), None) => self.amount("/rule/top_up_to", Some(amount)).map(Asked::TopUpTo),
            (None, Some(amount)) => self.amount("/rule/each", Some(amount)).map(Asked::Exactly),
            _ => self.wrong("/rule/top_up_to", "invalid", "expected top_up_to or each"),
        };
        let all = under.zip(level).zip(asked);
        all.map(|((under, level), asked)| RunSource::Rule { under: Some(under), level, asked })
    }

    fn amount(&mut self, pointer: &str, text: Option<String>) -> Option<i64> {
        let currency = self.api.currency;
        self.text(pointer, text, |text| Money::parse(text, currency)).map(Money::minor)
    }

    fn text<T, E: Display>(
        &mut self,
        pointer: &str,
        text: Option<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let Some(text) = text else {
            return self.wrong(pointer, "missing", "this field is required");
        };
        if text.chars().any(char::is_control) {
            return self.wrong(pointer, "control_characters", "expected no control characters");
        }
        if contains_card_number(&text) {
            return self.wrong(pointer, "card_data_refused", "looks like a card number");
        }
        match parse(&text) {
            Ok(value) => Some(value),
            Err(expected) => self.wrong(pointer, "invalid", &expected.to_string()),
        }
    }

    fn wrong<T>(&mut self, pointer: &str, code: &'static str, detail: &str) -> Option<T> {
        self.errors.push(FieldError { pointer: pointer.to_owned(), code, detail: detail.to_owned() });
        None
    }
}
