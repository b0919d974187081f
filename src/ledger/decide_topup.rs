//! Decides what is asked about stock that is bought by card.

use std::sync::Arc;

use super::clawback::{self, Ending};
use super::command::{Actor, Command, Outcome, Refusal, Request, SetStanding};
use super::decide::{record, replay};
use super::rules::Moment;
use super::shards::Books;
use super::{dispute, network, refund, topup};
use crate::domain::{Hold, Operation, OperationId, Origin, ResellerId, Shard, Standing, Status, Via};

/// Stock that is bought by card.
pub(super) fn decide_topup(
    books: &mut Books,
    home: Shard,
    command: &Command,
    existing: Option<&Arc<Operation>>,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    match (&command.request, existing) {
        (Request::StartTopup(request), Some(existing)) => {
            let said = existing.topup().map(|topup| (topup.price, topup.fee_minor));
            let (price, fee_minor) = said.unwrap_or_default();
            replay(existing, request.face_minor, &topup::details(request, price, fee_minor, moment.now))
        }
        (Request::StartTopup(request), None) => {
            let steps = topup::start(&topup_places(books, home), request, moment).ok_or(Refusal::UnknownReseller)?;
            Ok(record_topup(books, home, steps, request.operation, command, moment))
        }
        (Request::AdvanceTopup(request), _) => match topup::advance(&topup_places(books, home), request, moment)? {
            Some(steps) => Ok(record_topup(books, home, steps, request.operation, command, moment)),
            None => unchanged(books, home, request.operation),
        },
        (Request::CreditTopup(request), _) => match topup::credit(&topup_places(books, home), request, moment)? {
            Some(steps) => Ok(record_topup(books, home, steps, request.operation, command, moment)),
            None => unchanged(books, home, request.operation),
        },
        (Request::StartRefund(request), Some(existing)) => {
            replay(existing, existing.amount_minor, &refund::details(request))
        }
        (Request::StartRefund(request), None) => {
            let steps = refund::start(books.shard(home), request, moment).ok_or(Refusal::UnknownReseller)?;
            Ok(record_topup(books, home, steps, request.operation, command, moment))
        }
        (Request::SettleRefund(request), _) => match refund::settle(&topup_places(books, home), request, moment)? {
            Some(steps) => Ok(record_topup(books, home, steps, request.operation, command, moment)),
            None => unchanged(books, home, request.operation),
        },
        (Request::BookDispute(request), _) => {
            let decided = dispute::book(&topup_places(books, home), request, moment)?;
            let Some(steps) = decided else { return unchanged(books, home, request.operation) };
            if steps.suspends && moment.rules.suspend_on_chargeback {
                let reason = format!("dispute {} of a card payment", request.dispute);
                suspend(books, home, request.reseller, &reason, command, moment)?;
            }
            Ok(record_dispute(books, home, steps, request.operation, command, moment))
        }
        (Request::TendDisputes(request), _) => match dispute::tend(&topup_places(books, home), request, moment)? {
            Some(steps) => Ok(record_dispute(books, home, steps, request.operation, command, moment)),
            None => unchanged(books, home, request.operation),
        },
        _ => unreachable!("nothing else is sent here"),
    }
}

/// Where no operator stock moves, the operator's shard is not in memory, and not looked at.
fn topup_places(books: &Books, home: Shard) -> topup::Places<'_> {
    let home = books.shard(home);
    topup::Places { home, operator: books.get(Shard::OPERATOR).unwrap_or(home) }
}

fn record_topup(
    books: &mut Books,
    home: Shard,
    steps: topup::TopupSteps,
    id: OperationId,
    command: &Command,
    moment: &Moment<'_>,
) -> Outcome {
    if let Some(step) = steps.operator {
        books.shard_mut(Shard::OPERATOR).record(step, &command.actor, moment.now);
    }
    if let Some(step) = steps.of {
        books.shard_mut(home).record(step, &command.actor, moment.now);
    }
    record(books, home, steps.home, id, command, moment)
}

fn unchanged(books: &Books, home: Shard, id: OperationId) -> Result<Outcome, Refusal> {
    let operation = books.shard(home).operation(id).ok_or(Refusal::UnknownOperation)?;
    Ok(Outcome::Unchanged(operation.clone()))
}

fn record_dispute(
    books: &mut Books,
    home: Shard,
    steps: dispute::DisputeSteps,
    id: OperationId,
    command: &Command,
    moment: &Moment<'_>,
) -> Outcome {
    if let Some(step) = steps.operator {
        books.shard_mut(Shard::OPERATOR).record(step, &command.actor, moment.now);
    }
    let shard = books.shard_mut(home);
    for step in steps.home {
        shard.record(step, &command.actor, moment.now);
    }
    Outcome::Decided(shard.operation(id).expect("the steps are about it").clone())
}

/// Suspends a reseller by the operator's policy. One that is suspended or closed stays so.
fn suspend(
    books: &mut Books,
    home: Shard,
    reseller: ResellerId,
    reason: &str,
    command: &Command,
    moment: &Moment<'_>,
) -> Result<(), Refusal> {
    let shard = books.shard(home);
    if shard.reseller(reseller).is_none_or(|reseller| reseller.standing != Standing::Active) {
        return Ok(());
    }
    let request = SetStanding { reseller, standing: Standing::Suspended, if_version: None };
    let step = network::set_standing(shard, books.tree(), &request)?;
    let origin = Origin { via: Via::Policy, address: None, request: None, reason: Some(reason.into()) };
    let actor = Actor::person(command.actor.name().clone(), origin);
    books.shard_mut(home).record(step, &actor, moment.now);
    Ok(())
}

/// A hold that has ended: those who waited for its stock take it.
pub(super) fn follow_hold(
    books: &mut Books,
    hold: Option<Hold>,
    outcome: &Outcome,
    command: &Command,
    moment: &Moment<'_>,
) {
    let (Some(hold), Outcome::Decided(operation)) = (hold, outcome) else { return };
    let shard = books.shard_mut(operation.id.shard());
    let Some(reseller) = shard.reseller(operation.reseller).filter(|_| shard.hold(operation.id).is_none()) else {
        return;
    };
    let ending = if operation.status == Status::Completed { Ending::Sold } else { Ending::Released };
    let steps = clawback::follow(shard, reseller, &hold, ending, moment.now);
    for step in steps {
        shard.record(step, &command.actor, moment.now);
    }
}
