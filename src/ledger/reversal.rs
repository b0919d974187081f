//! A reversal of a recharge: the credit is taken back from the line first, then stock and commissions follow
//! (`domain.md` \[15\], \[16\]).
//!
//! Done: debit airtime delivered, credit reseller stock, at face value of what was taken back; and its part of what the
//! recharge earned whom, the other way round, at the terms that were agreed with the sale. Asked for, refused, in doubt:
//! nothing. While it is under way the recharge is `reversal_pending`; one that is not at its end yet is waited for.

use super::books::{Movement, ShardBooks, Step, Subject};
use super::command::{AdvanceReversal, Refusal, ReversalEvidence, StartReversal};
use super::commission;
use super::recharge::charging_reference;
use super::refund::reverse;
use super::rules::Moment;
use crate::domain::{
    AccountClass, Asker, Decline, Details, EntryKind, Operation, Recharge, Reseller, Reversal, ReversalTerms, Standing,
    Status, Timestamp, Usage,
};

/// What a reversal writes, in this order: its own entry, then that of its recharge.
#[derive(Clone, Debug)]
pub struct ReversalSteps {
    pub reversal: Step,
    pub recharge: Option<Step>,
}

impl ReversalSteps {
    fn alone(kind: EntryKind, operation: Operation) -> Self {
        Self { reversal: Step::about(kind, Subject::Operation(operation)), recharge: None }
    }
}

/// What a request says, as its operation keeps it. `sold_by_caller` tells who asks.
#[must_use]
pub fn details(command: &StartReversal, sold_by_caller: bool) -> Details {
    let asker = match (sold_by_caller, command.for_operator) {
        (true, _) => Asker::Seller,
        (false, true) => Asker::Operator,
        (false, false) => Asker::Other,
    };
    let StartReversal { recharge, original, asked_minor, reason, .. } = command;
    Details::Reversal(Box::new(Reversal::new(*recharge, original.as_ref(), *asked_minor, reason, asker)))
}

/// Accepts a reversal or declines it. `None` when there is no such recharge.
#[must_use]
pub fn start(books: &ShardBooks, command: &StartReversal, moment: &Moment<'_>) -> Option<ReversalSteps> {
    let reseller = books.reseller(command.reseller)?;
    let of = books.operation(command.recharge).filter(|of| of.reseller == command.reseller)?;
    if !matches!(of.details, Details::Recharge(_) | Details::Tombstone) {
        return None;
    }
    let at = books.recorded_at(moment.now);
    let asked = Operation {
        id: command.operation,
        partner: command.partner,
        reseller: command.reseller,
        external_id: command.external_id.clone(),
        amount_minor: command.asked_minor.unwrap_or(0),
        status: Status::Declined,
        decline: None,
        balance_after: None,
        created_at: at,
        updated_at: at,
        details: details(command, command.partner == of.partner),
        last_sequence: 0,
    };
    let Some(recharge) = took_effect(of) else { return Some(not_needed(asked)) };
    let amount_minor = command.asked_minor.unwrap_or_else(|| recharge.left_minor(of.amount_minor));
    let asked = Operation { amount_minor, ..asked };
    let terms = terms(books, of, recharge, asked.reversal().and_then(Reversal::asker));
    if let Some(decline) = refuse(reseller, of, recharge, amount_minor, terms, at) {
        let declined = Operation { decline: Some(decline), ..asked };
        return Some(ReversalSteps::alone(EntryKind::ReversalDeclined, declined));
    }
    Some(match of.status {
        Status::Completed => submit(books, of, recharge, asked, moment),
        _ => {
            let waits = Operation { status: Status::Created, ..asked };
            ReversalSteps::alone(EntryKind::ReversalAwaited, waits)
        }
    })
}

/// The recharge, unless it is known that it credited nobody.
fn took_effect(of: &Operation) -> Option<&Recharge> {
    of.recharge().filter(|_| of.status != Status::Declined)
}

/// Nothing is to be taken back, which is what was wanted (`domain.md` \[8\]).
fn not_needed(reversal: Operation) -> ReversalSteps {
    let done = Operation { status: Status::Completed, amount_minor: 0, ..reversal };
    ReversalSteps::alone(EntryKind::ReversalNotNeeded, done)
}

/// What the catalogue said when the recharge was sold; its past never changes.
fn terms(books: &ShardBooks, of: &Operation, recharge: &Recharge, asker: Option<Asker>) -> ReversalTerms {
    let asker = asker.unwrap_or(Asker::Other);
    let catalogue = books.catalogue().map(|(_, catalogue)| catalogue);
    let said = catalogue.and_then(|catalogue| catalogue.reversal_terms(&recharge.product, asker, of.created_at));
    said.unwrap_or_else(|| ReversalTerms::fallback(asker))
}

