//! `GET /v1/audit`: what people did to configuration and network, newest first.

use std::str::FromStr;

use axum::extract::{OriginalUri, State};
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::domain::{EntryKind, ResellerId, Shard, Timestamp};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::query::{Query, cursor, parse_cursor};
use crate::http::state::ApiState;
use crate::ports::RecordedAction;
use crate::services::{AuditFilter, Caller};

const PATH: &str = "/v1/audit";
/// First byte of this list's cursors; time, shard and sequence of the last item shown follow.
const AFTER: u8 = 30;

/// The filters, as they are documented; [`filter`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read by name, so that unknown ones are noticed")]
pub struct AuditParameters {
    /// Only those about this reseller.
    reseller_id: Option<String>,
    /// Only those of this actor, such as `client:cli_…`.
    actor: Option<String>,
    /// Only those of this kind, such as `record.put`.
    action: Option<String>,
    /// Recorded at or after this time (RFC 3339).
    from: Option<String>,
    /// Recorded before this time (RFC 3339).
    to: Option<String>,
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of an earlier page.
    cursor: Option<String>,
}

/// What somebody did.
#[derive(Serialize, ToSchema)]
pub struct Action {
    /// Shard and sequence of the journal entry that carried it out.
    #[schema(example = "3-17")]
    entry: String,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    recorded_at: String,
    #[schema(example = "reseller.standing_changed")]
    #[serde(rename = "action")]
    kind: &'static str,
    /// Who.
    #[schema(example = "client:cli_01939f3e-7c00-7000-8000-000000000002")]
    actor: String,
    /// The way in: `api` or `command_line`.
    #[schema(example = "api")]
    via: &'static str,
    /// From where: the peer's address, or the user and the machine of the command line.
    #[schema(required)]
    address: Option<String>,
    /// The `X-Request-Id` of the answer.
    #[schema(required)]
    request_id: Option<String>,
    /// Why, where it was said.
    #[schema(required)]
    reason: Option<String>,
    /// Whom it concerns; null when no single reseller.
    #[schema(required)]
    reseller_id: Option<String>,
    /// The state before, without secrets; null when there was none.
    #[schema(required, value_type = Object)]
    before: Option<Value>,
    /// The state after, without secrets.
    #[schema(value_type = Object)]
    after: Value,
}

/// A page of actions.
#[derive(Serialize, ToSchema)]
pub struct ActionList {
    items: Vec<Action>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

impl Action {
    fn of(recorded: &RecordedAction) -> Self {
        let RecordedAction { shard, sequence, action } = recorded;
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        // What is not JSON was not written by us; verification says so, and the page still shows it.
        let state = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        Self {
            entry: format!("{shard}-{sequence}"),
            recorded_at: action.recorded_at.to_string(),
            kind: action.kind.name(),
            actor: action.actor.as_ref().to_owned(),
            via: action.origin.via.name(),
            address: text(&action.origin.address),
            request_id: text(&action.origin.request),
            reason: text(&action.origin.reason),
            reseller_id: Some(action.reseller).filter(|id| *id != ResellerId::OPERATOR).map(|id| id.to_string()),
            before: action.before.as_deref().map(state),
            after: state(&action.after),
        }
    }
}

/// What people did to configuration and network, newest first
///
/// About the caller's resellers, and what concerns no single one. Each action is part of the journal: verification
/// finds whatever is done to it.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "list_audit", tag = "audit",
    params(AuditParameters),
    responses(
        (status = 200, description = "A page", body = ActionList, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "The reseller is unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_audit(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["reseller_id", "actor", "action", "from", "to", "limit", "cursor"])?;
    let filter = filter(&mut query)?;
    let page = state.audit.list(&caller, filter).await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|last| cursor(AFTER, &place_of(last)));
    let link = next_cursor.as_ref().map(|next| (header::LINK, query.link_to_next(PATH, next)));
    let items = page.items.iter().map(Action::of).collect();
    Ok((AppendHeaders(link), Json(ActionList { items, next_cursor })).into_response())
}

fn filter(query: &mut Query) -> Result<AuditFilter, Problem> {
    let filter = AuditFilter {
        reseller: query.get("reseller_id", ResellerId::from_str),
        actor: query.get("actor", |text| Ok::<_, &str>(text.to_owned())),
        kind: query.get("action", |text| {
            let known = EntryKind::ALL.iter().copied().find(|kind| kind.name() == text && kind.is_staffs());
            known.ok_or("expected the name of an action")
        }),
        from: query.get("from", Timestamp::parse),
        to: query.get("to", Timestamp::parse),
        after: query.get("cursor", place),
        limit: query.limit(),
    };
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && to < from
    {
        query.refuse("to", "invalid", "expected a time after from");
    }
    query.finish()?;
    Ok(filter)
}

fn place_of(recorded: &RecordedAction) -> Vec<u8> {
    let at = recorded.action.recorded_at.unix_ms().to_be_bytes();
    [at.as_slice(), &[recorded.shard.number()], &recorded.sequence.to_be_bytes()].concat()
}

fn place(text: &str) -> Result<(Timestamp, Shard, i64), &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    let (kind, place) = parse_cursor(text)?;
    let place: [u8; 17] = place.try_into().map_err(|_| EXPECTED)?;
    let number = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().expect("eight bytes"));
    if kind != AFTER {
        return Err(EXPECTED);
    }
    Ok((Timestamp::from_unix_ms(number(&place[..8])), Shard::new(place[8]), number(&place[9..])))
}
