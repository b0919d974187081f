//! Resolves what the books of an acquirer and ours do not have in common.
//!
//! A line that did not match stands in money suspense. Written off: debit money suspense, credit money write-offs.
//! Matched by hand with a top-up: debit money suspense, credit acquirer receivable of the top-up's shard, through money
//! in transit, at what was taken for the top-up; what the line lacks of it is debited to money write-offs, what it has
//! beyond it credited there. A line about money that went back is matched at its own amount. A paid top-up that no line
//! has settled, written off: debit money write-offs, credit acquirer receivable. Negative amounts the other way round.
//! What stands in airtime suspense because of the charging system's record is written off to airtime write-offs.
//! What the other side is to correct posts nothing: it stays where it is until the correcting line comes.
//!
//! Whatever settles a payment says so in the record of that top-up's item, which files read as they read their lines.

use std::sync::Arc;

use super::books::{Movement, ShardBooks, Step, Subject};
use super::command::{AssignItem, Propose, Refusal};
use super::four_eyes::{Ruled, in_vain};
use super::rules::Moment;
use super::topup::receivable;
use crate::domain::records::{ReconciliationItem, Resolved};
use crate::domain::{
    AccountClass, AccountNumber, Decline, EntryKind, Item, ItemId, ItemResolution, Operation, OperationId, Record,
    Resolution, SettledKind, Status,
};

/// The record of an item as it stands, or as it begins, with its version.
fn standing(books: &ShardBooks, item: &Item) -> (i64, ReconciliationItem) {
    let known = books.record_of(&item.id.key());
    let body = known.and_then(|record| Some((record.version(), ReconciliationItem::clone(record.body()?))));
    body.unwrap_or_else(|| (0, ReconciliationItem::new(item)))
}

fn put(item: ItemId, version: i64, body: ReconciliationItem) -> Arc<Record> {
    Record::new(item.key(), version + 1, body.into()).into()
}

/// Gives an item to somebody. `Ok(None)` when it is theirs already.
///
/// # Errors
/// [`Refusal::DecidedAlready`] when it is resolved.
pub fn assign(books: &ShardBooks, command: &AssignItem) -> Result<Option<Arc<Record>>, Refusal> {
    let (version, mut body) = standing(books, &command.item);
    if body.resolved.is_some() {
        return Err(Refusal::DecidedAlready { status: Status::Approved });
    }
    let owner = Some(command.owner.to_string().into());
    if body.owner == owner {
        return Ok(None);
    }
    body.owner = owner;
    Ok(Some(put(command.item.id, version, body)))
}

/// Why an item cannot be resolved like this now.
fn objection(books: &ShardBooks, there: &ShardBooks, asked: &ItemResolution) -> Option<Decline> {
    let (_, body) = standing(books, &asked.item);
    let settled = asked.pays().is_some_and(|topup| books.settled().is_settled(topup));
    if body.resolved.is_some() || settled {
        return Some(Decline::ItemChanged);
    }
    let fits = match (asked.item.id, asked.resolution) {
        (_, Resolution::PeerCorrects) => true,
        (ItemId::Topup(_), Resolution::Match { .. }) => false,
        // What the charging system lacks is corrected in its books, or by an adjustment.
        (ItemId::Topup(_), _) | (_, Resolution::Match { .. }) if !asked.item.kind.is_money() => false,
        (ItemId::Line { .. }, Resolution::WriteOff) => asked.item.amount_minor != 0,
        (ItemId::Line { .. }, Resolution::Match { topup }) => {
            asked.item.amount_minor != 0 && taken(there, topup, &asked.item.acquirer).is_some()
        }
        (ItemId::Topup(topup), Resolution::WriteOff) => {
            taken(there, topup, &asked.item.acquirer) == Some(asked.item.amount_minor)
        }
    };
    if fits { None } else { Some(Decline::UnfitResolution) }
}

/// What this acquirer took for a top-up.
fn taken(there: &ShardBooks, topup: OperationId, acquirer: &str) -> Option<i64> {
    let payment = &there.operation(topup)?.topup()?.payment;
    let through = payment.acquirer.as_deref() == Some(acquirer);
    Some(payment.captured_minor).filter(|minor| through && *minor > 0)
}

/// Records what was proposed for an item.
pub(super) fn propose(
    books: &ShardBooks,
    there: &ShardBooks,
    mut operation: Operation,
    asked: &ItemResolution,
) -> Step {
    let Some(decline) = objection(books, there, asked) else {
        return Step::about(EntryKind::ApprovalRequested, Subject::Operation(operation));
    };
    operation.status = Status::Declined;
    operation.decline = Some(decline);
    Step::about(EntryKind::ResolutionDeclined, Subject::Operation(operation))
}

/// The item as it refers to a proposal that now waits for a second person.
#[must_use]
pub fn proposed(books: &ShardBooks, command: &Propose) -> Option<Step> {
    let item = &command.proposal.resolution()?.item;
    let waits = |operation: &Arc<Operation>| operation.status == Status::PendingApproval;
    books.operation(command.operation).filter(|operation| waits(operation))?;
    let (version, mut body) = standing(books, item);
    body.propose(command.operation);
    Some(Step::about(EntryKind::ItemProposed, Subject::Record(put(item.id, version, body))))
}

