//! `GET /v1/recharges/{id}/timeline`: what happened to a recharge, from its beginning.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::domain::{
    AccountClass, Currency, Decline, Effect, Money, Operation, OperationId, OperationKind, ResellerId,
};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::schema::{one_of, status};
use crate::http::state::ApiState;
use crate::http::v1::operations;
use crate::http::v1::webhooks::WebhookDelivery;
use crate::services::Caller;
use crate::services::care::{Asked, Happening, ShownEntry, ShownPosting, Timeline};

/// One side of a posting.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostedAccount {
    /// As the chart of accounts names it.
    #[schema(example = "reseller_stock")]
    account: &'static str,
    /// Whose it is, where it is a reseller's.
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a", required)]
    reseller_id: Option<String>,
}

impl PostedAccount {
    fn of((class, owner): (AccountClass, Option<ResellerId>)) -> Self {
        Self { account: class.line().name, reseller_id: owner.map(|owner| owner.to_string()) }
    }
}

/// One debit and one credit.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelinePosting {
    debit: PostedAccount,
    credit: PostedAccount,
    #[schema(example = "airtime:MAD")]
    asset: String,
    #[schema(example = "20.00")]
    amount: String,
}

impl TimelinePosting {
    fn of(shown: &ShownPosting, currency: Currency) -> Self {
        Self {
            debit: PostedAccount::of(shown.debit),
            credit: PostedAccount::of(shown.credit),
            asset: shown.posting.asset.name(currency),
            amount: Money::from_minor(shown.posting.amount_minor, currency).to_string(),
        }
    }
}

/// An entry of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineEntry {
    #[schema(example = 3)]
    shard: u8,
    #[schema(example = 4711)]
    sequence: i64,
    #[schema(example = "recharge.completed")]
    kind: &'static str,
    /// Who caused it.
    #[schema(example = "system:charging")]
    actor: String,
    postings: Vec<TimelinePosting>,
    /// Postings of resellers outside the caller's subtrees, and what rounding left over of them.
    #[schema(example = 0)]
    hidden_postings: usize,
}

impl TimelineEntry {
    fn of(shown: &ShownEntry, currency: Currency) -> Self {
        Self {
            shard: shown.entry.shard.number(),
            sequence: shown.entry.sequence,
            kind: shown.entry.kind.name(),
            actor: shown.entry.actor.to_string(),
            postings: shown.postings.iter().map(|posting| TimelinePosting::of(posting, currency)).collect(),
            hidden_postings: shown.hidden,
        }
    }
}

/// A question to a charging system.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineCall {
    #[schema(schema_with = questions)]
    asks: &'static str,
    #[schema(example = "main")]
    charging_system: String,
    #[schema(example = "1763799000001000042")]
    charging_reference: String,
}

/// What was heard of a charging system, or of persons who state it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineAnswer {
    #[schema(schema_with = questions)]
    asks: &'static str,
    #[schema(example = "main")]
    charging_system: String,
    #[schema(example = "1763799000001000042")]
    charging_reference: String,
    /// `answer` (in time), `late_answer`, `inquiry`, `event`, `daily_record` or `statement`.
    #[schema(example = "answer")]
    by: &'static str,
    /// `applied`, `not_applied`, `not_known`, `nothing`, `no_answer` (before the deadline), `not_ours` (the line is another
    /// system's) or `not_received`.
    #[schema(example = "applied")]
    says: &'static str,
    /// Of `not_applied`.
    #[schema(example = json!(null), required)]
    decline: Option<&'static str>,
    /// Of evidence: `decided`, `nothing` or `contradicts`.
    #[schema(example = json!(null), required)]
    effect: Option<&'static str>,
    /// Of what was received, without numbers of subscribers.
    #[schema(example = json!(null), required)]
    excerpt: Option<String>,
}

/// An attempt to tell an endpoint.
#[derive(Serialize, ToSchema)]
pub struct TimelineDelivery {
    #[schema(example = "whe_01939f3e-7c00-7000-8000-000000000000")]
    endpoint_id: String,
    #[serde(flatten)]
    delivery: WebhookDelivery,
}

