//! `GET /v1/reconciliation` and `/lines`: a partner's end of day.

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::{TryStreamExt as _, stream};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{BusinessDay, Money, Operation, OperationKind};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::query::Query;
use crate::http::state::{Api, ApiState};
use crate::services::export::csv::CsvTable;
use crate::services::export::{Cell, Row};
use crate::services::reconciliation::DayLines;
use crate::services::{Caller, ServiceError};

/// How soon one may come back who found all places taken.
const RETRY_AFTER_S: u32 = 5;
const HEADINGS: [&str; 10] =
    ["kind", "external_id", "id", "reseller_id", "amount", "currency", "status", "decline", "reference", "created_at"];

/// A business day of the caller's subtrees.
#[derive(Serialize, ToSchema)]
pub struct ReconciliationDay {
    #[schema(example = "2026-11-22")]
    business_date: String,
    #[schema(format = DateTime)]
    begins_at: String,
    #[schema(format = DateTime)]
    ends_at: String,
    /// What began on the day, by its kind and by how it stands now.
    by: Vec<ReconciliationSum>,
}

/// What is of one kind and one status.
#[derive(Serialize, ToSchema)]
pub struct ReconciliationSum {
    /// `recharge`, `topup` or `reversal`.
    #[schema(example = "recharge")]
    kind: &'static str,
    #[schema(example = "completed")]
    status: &'static str,
    count: i64,
    /// Face value.
    #[schema(example = "1980.00")]
    amount: String,
    #[schema(example = "MAD")]
    currency: &'static str,
}

/// The caller's business day in counts and sums
///
/// Recharges, top-ups and reversals of its subtrees that began on the day, by kind and status. An answer changes as long as
/// something of the day is not final.
#[utoipa::path(
    get, path = "/v1/reconciliation", operation_id = "get_reconciliation", tag = "recharges",
    params(("business_date" = String, Query, description = "The day", example = "2026-11-22")),
    responses(
        (status = 200, description = "The day", body = ReconciliationDay),
        (status = 400, description = "The date is missing or none", body = ProblemJson, content_type = "application/problem+json"),
        (status = 503, description = "Too many reports at once", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_reconciliation(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<ReconciliationDay>, Problem> {
    let day = asked_day(&uri)?;
    let Ok(_place) = state.exports.places.try_acquire() else { return Err(overloaded()) };
    let sums = state.reconciliation.day(&caller, day).await?;
    let by = sums.into_iter().map(|sum| ReconciliationSum {
        kind: sum.kind.name(),
        status: sum.status.name(),
        count: sum.count,
        amount: Money::from_minor(sum.amount_minor, state.currency).to_string(),
        currency: state.currency.code(),
    });
    let (begins_at, ends_at) = state.reconciliation.calendar.bounds(day);
    Ok(Json(ReconciliationDay {
        business_date: day.to_string(),
        begins_at: begins_at.to_string(),
        ends_at: ends_at.to_string(),
        by: by.collect(),
    }))
}

/// The caller's business day line by line
///
/// CSV: recharges, then top-ups, then reversals, each from the newest. The last line, `closing`, has the number of those before; a file
/// without it was cut off.
#[utoipa::path(
    get, path = "/v1/reconciliation/lines", operation_id = "list_reconciliation_lines", tag = "recharges",
    params(("business_date" = String, Query, description = "The day", example = "2026-11-22")),
    responses(
        (status = 200, description = "The lines", body = String, content_type = "text/csv"),
        (status = 400, description = "The date is missing or none", body = ProblemJson, content_type = "application/problem+json"),
        (status = 503, description = "Too many reports at once", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_reconciliation_lines(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let day = asked_day(&uri)?;
    let permit = state.exports.places.clone().try_acquire_owned().map_err(|_| overloaded())?;
    let lines = state.reconciliation.lines(&caller, day);
    let table = CsvTable::new(state.currency, &HEADINGS);
    let reading = Reading { state, lines, table, count: 0, ended: false };
    let pieces = stream::try_unfold((reading, permit), |(mut reading, permit)| async move {
        Ok::<_, ServiceError>(reading.next_piece().await?.map(|piece| (piece, (reading, permit))))
    });
    let pieces = pieces.map_err(|_| std::io::Error::other("the store could not be read to the end"));
    let headers = [
        (header::CONTENT_TYPE, "text/csv".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"reconciliation-{day}.csv\"")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

struct Reading {
    state: ApiState,
    lines: DayLines,
    table: CsvTable,
    count: i64,
    ended: bool,
}

impl Reading {
    async fn next_piece(&mut self) -> Result<Option<Vec<u8>>, ServiceError> {
        if self.ended {
            return Ok(None);
        }
        let page = self.lines.next_page().await?;
        for operation in &page {
            self.count += 1;
            self.table.row(&row(&self.state, operation));
        }
        if page.is_empty() {
            self.ended = true;
            self.table.row(&vec![Cell::Text("closing".into()), Cell::Text(self.count.to_string())]);
        }
        Ok(Some(self.table.take()))
    }
}

fn row(api: &Api, operation: &Operation) -> Row {
    let optional = |text: Option<String>| text.map_or(Cell::Empty, Cell::Text);
    let reference = match operation.kind() {
        OperationKind::Reversal => operation.reversal().and_then(|it| Some(it.charging_reference?.to_string())),
        OperationKind::Topup => operation.topup().and_then(|topup| topup.payment.reference.as_deref().map(Into::into)),
        _ => operation.recharge().and_then(|recharge| Some(recharge.charging_reference?.to_string())),
    };
    vec![
        Cell::Text(operation.kind().name().into()),
        Cell::Text(operation.external_id.as_str().into()),
        Cell::Text(operation.kind().render(operation.id)),
        Cell::Text(operation.reseller.to_string()),
        Cell::Amount(operation.amount_minor),
        Cell::Text(api.currency.code().into()),
        Cell::Text(operation.status.name().into()),
        optional(operation.decline.map(|decline| decline.code().into())),
        optional(reference),
        Cell::Text(operation.created_at.to_string()),
    ]
}

fn asked_day(uri: &axum::http::Uri) -> Result<BusinessDay, Problem> {
    let mut query = Query::read(uri, &["business_date"])?;
    let day = query.get("business_date", str::parse::<BusinessDay>);
    if !query.has("business_date") {
        query.refuse("business_date", "missing", "expected a date such as 2026-11-22");
    }
    query.finish()?;
    day.ok_or_else(|| Problem::new(Code::InvalidQuery))
}

fn overloaded() -> Problem {
    Problem::retry_after(Code::Overloaded, RETRY_AFTER_S)
}