/// What a resolution posts in the operator's shard and in that of its top-up.
#[derive(Default)]
struct Postings {
    here: Vec<Movement>,
    there: Vec<Movement>,
}

fn push(movements: &mut Vec<Movement>, debit: AccountNumber, credit: AccountNumber, amount_minor: i64) {
    let (debit, credit) = if amount_minor < 0 { (credit, debit) } else { (debit, credit) };
    if amount_minor != 0 {
        movements.push(Movement { debit, credit, amount_minor: amount_minor.abs() });
    }
}

fn postings(books: &ShardBooks, there: &ShardBooks, asked: &ItemResolution) -> Option<Postings> {
    let account = AccountClass::system_account;
    let (suspense, written_off) = if asked.item.kind.is_money() {
        (account(AccountClass::MoneySuspense), account(AccountClass::MoneyWriteOffs))
    } else {
        (account(AccountClass::AirtimeSuspense), account(AccountClass::AirtimeWriteOffs))
    };
    let amount_minor = asked.item.amount_minor;
    let owed = || {
        let (number, opened) = receivable(there, &asked.item.acquirer);
        if opened.is_none() { Some(number) } else { None }
    };
    let mut postings = Postings::default();
    match (asked.item.id, asked.resolution) {
        (_, Resolution::PeerCorrects) => {}
        (ItemId::Line { .. }, Resolution::WriteOff) => {
            push(&mut postings.here, suspense, written_off, amount_minor);
        }
        (ItemId::Topup(_), _) => push(&mut postings.there, written_off, owed()?, amount_minor),
        (ItemId::Line { .. }, Resolution::Match { topup }) => {
            let settled = match asked.item.kind {
                SettledKind::Payment => taken(there, topup, &asked.item.acquirer)?,
                _ => amount_minor,
            };
            let one_shard = books.shard() == there.shard();
            let to = if one_shard { owed()? } else { account(AccountClass::MoneyInTransit) };
            push(&mut postings.here, suspense, to, amount_minor);
            push(&mut postings.here, written_off, to, settled.checked_sub(amount_minor)?);
            if !one_shard {
                push(&mut postings.there, to, owed()?, settled);
            }
        }
    }
    let fit = postings.here.iter().all(|movement| books.can_post(movement))
        && postings.there.iter().all(|movement| there.can_post(movement));
    Some(postings).filter(|_| fit)
}

/// Books what was approved, or declines it when it is no longer possible.
pub(super) fn carry_out(
    books: &ShardBooks,
    there: &ShardBooks,
    mut approved: Operation,
    asked: &ItemResolution,
    moment: &Moment<'_>,
) -> Ruled {
    if let Some(decline) = objection(books, there, asked) {
        return in_vain(books, approved, decline, moment);
    }
    let Some(postings) = postings(books, there, asked) else {
        return in_vain(books, approved, Decline::LimitExceeded, moment);
    };
    approved.status = Status::Approved;
    let resolved = Resolved { resolution: asked.resolution.name().into(), at_ms: approved.updated_at.unix_ms() };
    let mut records = vec![ended(books, &asked.item, approved.id, &resolved, asked.pays())];
    if let Some(topup) = asked.resolution.named().filter(|_| asked.pays().is_some()) {
        // No file may settle it again.
        let item = Item { id: ItemId::Topup(topup), ..asked.item.clone() };
        records.push(ended(books, &item, approved.id, &resolved, Some(topup)));
    }
    let elsewhere = Subject::Elsewhere { operation: approved.id, digest: approved.digest() };
    let posting = |kind, subject, movements| Step { movements, ..Step::about(kind, subject) };
    let (mut here, mut other) = (postings.here, None);
    if books.shard() == there.shard() {
        here.extend(postings.there);
    } else if !postings.there.is_empty() {
        other = Some(posting(EntryKind::ResolutionPosted, elsewhere, postings.there));
    }
    Ruled { records, elsewhere: other, here: posting(EntryKind::ResolutionBooked, Subject::Operation(approved), here) }
}

/// The item in its last state. `pays` is the top-up whose payment is settled now.
fn ended(books: &ShardBooks, item: &Item, by: OperationId, how: &Resolved, pays: Option<OperationId>) -> Step {
    let (version, mut body) = standing(books, item);
    body.propose(by);
    body.resolved = Some(how.clone());
    body.settled = matches!(item.id, ItemId::Topup(topup) if pays == Some(topup));
    Step::about(EntryKind::ItemResolved, Subject::Record(put(item.id, version, body)))
}

/// The top-up whose payment an item's record says to be settled.
pub(super) fn settled_by(record: &Record) -> Option<OperationId> {
    record.body::<ReconciliationItem>().filter(|item| item.settled)?;
    match record.key().id().as_str().parse() {
        Ok(ItemId::Topup(topup)) => Some(topup),
        _ => None,
    }
}
