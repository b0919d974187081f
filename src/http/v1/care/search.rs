//! `GET /v1/care/recharges`: the recharges of a subscriber, for who helps. Recorded.

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::{Reason, SubscriberQuery, Timestamp};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::Query;
use crate::http::state::{Api, ApiState};
use crate::http::v1::operations::{cursor_after, place};
use crate::http::v1::recharges::Recharge;
use crate::services::Caller;
use crate::services::care::SubscriberSearch;

const PATH: &str = "/v1/care/recharges";
/// First byte of this list's cursors; the id before which the next page begins follows.
const AFTER: u8 = 130;
const MAX_PERIOD_MS: i64 = 31 * 24 * 60 * 60 * 1_000;

/// The parameters, as they are documented; [`asked`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct SearchParameters {
    /// The subscriber's number, or as much of it as is known: four or more first digits, `*` or `•` for those that are not
    /// known, two or more last digits.
    #[param(example = "2126****78")]
    msisdn: String,
    /// Created at or after this time (RFC 3339).
    #[param(example = "2026-11-22T00:00:00Z")]
    from: String,
    /// Created before this time (RFC 3339), at most 31 days later.
    #[param(example = "2026-11-23T00:00:00Z")]
    to: String,
    /// Why; it stands in the audit of staff actions.
    #[param(example = "call 4711: paid at an ATM, nothing came")]
    reason: String,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// A page of a subscriber's recharges.
#[derive(Serialize, ToSchema)]
pub struct SubscriberRecharges {
    /// Their numbers are masked where a masked number was asked for.
    items: Vec<Recharge>,
    /// For the next page; null on the last. For a masked number a page may have few items, or none, and be followed by others.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// The recharges of a subscriber, newest first
///
/// Those of the caller's subtrees. Each page that is shown is on the audit of staff actions first (`care.searched`): who, from
/// where, for which number (masked), why, and how many were found.
#[utoipa::path(
    get, path = "/v1/care/recharges", operation_id = "search_recharges", tag = "care",
    params(SearchParameters),
    responses(
        (status = 200, description = "A page", body = SubscriberRecharges, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown, missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn search_recharges(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["msisdn", "from", "to", "reason", "limit", "cursor"])?;
    let search = asked(&mut query, &state)?;
    let is_whole = search.subscriber.is_whole();
    let page = state.care.search(&caller, search).await?;
    let catalogue = state.catalogues.of(&page.items.iter().collect::<Vec<_>>()).await;
    let shown = page.items.iter().map(|operation| {
        let recharge = Recharge::of(&state, operation, &catalogue);
        if is_whole { recharge } else { recharge.masked(operation) }
    });
    let items = shown.collect();
    let next_cursor = page.next.map(|last| cursor_after(AFTER, last));
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    Ok((headers, Json(SubscriberRecharges { items, next_cursor })).into_response())
}

fn asked(query: &mut Query, api: &Api) -> Result<SubscriberSearch, Problem> {
    for name in ["msisdn", "from", "to", "reason"] {
        if !query.has(name) {
            query.refuse(name, "missing", "expected a value");
        }
    }
    let subscriber = query.get("msisdn", |text| SubscriberQuery::parse(&api.numbering, text));
    let (from, to) = (query.get("from", Timestamp::parse), query.get("to", Timestamp::parse));
    let reason = query.get("reason", str::parse::<Reason>);
    let after = query.get("cursor", |text| place(text, AFTER));
    let limit = query.limit();
    if let (Some(from), Some(to)) = (from, to)
        && (to < from || to.since_ms(from) > MAX_PERIOD_MS)
    {
        query.refuse("to", "invalid", "expected a time after from, at most 31 days later");
    }
    query.finish()?;
    let all = subscriber.zip(from.zip(to)).zip(reason);
    let ((subscriber, (from, to)), reason) =
        all.ok_or_else(|| Problem::new(crate::http::problem::Code::InvalidQuery))?;
    Ok(SubscriberSearch { subscriber, from, to, reason, after, limit })
}
