//! The one way from a command to what it writes: decides it against the books and records it there.

use std::sync::Arc;

use super::books::{Books, ShardBooks, Step};
use super::command::{AllocateStock, Command, Outcome, PutRecord, Refusal, Request, Reserve};
use super::rules::Moment;
use super::{allocation, closing, issue, network, recharge, record as records, stock_watch, void};
use crate::domain::{Details, EntryKind, Operation, OperationId, Record, Shard};

/// Decides a command whose shards, resellers and operations are in `books`. `existing` is the operation that
/// claimed the command's key before, if one did. Records what is to be written in `books`.
///
/// A command whose key was claimed for it is never refused here, so that no claim stands without an operation:
/// [`knows_reseller`] is asked before claiming.
///
/// # Errors
/// [`Refusal`]: nothing was recorded.
pub fn decide(
    books: &mut Books,
    shards: u16,
    command: &Command,
    existing: Option<&Arc<Operation>>,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    let home = command.request.home(shards);
    match (&command.request, existing) {
        (Request::Reserve(request), Some(existing)) => again(books, command, request, existing, moment),
        (Request::Void(_), Some(existing)) => void_known(existing),
        (Request::IssueStock(request), Some(existing)) => replay(existing, request.amount_minor, &Details::Issue),
        (Request::AllocateStock(request), Some(existing)) => {
            replay(existing, request.amount_minor, &Details::Allocation { to: request.to })
        }
        (Request::Reserve(request), None) => {
            let step = recharge::reserve(books.shard(home), request, moment).ok_or(Refusal::UnknownReseller)?;
            let outcome = record(books, home, step, request.operation, command, moment);
            remember_sold(books, home, request, &outcome, moment);
            Ok(outcome)
        }
        (Request::Void(request), None) => {
            let step = void::void(books.shard(home), request, moment).ok_or(Refusal::UnknownReseller)?;
            Ok(record(books, home, step, request.operation, command, moment))
        }
        (Request::IssueStock(request), None) => {
            let step = issue::issue(books.shard(home), request, moment);
            Ok(record(books, home, step, request.operation, command, moment))
        }
        (Request::AllocateStock(request), None) => allocate(books, shards, request, command, moment),
        (Request::Resolve(request), _) => {
            let shard = books.shard(home);
            let operation = shard.operation(request.operation).ok_or(Refusal::UnknownOperation)?.clone();
            match recharge::resolve(shard, &operation, request.evidence, moment)? {
                Some(step) => Ok(record(books, home, step, operation.id, command, moment)),
                None => Ok(Outcome::Unchanged(operation)),
            }
        }
        (Request::OpenReseller(request), _) => {
            let step = network::open(books.shard(home), request)?;
            Ok(record_plain(books, home, step, command, moment))
        }
        (Request::SetStanding(request), _) => {
            let step = network::set_standing(books.shard(home), request)?;
            Ok(record_plain(books, home, step, command, moment))
        }
        (Request::SetLimits(request), _) => {
            let step = network::set_limits(books.shard(home), request)?;
            Ok(record_plain(books, home, step, command, moment))
        }
        // Closed by whatever comes first: see `close_days`.
        (Request::CloseDays(_), _) => Ok(Outcome::Recorded),
        (Request::LookAtStock(reseller), _) => match stock_watch::look(books.shard(home), *reseller, moment)? {
            Some(step) => Ok(record_plain(books, home, step, command, moment)),
            None => Ok(Outcome::Recorded),
        },
        (Request::PutRecord(request), _) => put_record(books, shards, request, command, moment),
    }
}

/// Closes the business days that are over in a shard: what a batch begins with.
pub fn close_days(books: &mut ShardBooks, moment: &Moment<'_>) {
    for day in closing::days_over(books, moment) {
        if let Some(step) = closing::close(books, day, moment) {
            books.record(step, &closing::ACTOR.into(), moment.now);
        }
    }
}

