//! Decides what is asked about reversals, and what is only tried.

use std::sync::Arc;

use super::command::{Command, Outcome, Refusal, Request, Reserve, StartReversal};
use super::decide::replay;
use super::recharge;
use super::reversal::{self, ReversalSteps};
use super::rules::Moment;
use super::shards::Books;
use crate::domain::{Operation, OperationId, Shard, Status};

pub(super) fn decide_reversal(
    books: &mut Books,
    home: Shard,
    command: &Command,
    existing: Option<&Arc<Operation>>,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    match (&command.request, existing) {
        (Request::StartReversal(request), Some(existing)) => again(books, home, request, existing),
        (Request::StartReversal(request), None) => {
            let steps = reversal::start(books.shard(home), request, moment).ok_or(Refusal::UnknownReseller)?;
            Ok(record(books, home, steps, request.operation, command, moment))
        }
        (Request::AdvanceReversal(request), _) => match reversal::advance(books.shard(home), request, moment)? {
            Some(steps) => Ok(record(books, home, steps, request.operation, command, moment)),
            None => {
                let operation = books.shard(home).operation(request.operation).ok_or(Refusal::UnknownOperation)?;
                Ok(Outcome::Unchanged(operation.clone()))
            }
        },
        _ => unreachable!("nothing else is sent here"),
    }
}

/// The same again is answered with the reversal as it stands; who asks it does not matter for that.
fn again(books: &Books, home: Shard, request: &StartReversal, existing: &Arc<Operation>) -> Result<Outcome, Refusal> {
    let sold_by_caller = books.shard(home).operation(request.recharge).is_some_and(|of| of.partner == request.partner);
    replay(existing, existing.amount_minor, &reversal::details(request, sold_by_caller))
}

fn record(
    books: &mut Books,
    home: Shard,
    steps: ReversalSteps,
    id: OperationId,
    command: &Command,
    moment: &Moment<'_>,
) -> Outcome {
    let shard = books.shard_mut(home);
    shard.record(steps.reversal, &command.actor, moment.now);
    if let Some(step) = steps.recharge {
        let reversed = step.operation().filter(|of| of.status == Status::Reversed).cloned();
        shard.record(step, &command.actor, moment.now);
        if let Some(of) = reversed {
            shard.tallies_mut().count(&of, false, moment);
        }
    }
    Outcome::Decided(shard.operation(id).expect("the first step recorded it").clone())
}

/// What a reservation would come to now. Nothing is recorded, so that the books stay as they are.
pub(super) fn attempt(books: &Books, home: Shard, request: &Reserve, moment: &Moment<'_>) -> Result<Outcome, Refusal> {
    let step = recharge::reserve(books.shard(home), request, moment).ok_or(Refusal::UnknownReseller)?;
    step.operation().cloned().map(|operation| Outcome::Tried(Arc::new(operation))).ok_or(Refusal::UnknownOperation)
}