/// The first refusal that applies, in the order of [`Decline`].
fn refuse(
    reseller: &Reseller,
    of: &Operation,
    recharge: &Recharge,
    amount_minor: i64,
    terms: ReversalTerms,
    at: Timestamp,
) -> Option<Decline> {
    let left_minor = recharge.left_minor(of.amount_minor);
    // Nobody can sell or return what would come back.
    if reseller.standing == Standing::Closed {
        return Some(Decline::ResellerSuspended);
    }
    if left_minor > 0 && !(1..=left_minor).contains(&amount_minor) {
        return Some(Decline::AmountOutOfRange);
    }
    if of.status == Status::Reversed {
        return Some(Decline::AlreadyReversed);
    }
    if terms.within_minutes == 0 {
        return Some(Decline::NotReversible);
    }
    if !terms.covers(of.created_at, at) {
        return Some(Decline::ReversalWindowOver);
    }
    if amount_minor != of.amount_minor && !terms.partial {
        return Some(Decline::PartialNotAllowed);
    }
    (of.status == Status::ReversalPending).then_some(Decline::ReversalUnderWay)
}

/// The charging system is about to be asked: the one that credited the line. Its reference ends with the sequence of the
/// reversal's own entry, which is the next one of the shard.
fn submit(
    books: &ShardBooks,
    of: &Operation,
    recharge: &Recharge,
    mut operation: Operation,
    moment: &Moment<'_>,
) -> ReversalSteps {
    let at = books.recorded_at(moment.now);
    let reference = charging_reference(books.shard(), books.next_sequence(), at);
    let before_minor = recharge.reversed_minor;
    let taken_back = recharge.terms.part(before_minor, before_minor + operation.amount_minor, of.amount_minor);
    if let Details::Reversal(reversal) = &mut operation.details {
        let submit_by = at.plus_ms(moment.rules.charging_deadline_ms);
        reversal.takes(before_minor, &taken_back);
        reversal.submit(reference, recharge.asked.last(), (at, submit_by));
    }
    operation.status = Status::Submitted;
    operation.updated_at = at;
    let pending = Operation { status: Status::ReversalPending, updated_at: at, ..of.clone() };
    let steps = ReversalSteps::alone(EntryKind::ReversalSubmitted, operation);
    let recharge = Some(Step::about(EntryKind::RechargeReversalPending, Subject::Operation(pending)));
    ReversalSteps { recharge, ..steps }
}

/// Moves a reversal on by what is known of it. `Ok(None)` when that is nothing new.
///
/// # Errors
/// [`Refusal::UnknownOperation`]; [`Refusal::UnknownReseller`]; [`Refusal::Overflow`]; [`Refusal::IllegalTransition`] when
/// the evidence contradicts a final outcome.
pub fn advance(
    books: &ShardBooks,
    command: &AdvanceReversal,
    moment: &Moment<'_>,
) -> Result<Option<ReversalSteps>, Refusal> {
    let operation = books.operation(command.operation).ok_or(Refusal::UnknownOperation)?;
    let reversal = operation.reversal().ok_or(Refusal::UnknownOperation)?;
    let of = books.operation(command.recharge).ok_or(Refusal::UnknownOperation)?;
    let reseller = books.reseller(command.reseller).ok_or(Refusal::UnknownReseller)?;
    if reversal.recharge() != Ok(of.id) || operation.reseller != reseller.id || of.reseller != reseller.id {
        return Err(Refusal::UnknownOperation);
    }
    let at = books.recorded_at(moment.now);
    let becomes = |status, decline| Operation { status, decline, updated_at: at, ..Operation::clone(operation) };
    let asked = matches!(operation.status, Status::Submitted | Status::InDoubt);
    let contradicted = Refusal::IllegalTransition { from: operation.status };
    match (command.evidence, operation.status) {
        (ReversalEvidence::Due, Status::Created) => Ok(go_on(books, of, becomes(Status::Created, None), moment)),
        (ReversalEvidence::NoAnswer, Status::Submitted) => {
            Ok(Some(ReversalSteps::alone(EntryKind::ReversalInDoubt, becomes(Status::InDoubt, None))))
        }
        (ReversalEvidence::Due | ReversalEvidence::NoAnswer, _)
        | (ReversalEvidence::Reversed, Status::Completed)
        | (ReversalEvidence::NotReversed(_) | ReversalEvidence::NotAsked, Status::Declined)
        | (ReversalEvidence::NotAsked, Status::Created) => Ok(None),
        // Of an attempt that provably never arrived nothing is heard.
        (_, _) if reversal.charging_reference != command.reference => Err(contradicted),
        (_, _) if !asked || of.status != Status::ReversalPending => Err(contradicted),
        (ReversalEvidence::Reversed, _) => {
            let done = becomes(Status::Completed, None);
            book(books, (reseller, of, reversal), done, moment).map(Some)
        }
        (ReversalEvidence::NotAsked, _) if !reversal.is_given_up(at) => {
            let waits = ReversalSteps::alone(EntryKind::ReversalAwaited, becomes(Status::Created, None));
            Ok(Some(kept(waits, of, at)))
        }
        (ReversalEvidence::NotReversed(_) | ReversalEvidence::NotAsked, _) => {
            let decline = match command.evidence {
                ReversalEvidence::NotReversed(decline) => decline,
                _ => Decline::ChargingDeclined,
            };
            let declined = becomes(Status::Declined, Some(decline));
            Ok(Some(kept(ReversalSteps::alone(EntryKind::ReversalDeclined, declined), of, at)))
        }
    }
}

