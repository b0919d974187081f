//! The one way from a command to what it writes: decides it against the books and records it there.

use std::sync::Arc;

use super::books::{PlaceChange, ShardBooks, Step, Subject};
use super::command::{
    AllocateStock, AssignItem, Command, ImportCatalogue, Outcome, PayCommission, PutRecord, Refusal, Request, Reserve,
    Rule,
};
use super::decide_reversal::{attempt, decide_reversal};
use super::decide_topup::{decide_topup, follow_hold};
use super::rules::Moment;
use super::shards::Books;
use super::transfer::Transferred;
use super::user::{UserCommand, UserRefusal};
use super::{
    allocation, closing, four_eyes, items, limits, network, payout, recharge, record as records, run, settlement,
    stock_watch, transfer, user, void,
};
use crate::domain::catalogue::Catalogue;
use crate::domain::{
    Details, EntryKind, Operation, OperationId, Record, RecordKey, RecordKind, ResellerId, Shard, Standing,
};

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
        (Request::Resolve(request), _) => {
            let shard = books.shard(home);
            let operation = shard.operation(request.operation).ok_or(Refusal::UnknownOperation)?.clone();
            match recharge::resolve(shard, &operation, request, moment)? {
                Some(step) => Ok(record_resolved(books, &operation, step, command, moment)),
                None => Ok(Outcome::Unchanged(operation)),
            }
        }
        (Request::ImportCatalogue(request), _) => import_catalogue(books, shards, request, command, moment),
        (Request::PayCommission(request), Some(existing)) => {
            replay(existing, 0, &Details::CommissionPayout { to: request.to, pay_in: request.pay_in })
        }
        (Request::PayCommission(request), None) => pay_commission(books, shards, request, command, moment),
        // Closed by whatever comes first: see `close_days`.
        (Request::CloseDays(_), _) => Ok(Outcome::Recorded),
        (Request::LookAtStock(reseller), _) => match stock_watch::look(books.shard(home), *reseller, moment)? {
            Some(step) => Ok(record_plain(books, home, step, command, moment)),
            None => Ok(Outcome::Recorded),
        },
        (Request::BookSettlement(request), _) => settlement::decide(books, request, command, moment),
        (Request::PutRecord(request), _) => put_record(books, shards, request, command, moment),
        (Request::Care(request), _) => super::care::decide(books, request, command, moment),
        (Request::User(request), _) => act_on_user(books, home, request, command, moment),
        (
            Request::OpenReseller(_)
            | Request::SetStanding(_)
            | Request::ChangePlace(_)
            | Request::SetLimits(_)
            | Request::LowerLimits(_),
            _,
        ) => decide_place(books, home, command, moment),
        (
            Request::StartRun(_)
            | Request::FinishRun(_)
            | Request::TransferStock(_)
            | Request::SettleTransfer(_)
            | Request::Propose(_)
            | Request::Rule(_)
            | Request::AssignItem(_)
            | Request::Expire(_)
            | Request::AllocateStock(_),
            _,
        ) => decide_stock(books, shards, command, existing, moment),
        (
            Request::StartTopup(_)
            | Request::AdvanceTopup(_)
            | Request::CreditTopup(_)
            | Request::StartRefund(_)
            | Request::SettleRefund(_)
            | Request::BookDispute(_)
            | Request::TendDisputes(_),
            _,
        ) => decide_topup(books, home, command, existing, moment),
        (Request::StartReversal(_) | Request::AdvanceReversal(_), _) => {
            decide_reversal(books, home, command, existing, moment)
        }
        (Request::TryReserve(request), _) => attempt(books, home, request, moment),
    }
}

