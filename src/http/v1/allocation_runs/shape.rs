//! A run and its lines as the contract shows them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Line, Money, OperationKind, ResellerId, Status};
use crate::http::problem::{Code, Problem};
use crate::http::schema;
use crate::http::state::Api;
use crate::http::v1::allocations::terms;
use crate::http::v1::recharges::shape::REPLAYED;
use crate::ports::LineState;
use crate::services::allocations::{Preview, RunOrder, RunState};

/// Refusals that a dry run tells of at most.
const TOLD_REFUSALS: usize = 1_000;

/// A run over many resellers.
#[derive(Debug, Serialize, ToSchema)]
pub struct AllocationRun {
    /// Null for a dry run, of which nothing is kept.
    #[schema(example = "run_01939f3e-7c00-7000-8000-000000000000", required)]
    id: Option<String>,
    #[schema(example = "opening-2026-11")]
    external_id: String,
    #[schema(schema_with = statuses)]
    status: &'static str,
    r#final: bool,
    dry_run: bool,
    #[schema(schema_with = terms)]
    terms: &'static str,
    #[schema(example = "opening stock")]
    reason: String,
    #[schema(example = "MAD")]
    currency: &'static str,
    /// Lines of the run.
    #[schema(example = 500)]
    total: i64,
    /// Lines carried out by now.
    #[schema(example = 499)]
    done: i64,
    /// Lines refused by now.
    #[schema(example = 1)]
    refused: i64,
    /// Face value handed over by now: the sum of the postings.
    #[schema(example = "249500.00")]
    amount_done: String,
    /// Of a dry run: the first lines that would be refused, at most a thousand.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusals: Option<Vec<RefusedLine>>,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime, required)]
    created_at: Option<String>,
    #[schema(example = "2026-11-22T08:30:05.000Z", format = DateTime, required)]
    updated_at: Option<String>,
}

/// A line that a dry run would refuse.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedLine {
    /// From 1.
    #[schema(example = 7)]
    line: i64,
    #[schema(required)]
    reseller_id: Option<String>,
    #[schema(example = "D01-W01-O007", required)]
    code: Option<String>,
    /// `unknown_reseller`, or the code of a decline.
    #[schema(example = "unknown_reseller")]
    reason: &'static str,
}

/// A line of a run.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunLine {
    /// From 1, as the lines were sent.
    #[schema(example = 1)]
    line: i64,
    #[schema(required)]
    reseller_id: Option<String>,
    #[schema(example = "D01-W01-O001", required)]
    code: Option<String>,
    /// What was asked: an amount, or what to top up to.
    #[schema(example = "500.00")]
    asked: String,
    #[schema(schema_with = line_statuses)]
    status: &'static str,
    /// Face value handed over; null unless it was done.
    #[schema(example = "500.00", required)]
    amount: Option<String>,
    #[schema(example = "alc_01939f3e-7c00-7000-8000-000000000000", required)]
    allocation_id: Option<String>,
    /// Why it was refused: `unknown_reseller`, `not_carried_out`, or the code of a decline.
    #[schema(required)]
    reason: Option<&'static str>,
}

fn statuses() -> utoipa::openapi::schema::Object {
    schema::one_of([Status::Running, Status::Completed, Status::CompletedWithRefusals].map(Status::name))
}

fn line_statuses() -> utoipa::openapi::schema::Object {
    schema::one_of(["pending", "done", "refused"])
}

impl AllocationRun {
    /// # Errors
    /// When the operation is no run.
    pub fn of(api: &Api, state: &RunState) -> Result<Self, Problem> {
        let operation = &state.operation;
        let run = operation.run().ok_or_else(|| Problem::new(Code::NotFound))?;
        Ok(Self {
            id: Some(OperationKind::AllocationRun.render(operation.id)),
            external_id: operation.external_id.to_string(),
            status: operation.status.name(),
            r#final: operation.status.is_final(),
            dry_run: false,
            terms: run.terms.name(),
            reason: run.reason.to_string(),
            currency: api.currency.code(),
            total: run.lines,
            done: state.totals.done,
            refused: state.totals.refused,
            amount_done: Money::from_minor(state.totals.amount_minor, api.currency).to_string(),
            refusals: None,
            created_at: Some(operation.created_at.to_string()),
            updated_at: Some(operation.updated_at.to_string()),
        })
    }

    #[must_use]
    pub fn dry(api: &Api, order: &RunOrder, preview: &Preview) -> Self {
        let status = if preview.totals.refused == 0 { Status::Completed } else { Status::CompletedWithRefusals };
        let refused = |(line, reason): &(Line, &'static str)| RefusedLine {
            line: line.number,
            reseller_id: line.reseller.as_ref().map(ResellerId::to_string),
            code: line.code.as_deref().map(str::to_owned),
            reason,
        };
        Self {
            id: None,
            external_id: order.external_id.to_string(),
            status: status.name(),
            r#final: true,
            dry_run: true,
            terms: order.terms.name(),
            reason: order.reason.to_string(),
            currency: api.currency.code(),
            total: preview.lines,
            done: preview.totals.done,
            refused: preview.totals.refused,
            amount_done: Money::from_minor(preview.totals.amount_minor, api.currency).to_string(),
            refusals: Some(preview.refusals.iter().take(TOLD_REFUSALS).map(refused).collect()),
            created_at: None,
            updated_at: None,
        }
    }
}

impl RunLine {
    #[must_use]
    pub fn of(api: &Api, state: &LineState, run: Status) -> Self {
        let line = &state.line;
        let money = |minor: i64| Money::from_minor(minor, api.currency).to_string();
        let (status, reason) = match &state.allocation {
            Some(outcome) => match outcome.decline {
                Some(decline) => ("refused", Some(decline.code())),
                None => ("done", None),
            },
            None if line.reseller.is_none() => ("refused", Some("unknown_reseller")),
            None if run == Status::Running => ("pending", None),
            None => ("refused", Some("not_carried_out")),
        };
        let done = state.allocation.filter(|_| status == "done");
        Self {
            line: line.number,
            reseller_id: line.reseller.as_ref().map(ResellerId::to_string),
            code: line.code.as_deref().map(str::to_owned),
            asked: money(line.asked.minor()),
            status,
            amount: done.map(|outcome| money(outcome.amount_minor)),
            allocation_id: state.allocation.map(|outcome| OperationKind::Allocation.render(outcome.operation)),
            reason,
        }
    }
}

/// `202` with its place, or `200` for a replay.
///
/// # Errors
/// When the operation is no run.
pub fn started(api: &Api, state: &RunState) -> Result<Response, Problem> {
    let body = AllocationRun::of(api, state)?;
    if state.replayed {
        return Ok((StatusCode::OK, [(REPLAYED, HeaderValue::from_static("true"))], Json(body)).into_response());
    }
    let place = format!("/v1/allocation-runs/{}", body.id.as_deref().unwrap_or_default());
    let place = HeaderValue::from_str(&place).expect("ids are ASCII");
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(body)).into_response())
}
