//! `GET /v1/doubts`: recharges whose outcome is not known, with what is known of them.

use std::collections::HashMap;
use std::str::FromStr;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::operations::{cursor_after, place};
use super::recharges::evidence::EvidenceJson;
use super::recharges::shape::Recharge;
use super::recharges::statement::StatementJson;
use crate::domain::{OperationId, ResellerId, Status};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::Query;
use crate::http::state::ApiState;
use crate::services::{Caller, RechargeFilter};

const PATH: &str = "/v1/doubts";
/// First byte of this list's cursors; the id of the last item shown follows.
const AFTER: u8 = 81;

/// The filters, as they are documented.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct DoubtParameters {
    /// Only those of this reseller.
    reseller_id: Option<String>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// A recharge in doubt.
#[derive(Serialize, ToSchema)]
pub struct Doubt {
    recharge: Recharge,
    /// Since the charging system's time to answer was over.
    #[schema(example = 11)]
    age_s: i64,
    /// Whether `final_status_expected_at` has passed: a case for two persons.
    #[schema(example = false)]
    overdue: bool,
    /// What was received so far, in its order.
    evidence: Vec<EvidenceJson>,
    /// The newest statement about it; null when there is none.
    #[schema(required)]
    statement: Option<StatementJson>,
}

/// A page of recharges in doubt.
#[derive(Serialize, ToSchema)]
pub struct DoubtList {
    items: Vec<Doubt>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Recharges in doubt, newest first
///
/// Those of the caller's subtrees, each with the evidence so far. The next page is in `next_cursor` and in `Link`.
#[utoipa::path(
    get, path = "/v1/doubts", operation_id = "list_doubts", tag = "recharges",
    params(DoubtParameters),
    responses(
        (status = 200, description = "A page", body = DoubtList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_doubts(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["reseller_id", "limit", "cursor"])?;
    let filter = RechargeFilter {
        reseller: query.get("reseller_id", ResellerId::from_str),
        status: Some(Status::InDoubt),
        after: query.get("cursor", |text| place(text, AFTER)),
        limit: query.limit(),
        ..RechargeFilter::default()
    };
    query.finish()?;
    let page = state.recharges.list(&caller, filter).await?;
    let catalogue = state.catalogues.of(&page.items.iter().collect::<Vec<_>>()).await;
    let ids: Vec<OperationId> = page.items.iter().map(|operation| operation.id).collect();
    let mut evidence: HashMap<OperationId, Vec<EvidenceJson>> = HashMap::new();
    for recorded in state.recharges.evidence(&ids).await? {
        evidence.entry(recorded.item.operation).or_default().push(EvidenceJson::from(&recorded));
    }
    let mut stated = HashMap::new();
    for statement in state.four_eyes.statements(&ids).await? {
        if let Some(about) = statement.four_eyes().and_then(|eyes| eyes.proposal.statement()) {
            stated.insert(about.recharge, StatementJson::of(&statement)?);
        }
    }
    let now = state.clock.now();
    let doubts = page.items.iter().map(|operation| Doubt {
        recharge: Recharge::of(&state, operation, &catalogue),
        age_s: operation.recharge().map_or(0, |recharge| now.since_ms(recharge.submit_by) / 1_000),
        overdue: state.recharges.final_status_expected_at(operation).is_some_and(|promised| now > promised),
        evidence: evidence.remove(&operation.id).unwrap_or_default(),
        statement: stated.remove(&operation.id),
    });
    let items = doubts.collect();
    let next_cursor = page.next.map(|last| cursor_after(AFTER, last));
    let headers = query.page_headers(PATH, next_cursor.as_deref());
    Ok((headers, Json(DoubtList { items, next_cursor })).into_response())
}