/// Something that happened; one of `entry`, `call`, `answer` and `delivery` is not null.
#[derive(Serialize, ToSchema)]
pub struct TimelineEvent {
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    at: String,
    /// To what: the recharge, a reversal of it, or the top-up it was paid by.
    #[schema(example = "rch_01939f3e-7c00-7000-8000-000000000001")]
    operation_id: String,
    #[serde(rename = "type")]
    #[schema(schema_with = types)]
    kind: &'static str,
    #[schema(required)]
    entry: Option<TimelineEntry>,
    #[schema(required)]
    call: Option<TimelineCall>,
    #[schema(required)]
    answer: Option<TimelineAnswer>,
    #[schema(required)]
    delivery: Option<TimelineDelivery>,
}

/// What happened to a recharge.
#[derive(Serialize, ToSchema)]
pub struct RechargeTimeline {
    #[schema(example = "rch_01939f3e-7c00-7000-8000-000000000001")]
    recharge_id: String,
    #[schema(schema_with = status)]
    status: &'static str,
    /// Newest first.
    reversal_ids: Vec<String>,
    /// The card payment it came by.
    #[schema(example = json!(null), required)]
    topup_id: Option<String>,
    /// Whether all entries of the recharge are there. `false` is rare: its doubt was noticed long after the deadline, in the
    /// middle of much else.
    #[schema(example = true)]
    complete: bool,
    /// In order of time.
    events: Vec<TimelineEvent>,
}

fn questions() -> Object {
    one_of(Asked::NAMES)
}

fn types() -> Object {
    one_of(["entry", "call", "answer", "delivery"])
}

/// What happened to a recharge, in order of time
///
/// Every entry of the journal about it, its reversals and its card payment with their postings; every call to a charging
/// system and what was answered; every attempt to deliver its events to the caller's endpoints (who has `care:read` sees all
/// endpoints').
#[utoipa::path(
    get, path = "/v1/recharges/{id}/timeline", operation_id = "get_timeline", tag = "care",
    params(("id" = String, Path, description = "The recharge", example = "rch_01939f3e-7c00-7000-8000-000000000001")),
    responses(
        (status = 200, description = "What happened", body = RechargeTimeline),
        (status = 404, description = "Unknown, or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn get_timeline(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<RechargeTimeline>, Problem> {
    let id = operations::id_of(&id, OperationKind::Recharge)?;
    Ok(Json(shown(&state.care.timeline(&caller, id).await?, state.currency)))
}

fn shown(timeline: &Timeline, currency: Currency) -> RechargeTimeline {
    let render = |operation: &Operation| operation.kind().render(operation.id);
    let beside = || timeline.reversals.iter().chain(&timeline.topup);
    let named = |id: OperationId| render(beside().find(|other| other.id == id).unwrap_or(&timeline.recharge));
    let events = timeline.events.iter().map(|event| {
        let mut shown = TimelineEvent {
            at: event.at.to_string(),
            operation_id: named(event.operation),
            kind: "entry",
            entry: None,
            call: None,
            answer: None,
            delivery: None,
        };
        fill(&mut shown, &event.what, currency);
        shown
    });
    RechargeTimeline {
        recharge_id: render(&timeline.recharge),
        status: timeline.recharge.status.name(),
        reversal_ids: timeline.reversals.iter().map(render).collect(),
        topup_id: timeline.topup.as_ref().map(render),
        complete: timeline.complete,
        events: events.collect(),
    }
}

fn fill(shown: &mut TimelineEvent, what: &Happening, currency: Currency) {
    match what {
        Happening::Entry(entry) => shown.entry = Some(TimelineEntry::of(entry, currency)),
        Happening::Call { asked, system, reference } => {
            shown.kind = "call";
            shown.call = Some(TimelineCall {
                asks: asked.name(),
                charging_system: system.to_string(),
                charging_reference: reference.to_string(),
            });
        }
        Happening::Answer { asked, system, reference, said } => {
            shown.kind = "answer";
            shown.answer = Some(TimelineAnswer {
                asks: asked.name(),
                charging_system: system.to_string(),
                charging_reference: reference.to_string(),
                by: said.by,
                says: said.says,
                decline: said.decline.map(Decline::code),
                effect: said.effect.map(Effect::name),
                excerpt: said.excerpt.as_deref().map(str::to_owned),
            });
        }
        Happening::Attempt { endpoint, attempt } => {
            shown.kind = "delivery";
            let delivery = WebhookDelivery::from(&**attempt);
            shown.delivery = Some(TimelineDelivery { endpoint_id: endpoint.to_string(), delivery });
        }
    }
}