/// Stock that the operator or resellers move.
fn decide_stock(
    books: &mut Books,
    shards: u16,
    command: &Command,
    existing: Option<&Arc<Operation>>,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    let home = command.request.home(shards);
    match (&command.request, existing) {
        (Request::Propose(request), Some(existing)) => {
            replay(existing, request.amount_minor, &four_eyes::details(request, moment.now))
        }
        (Request::AllocateStock(request), Some(existing)) => {
            replay(existing, existing.amount_minor, &allocation::details(request, None))
        }
        (Request::StartRun(request), Some(existing)) => replay(existing, 0, &run::details(request)),
        (Request::StartRun(request), None) => {
            let step = run::start(books.shard(home), request, moment);
            Ok(record(books, home, step, request.operation, command, moment))
        }
        (Request::FinishRun(request), _) => {
            let shard = books.shard(home);
            let operation = shard.operation(request.operation).ok_or(Refusal::UnknownOperation)?.clone();
            match run::finish(shard, &operation, request, moment)? {
                Some(step) => Ok(record(books, home, step, operation.id, command, moment)),
                None => Ok(Outcome::Unchanged(operation)),
            }
        }
        (Request::TransferStock(request), Some(existing)) => {
            replay(existing, request.amount_minor, &transfer::details(request, None))
        }
        (Request::TransferStock(request), None) => {
            let transferred = transfer::transfer(books, shards, request, moment).ok_or(Refusal::UnknownReseller)?;
            Ok(record_transfer(books, home, transferred, request.operation, command, moment))
        }
        (Request::SettleTransfer(request), _) => match transfer::settle(books, shards, request, moment)? {
            Some(settled) => {
                let hold = books.shard(home).hold(request.operation).copied();
                let outcome = record_transfer(books, home, settled, request.operation, command, moment);
                follow_hold(books, hold, &outcome, command, moment);
                Ok(outcome)
            }
            None => {
                let operation = books.shard(home).operation(request.operation).ok_or(Refusal::UnknownOperation)?;
                Ok(Outcome::Unchanged(operation.clone()))
            }
        },
        (Request::Propose(request), None) => {
            let there = command.request.other_shards(shards).first().copied().unwrap_or(home);
            let step = four_eyes::propose(books.shard(home), books.shard(there), request, moment)?;
            let outcome = record(books, home, step, request.operation, command, moment);
            if let Some(step) = items::proposed(books.shard(home), request) {
                books.shard_mut(home).record(step, &command.actor, moment.now);
            }
            Ok(outcome)
        }
        (Request::AssignItem(request), _) => assign(books, request, command, moment),
        (Request::Rule(request), _) => rule(books, shards, request, command, moment),
        (Request::Expire(request), _) => {
            let shard = books.shard(home);
            let operation = shard.operation(request.operation).ok_or(Refusal::UnknownOperation)?.clone();
            match four_eyes::expire(shard, &operation, moment)? {
                Some(step) => Ok(record(books, home, step, operation.id, command, moment)),
                None => Ok(Outcome::Unchanged(operation)),
            }
        }
        (Request::AllocateStock(request), None) => allocate(books, shards, request, command, moment),
        _ => unreachable!("nothing else is sent here"),
    }
}