/// The recharge is completed again.
fn kept(steps: ReversalSteps, of: &Operation, at: Timestamp) -> ReversalSteps {
    let kept = Operation { status: Status::Completed, updated_at: at, ..of.clone() };
    ReversalSteps { recharge: Some(Step::about(EntryKind::RechargeKept, Subject::Operation(kept))), ..steps }
}

/// A reversal that waited for its recharge, which may have an outcome by now.
fn go_on(books: &ShardBooks, of: &Operation, reversal: Operation, moment: &Moment<'_>) -> Option<ReversalSteps> {
    let Some(recharge) = took_effect(of) else { return Some(not_needed(reversal)) };
    let declined = |decline| {
        let declined = Operation { status: Status::Declined, decline: Some(decline), ..reversal.clone() };
        Some(ReversalSteps::alone(EntryKind::ReversalDeclined, declined))
    };
    let left_minor = recharge.left_minor(of.amount_minor);
    let asked_minor = reversal.reversal().and_then(|reversal| reversal.asked_minor);
    let amount_minor = asked_minor.unwrap_or(left_minor);
    match of.status {
        Status::Reversed => declined(Decline::AlreadyReversed),
        Status::Completed if amount_minor > left_minor => declined(Decline::AmountOutOfRange),
        Status::Completed => Some(submit(books, of, recharge, Operation { amount_minor, ..reversal }, moment)),
        // Still open, or another reversal is under way.
        _ => None,
    }
}

/// The credit was taken back.
fn book(
    books: &ShardBooks,
    (reseller, of, reversal): (&Reseller, &Operation, &Reversal),
    done: Operation,
    moment: &Moment<'_>,
) -> Result<ReversalSteps, Refusal> {
    let stock = books.account(reseller.stock_account).ok_or(Refusal::UnknownReseller)?;
    let mut recharge = of.recharge().ok_or(Refusal::UnknownOperation)?.clone();
    recharge.reversed_minor += done.amount_minor;
    let movements = movements(reversal, reseller, done.amount_minor);
    if !movements.iter().all(|movement| books.can_post(movement)) {
        return Err(Refusal::Overflow);
    }
    let whole = recharge.left_minor(of.amount_minor) == 0;
    let (status, kind) = if whole {
        (Status::Reversed, EntryKind::RechargeReversed)
    } else {
        (Status::Completed, EntryKind::RechargePartlyReversed)
    };
    let details = Details::Recharge(recharge);
    let changed = Operation { status, details, updated_at: done.updated_at, ..of.clone() };
    let mut step = Step::about(kind, Subject::Operation(changed));
    if whole {
        step.usage = given_back(stock.usage, of, moment).map(|usage| (stock.number, usage));
    }
    let steps = ReversalSteps::alone(EntryKind::ReversalCompleted, done);
    let reversal = Step { movements, ..steps.reversal };
    Ok(ReversalSteps { reversal, recharge: Some(step) })
}

/// What is posted when credit was taken back.
fn movements(reversal: &Reversal, reseller: &Reseller, amount_minor: i64) -> Vec<Movement> {
    let delivered = AccountClass::Delivered.system_account();
    let stock = Movement { debit: delivered, credit: reseller.stock_account, amount_minor };
    let commissions = taken_back(reversal);
    std::iter::once(stock).chain(commissions).collect()
}

/// What is posted of commissions, after the face value.
#[must_use]
pub fn taken_back(reversal: &Reversal) -> Vec<Movement> {
    commission::movements(&reversal.taken_back()).map(|it| reverse(&it)).collect()
}

/// The day's usage without a recharge of which nothing is left, as if it had been released (`domain.md` \[17\]); what was
/// counted on an earlier day is over anyway. A part gives nothing back.
fn given_back(usage: Usage, of: &Operation, moment: &Moment<'_>) -> Option<Usage> {
    (usage.day == moment.day_of(of.created_at)).then(|| Usage {
        day: usage.day,
        count: usage.count - 1,
        amount_minor: usage.amount_minor - of.amount_minor,
    })
}
