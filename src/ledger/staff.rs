//! What auditors read of a staff action: the state of its subject before and after, as JSON without secrets.

use std::sync::Arc;

use serde_json::{Value, json};

use super::books::{PlaceChange, ShardBooks, Step, Subject};
use super::changes::Registration;
use super::command::Actor;
use crate::domain::{
    Account, Decline, Details, Operation, OperationKind, Proposal, Reseller, ResellerId, StaffAction, TerminalId,
    Timestamp,
};

/// The action of a step that is about to be recorded; `None` when it is not staff's, or what it is about is recorded
/// in another shard.
#[must_use]
pub fn action(books: &ShardBooks, step: &Step, actor: &Actor, recorded_at: Timestamp) -> Option<Arc<StaffAction>> {
    let origin = actor.origin().filter(|_| step.kind.is_staffs())?.clone();
    let (subject, reseller, before, after) = match &step.subject {
        Subject::Operation(operation) | Subject::Run { operation, .. } => {
            let before = books.operation(operation.id).map(|known| of_operation(known));
            (operation.id.uuid(), concerned(operation), before, of_operation(operation))
        }
        Subject::Reseller { reseller, stock, place } => {
            let place = place.as_ref().map(|(PlaceChange::New(place) | PlaceChange::Changed(place))| place);
            let known = books.reseller(reseller.id).zip(books.account(stock.number));
            let before = known.map(|(reseller, stock)| of_reseller(reseller, stock, None));
            (reseller.id.uuid(), reseller.id, before, of_reseller(reseller, stock, place))
        }
        Subject::Record(record) | Subject::Settlement { record, .. } => {
            let key = record.key();
            let before = books.record_of(key).map(|known| known.shown());
            (key.subject(), key.owner(), before, record.shown())
        }
        Subject::Elsewhere { .. } => return None,
    };
    Some(Arc::new(StaffAction {
        recorded_at,
        kind: step.kind,
        subject,
        actor: actor.name().clone(),
        origin,
        reseller,
        before: before.map(|state| state.to_string().into()),
        after: after.to_string().into(),
    }))
}

/// Whom an operation of the operator is for, else who acts.
fn concerned(operation: &Operation) -> ResellerId {
    match &operation.details {
        Details::CommissionPayout { to, .. } => *to,
        Details::Allocation(allocation) => allocation.to,
        Details::FourEyes(eyes) => eyes.proposal.reseller().unwrap_or(operation.reseller),
        Details::Recharge(_)
        | Details::Topup(_)
        | Details::Refund(_)
        | Details::Reversal(_)
        | Details::Tombstone
        | Details::Run(_)
        | Details::Transfer(_) => operation.reseller,
    }
}

fn of_operation(operation: &Operation) -> Value {
    let mut state = json!({
        "id": operation.kind().render(operation.id),
        "external_id": operation.external_id.as_str(),
        "amount_minor": operation.amount_minor,
        "status": operation.status.name(),
        "decline": operation.decline.map(Decline::code),
    });
    if let Some(Proposal::LimitRaise(raise)) = operation.four_eyes().map(|eyes| &eyes.proposal) {
        let change = &raise.change;
        state["reseller"] = change.reseller.to_string().into();
        state["effective_from"] = change.effective_from.map(|at| at.to_string()).into();
        state["terminal"] = change.terminal.as_ref().map(TerminalId::as_str).into();
        state["bounds"] = serde_json::to_value(change.bounds).unwrap_or(Value::Null);
        state["credit_limit_minor"] = change.credit_limit_minor.into();
    }
    if let Some(asked) = operation.four_eyes().and_then(|eyes| eyes.proposal.resolution()) {
        state["item"] = asked.item.id.to_string().into();
        state["resolution"] = asked.resolution.name().into();
        state["topup"] = asked.resolution.named().map(|topup| OperationKind::Topup.render(topup)).into();
    }
    if let Some(stated) = operation.four_eyes().and_then(|eyes| eyes.proposal.statement()) {
        state["recharge"] = OperationKind::Recharge.render(stated.recharge).into();
        state["decision"] = stated.name().into();
    }
    state
}

fn of_reseller(reseller: &Reseller, stock: &Account, registration: Option<&Registration>) -> Value {
    let mut state = json!({
        "standing": reseller.standing.name(),
        "per_operation_minor": reseller.limits.per_operation_minor,
        "per_day_count": reseller.limits.per_day_count,
        "per_day_minor": reseller.limits.per_day_minor,
        "credit_limit_minor": stock.credit_limit,
    });
    if let Some(place) = registration {
        state["code"] = place.code.as_str().into();
        state["name"] = place.name.as_str().into();
        state["level"] = place.level.as_str().into();
        state["parent"] = place.parent.map(|parent| parent.to_string()).into();
    }
    state
}