/// Resellers, their places and their limits.
fn decide_place(books: &mut Books, home: Shard, command: &Command, moment: &Moment<'_>) -> Result<Outcome, Refusal> {
    match &command.request {
        Request::OpenReseller(request) => {
            let step = network::open(books.shard(home), books.tree(), request, moment.rules)?;
            books.tree_mut().open(request.registration.clone());
            Ok(record_plain(books, home, step, command, moment))
        }
        Request::SetStanding(request) => {
            let step = network::set_standing(books.shard(home), books.tree(), request)?;
            if request.standing == Standing::Closed {
                books.tree_mut().close(request.reseller);
            }
            Ok(record_plain(books, home, step, command, moment))
        }
        Request::ChangePlace(request) => {
            match network::change_place(books.shard(home), books.tree(), request, moment.rules)? {
                Some(step) => Ok(record_place(books, home, step, command, moment)),
                None => Ok(Outcome::Recorded),
            }
        }
        Request::SetLimits(request) => {
            let step = network::set_limits(books.shard(home), request)?;
            Ok(record_plain(books, home, step, command, moment))
        }
        Request::LowerLimits(request) => {
            let Some(record) = limits::lower(books.shard(home), request, moment)? else {
                let current = books.shard(home).record_of(&limits::key(request.reseller));
                return Ok(Outcome::Put(current.ok_or(Refusal::UnknownReseller)?.clone()));
            };
            let record: Arc<Record> = record.into();
            record_plain(books, home, records::step(EntryKind::RecordPut, &record), command, moment);
            Ok(Outcome::Put(record))
        }
        _ => unreachable!("nothing else is sent here"),
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

/// Whether a reseller that a keyed command names exists.
#[must_use]
pub fn knows_reseller(books: &Books, shards: u16, reseller: ResellerId) -> bool {
    books.get(Shard::of(reseller.uuid(), shards)).is_some_and(|shard| shard.reseller(reseller).is_some())
}

pub(super) fn record(
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

/// A recharge that moves on, and what its hold and its limits make of that.
fn record_resolved(
    books: &mut Books,
    operation: &Arc<Operation>,
    step: Step,
    command: &Command,
    moment: &Moment<'_>,
) -> Outcome {
    let home = operation.id.shard();
    let hold = books.shard(home).hold(operation.id).copied();
    let released = step.kind == EntryKind::RechargeReleased;
    let outcome = record(books, home, step, operation.id, command, moment);
    follow_hold(books, hold, &outcome, command, moment);
    if released {
        books.shard_mut(home).tallies_mut().count(operation, false, moment);
    }
    outcome
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
    let Some(new) = records::put(books.shard(home), request, moment.now)? else {
        let current = books.shard(home).record_of(&request.key).ok_or(Refusal::StaleVersion { current: 0 })?;
        return Ok(Outcome::Put(current.clone()));
    };
    let new: Arc<Record> = new.into();
    for shard in request.key.copies(shards) {
        let step = records::step(EntryKind::RecordCopied, &new);
        books.shard_mut(shard).record(step, &command.actor, moment.now);
    }
    let kind = records::kind_of(books.shard(home).record_of(&request.key).map(|record| &**record), &new);
    record_plain(books, home, records::step(kind, &new), command, moment);
    Ok(Outcome::Put(new))
}

/// One version for all shards. Nothing of it begins at a moment that some shard has recorded by the version before.
fn import_catalogue(
    books: &mut Books,
    shards: u16,
    request: &ImportCatalogue,
    command: &Command,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    let times = Shard::all(shards).map(|shard| books.shard(shard).recorded_at(moment.now));
    let now = times.max().expect("there is the operator's shard");
    let (version, current) = match books.shard(Shard::OPERATOR).catalogue() {
        Some((version, catalogue)) => (version, catalogue.clone()),
        None => (0, Catalogue::default()),
    };
    let key = RecordKey::of_operator(RecordKind::Catalogue, Catalogue::ID.parse().expect("it is short and plain"));
    // Before the first import nothing was decided by a catalogue; after it none may be without one.
    let at = if version == 0 { now } else { now.plus_ms(1) };
    let Some(next) = current.with(&request.import, at).map_err(|_| Refusal::UnfitCatalogue)? else {
        let stands = books.shard(Shard::OPERATOR).record_of(&key);
        return stands.map(|record| Outcome::Put(record.clone())).ok_or(Refusal::UnfitCatalogue);
    };
    let record = Arc::new(Record::new(key, version + 1, next.into()));
    for shard in Shard::all(shards) {
        let kind = if shard == Shard::OPERATOR { EntryKind::RecordPut } else { EntryKind::RecordCopied };
        books.shard_mut(shard).record(records::step(kind, &record), &command.actor, moment.now);
    }
    Ok(Outcome::Put(record))
}

fn pay_commission(
    books: &mut Books,
    shards: u16,
    request: &PayCommission,
    command: &Command,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    let sales = request.operation.shard();
    let places = payout::Places {
        sales: books.shard(sales),
        home: books.shard(Shard::of(request.to.uuid(), shards)),
        operator: books.shard(Shard::OPERATOR),
    };
    let steps = payout::pay(&places, request, moment).ok_or(Refusal::UnknownReseller)?;
    for (shard, step) in steps {
        books.shard_mut(shard).record(step, &command.actor, moment.now);
    }
    Ok(Outcome::Decided(books.shard(sales).operation(request.operation).expect("the first step recorded it").clone()))
}

/// A changed place: the tree of the batch follows, and so does the subtree. With another parent or level every shard
/// learns of it, for what is sold there may earn those above the seller something.
fn record_place(books: &mut Books, home: Shard, step: Step, command: &Command, moment: &Moment<'_>) -> Outcome {
    if let Subject::Reseller { reseller, stock, place: Some(PlaceChange::Changed(registration)) } = &step.subject {
        let before = books.tree().node(reseller.id).map(|node| node.registration.clone());
        let elsewhere = before.is_none_or(|old| (old.parent, old.level) != (registration.parent, registration.level));
        if elsewhere {
            let operation = OperationId::from_uuid(reseller.id.uuid());
            let digest = network::digest(reseller, stock);
            books.iter_mut().for_each(|shard| {
                shard.owners_mut().forget_ancestries();
                if shard.shard() != home {
                    let step = Step::about(EntryKind::NetworkChanged, Subject::Elsewhere { operation, digest });
                    shard.record(step, &command.actor, moment.now);
                }
            });
        }
        if let Some(movement) = books.tree_mut().replace(registration.clone()) {
            books.shard_mut(home).record_move(movement);
        }
    }
    record_plain(books, home, step, command, moment)
}

fn act_on_user(
    books: &mut Books,
    home: Shard,
    request: &UserCommand,
    command: &Command,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    let Some((kind, new)) = user::act(books.shard(home), request, command.actor.name(), moment)? else {
        let current = books.shard(home).record_of(&request.key()).ok_or(UserRefusal::Unknown)?;
        return Ok(Outcome::Put(current.clone()));
    };
    let new: Arc<Record> = new.into();
    record_plain(books, home, records::step(kind, &new), command, moment);
    Ok(Outcome::Put(new))
}

fn record_transfer(
    books: &mut Books,
    home: Shard,
    transferred: Transferred,
    id: OperationId,
    command: &Command,
    moment: &Moment<'_>,
) -> Outcome {
    if let Some((there, step)) = transferred.receiving {
        books.shard_mut(there).record(step, &command.actor, moment.now);
    }
    record(books, home, transferred.sending, id, command, moment)
}

/// The guard sees what was reserved, in this batch and later.
fn remember_sold(books: &mut Books, home: Shard, request: &Reserve, outcome: &Outcome, moment: &Moment<'_>) {
    if let Outcome::Decided(operation) = outcome
        && operation.status.is_open()
    {
        let key = (request.reseller, request.msisdn, request.amount_minor);
        let shard = books.shard_mut(home);
        shard.remember_sold(key, operation.created_at, moment);
        shard.tallies_mut().count(operation, true, moment);
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

fn rule(
    books: &mut Books,
    shards: u16,
    request: &Rule,
    command: &Command,
    moment: &Moment<'_>,
) -> Result<Outcome, Refusal> {
    let home = request.operation.shard();
    let there = command.request.other_shards(shards).first().copied().unwrap_or(home);
    let ruled = four_eyes::rule(books.shard(home), books.shard(there), request, moment)?;
    let Some(four_eyes::Ruled { here, elsewhere, records }) = ruled else {
        let operation = books.shard(home).operation(request.operation).ok_or(Refusal::UnknownOperation)?;
        return Ok(Outcome::Replayed(operation.clone()));
    };
    match (elsewhere, request.statement) {
        (Some(step), Some(statement)) => {
            let recharge = books.shard(there).operation(statement.recharge).ok_or(Refusal::UnknownOperation)?.clone();
            record_resolved(books, &recharge, step, command, moment);
        }
        (Some(step), None) => books.shard_mut(there).record(step, &command.actor, moment.now),
        (None, _) => {}
    }
    for step in records {
        books.shard_mut(home).record(step, &command.actor, moment.now);
    }
    Ok(record(books, home, here, request.operation, command, moment))
}

fn assign(books: &mut Books, request: &AssignItem, command: &Command, moment: &Moment<'_>) -> Result<Outcome, Refusal> {
    let shard = books.shard(Shard::OPERATOR);
    let Some(record) = items::assign(shard, request)? else {
        let current = shard.record_of(&request.item.id.key()).ok_or(Refusal::UnknownOperation)?;
        return Ok(Outcome::Put(current.clone()));
    };
    record_plain(books, Shard::OPERATOR, records::step(EntryKind::ItemAssigned, &record), command, moment);
    Ok(Outcome::Put(record))
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
        _ => Err(Refusal::KeyReused { field: "external_id" }),
    }
}

pub(super) fn replay(existing: &Arc<Operation>, amount_minor: i64, details: &Details) -> Result<Outcome, Refusal> {
    match existing.differs_from(amount_minor, details) {
        Some(field) => Err(Refusal::KeyReused { field }),
        None => Ok(Outcome::Replayed(existing.clone())),
    }
}
