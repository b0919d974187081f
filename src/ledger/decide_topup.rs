//! Decides what is asked about stock that is bought by card.

use std::sync::Arc;

use super::command::{Command, Outcome, Refusal, Request};
use super::decide::{record, replay};
use super::rules::Moment;
use super::shards::Books;
use super::{refund, topup};
use crate::domain::{Operation, OperationId, Shard};

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