/// Whether the reseller that a keyed command names exists.
#[must_use]
pub fn knows_reseller(books: &Books, shards: u16, request: &Request) -> bool {
    request.reseller().is_none_or(|reseller| {
        books.get(Shard::of(reseller.uuid(), shards)).is_some_and(|shard| shard.reseller(reseller).is_some())
    })
}

fn record(
    books: &mut Books,
    home: Shard,
    step: Step,
    id: OperationId,
    command: &Command,
    moment: &Moment<'_>,
) -> Outcome {
    let shard = books.shard_mut(home);
    shard.record(step, &command.actor, moment.now);
    Outcome::Decided(shard.operation(id).expect("the step recorded it").clone())
}

fn record_plain(books: &mut Books, home: Shard, step: Step, command: &Command, moment: &Moment<'_>) -> Outcome {
    books.shard_mut(home).record(step, &command.actor, moment.now);
    Outcome::Recorded
}

fn put_record(
    books: &mut Books,
    shards: u16,
    request: &PutRecord,
    command: &Command,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    let home = request.key.home(shards);
    let Some(new) = records::put(books.shard(home), request)? else {
        let current = books.shard(home).record_of(&request.key).ok_or(Refusal::StaleVersion { current: 0 })?;
        return Ok(Outcome::Put(current.clone()));
    };
    let new: Arc<Record> = new.into();
    for shard in request.key.copies(shards) {
        let step = records::step(EntryKind::RecordCopied, &new);
        books.shard_mut(shard).record(step, &command.actor, moment.now);
    }
    record_plain(books, home, records::step(EntryKind::RecordPut, &new), command, moment);
    Ok(Outcome::Put(new))
}

/// The guard sees what was reserved, in this batch and later.
fn remember_sold(books: &mut Books, home: Shard, request: &Reserve, outcome: &Outcome, moment: &Moment<'_>) {
    if let Outcome::Decided(operation) = outcome
        && operation.status.is_open()
    {
        let key = (request.reseller, request.msisdn, request.amount_minor);
        books.shard_mut(home).remember_sold(key, operation.created_at, moment);
    }
}

fn allocate(
    books: &mut Books,
    shards: u16,
    request: &AllocateStock,
    command: &Command,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    let there = Shard::of(request.to.uuid(), shards);
    let allocation = allocation::allocate(books.shard(Shard::OPERATOR), books.shard(there), request, moment)
        .ok_or(Refusal::UnknownReseller)?;
    if let Some(step) = allocation.receiving {
        books.shard_mut(there).record(step, &command.actor, moment.now);
    }
    Ok(record(books, Shard::OPERATOR, allocation.sending, request.operation, command, moment))
}

/// A recharge whose key is known: a replay, a conflict, or the late request for a voided key.
fn again(
    books: &mut Books,
    command: &Command,
    request: &Reserve,
    existing: &Arc<Operation>,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    if existing.details == Details::Tombstone {
        let home = existing.id.shard();
        let step = void::record_late_request(books.shard(home), existing, request, moment);
        return Ok(record(books, home, step, existing.id, command, moment));
    }
    let asked = recharge::declined_request(request, moment.now, moment.now);
    replay(existing, asked.amount_minor, &asked.details)
}

fn void_known(existing: &Arc<Operation>) -> Result<Outcome, Refusal> {
    match existing.details {
        Details::Recharge(_) | Details::Tombstone => Ok(Outcome::Replayed(existing.clone())),
        Details::Issue | Details::Allocation { .. } => Err(Refusal::KeyReused { field: "external_id" }),
    }
}

fn replay(existing: &Arc<Operation>, amount_minor: i64, details: &Details) -> Result<Outcome, Refusal> {
    match existing.differs_from(amount_minor, details) {
        Some(field) => Err(Refusal::KeyReused { field }),
        None => Ok(Outcome::Replayed(existing.clone())),
    }
}
