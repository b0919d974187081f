//! What needs two persons: one proposes, another one approves or refuses, and what nobody decides expires.
//!
//! An approved issue: debit issued, credit operator stock. An approved destruction: debit operator stock, credit
//! destroyed. An approved adjustment out of a stock: debit that stock, credit airtime suspense of the same shard; into
//! a stock the other way round. All at face value. An approved raise of limits posts nothing: it puts the limits of the
//! reseller, a record of its shard, in their next version, if they still are as they were when it was proposed. A proposal, a refusal and an expiry post nothing.
//!
//! The day's issues are counted as they are proposed and given back when they come to nothing the same day.

use std::sync::Arc;

use super::books::{Movement, ShardBooks, Step, Subject};
use super::command::{Propose, Refusal, Rule};
use super::rules::Moment;
use super::{items, limits, statement};
use crate::domain::records::LimitChange;
use crate::domain::{
    AccountClass, AccountNumber, Decline, Details, Direction, EntryKind, FourEyes, LimitRaise, Operation, PartnerId,
    Proposal, Record, ResellerId, Ruling, Status, Timestamp, Usage, Verdict,
};

/// What a ruling writes: with the operation, in the shard of a reseller or top-up, and of records before both.
#[derive(Debug)]
pub struct Ruled {
    pub here: Step,
    /// In the reseller's shard; before the other, where both are one.
    pub elsewhere: Option<Step>,
    /// With the operation.
    pub records: Vec<Step>,
}

impl Ruled {
    fn of(here: Step, elsewhere: Option<Step>) -> Self {
        Self { here, elsewhere, records: Vec::new() }
    }
}

/// What a request says, as its operation keeps it.
#[must_use]
pub fn details(command: &Propose, expires_at: Timestamp) -> Details {
    Details::FourEyes(Box::new(FourEyes {
        proposal: command.proposal.clone(),
        maker: command.maker,
        reason: command.reason.clone(),
        document: command.document.clone(),
        expires_at,
        verdict: None,
    }))
}

/// Records a proposal. An issue is declined at once when it takes the day beyond its cap, a raise of limits when it is
/// none. `there` is the shard of the reseller it is about, or the operator's.
///
/// # Errors
/// [`Refusal::UnknownReseller`]: not for one that was found before the key was claimed.
pub fn propose(
    books: &ShardBooks,
    there: &ShardBooks,
    command: &Propose,
    moment: &Moment<'_>,
) -> Result<Step, Refusal> {
    let at = books.recorded_at(moment.now);
    let operation = Operation {
        id: command.operation,
        partner: PartnerId::OPERATOR,
        reseller: ResellerId::OPERATOR,
        external_id: command.external_id.clone(),
        amount_minor: command.amount_minor,
        status: Status::PendingApproval,
        decline: None,
        balance_after: None,
        created_at: at,
        updated_at: at,
        details: details(command, at.plus_ms(moment.rules.approval_expiry_ms)),
        last_sequence: 0,
    };
    match &command.proposal {
        Proposal::Issue => Ok(propose_issue(books, operation, moment)),
        Proposal::LimitRaise(raise) => propose_raise(there, operation, &raise.change, moment),
        Proposal::Resolution(asked) => Ok(items::propose(books, there, operation, asked)),
        Proposal::Statement(stated) => Ok(statement::propose(there, operation, stated, moment)),
        Proposal::Destruction | Proposal::Adjustment { .. } => {
            Ok(Step::about(EntryKind::ApprovalRequested, Subject::Operation(operation)))
        }
    }
}

fn propose_raise(
    there: &ShardBooks,
    mut operation: Operation,
    change: &LimitChange,
    moment: &Moment<'_>,
) -> Result<Step, Refusal> {
    let (version, _) = limits::standing(there, change.reseller)?;
    if let Details::FourEyes(eyes) = &mut operation.details {
        eyes.proposal = Proposal::LimitRaise(Box::new(LimitRaise { change: change.clone(), version }));
    }
    let past = change.effective_from.is_some_and(|from| from <= there.recorded_at(moment.now));
    if past || matches!(limits::raise(there, change, moment), Err(Refusal::Limits(_))) {
        operation.status = Status::Declined;
        operation.decline = Some(Decline::UnfitLimits);
        return Ok(Step::about(EntryKind::LimitRaiseDeclined, Subject::Operation(operation)));
    }
    Ok(Step::about(EntryKind::ApprovalRequested, Subject::Operation(operation)))
}

fn propose_issue(books: &ShardBooks, mut operation: Operation, moment: &Moment<'_>) -> Step {
    let at = operation.created_at;
    let (number, used) = issued_on_day_of(books, at, moment);
    let total = used.amount_minor.checked_add(operation.amount_minor);
    let fits = total.filter(|total| moment.rules.issue_per_day_minor.is_none_or(|cap| *total <= cap));
    let Some(amount_minor) = fits else {
        operation.status = Status::Declined;
        operation.decline = Some(Decline::LimitExceeded);
        return Step::about(EntryKind::IssueDeclined, Subject::Operation(operation));
    };
    let usage = Usage { day: used.day, count: used.count.saturating_add(1), amount_minor };
    let step = Step::about(EntryKind::ApprovalRequested, Subject::Operation(operation));
    Step { usage: Some((number, usage)), ..step }
}

/// Decides a proposal. `there` is the shard of the reseller it is about, or the operation's own. `Ok(None)` when the
/// same checker ruled the same before: nothing is written.
///
/// # Errors
/// [`Refusal::UnknownOperation`] when it is no proposal, or about another reseller; then, in this order,
/// [`Refusal::SamePerson`], [`Refusal::DecidedAlready`], [`Refusal::ApprovalExpired`].
pub fn rule(
    books: &ShardBooks,
    there: &ShardBooks,
    command: &Rule,
    moment: &Moment<'_>,
) -> Result<Option<Ruled>, Refusal> {
    let operation = books.operation(command.operation).ok_or(Refusal::UnknownOperation)?;
    let eyes = operation.four_eyes().ok_or(Refusal::UnknownOperation)?;
    let same = eyes.proposal.reseller() == command.reseller
        && eyes.proposal.resolution() == command.resolution.as_deref()
        && eyes.proposal.statement() == command.statement.as_ref();
    if !same {
        return Err(Refusal::UnknownOperation);
    }
    if eyes.maker == command.checker {
        return Err(Refusal::SamePerson);
    }
    if let Some(before) = &eyes.verdict {
        let same =
            (before.checker, before.ruling, &before.reason) == (command.checker, command.ruling, &command.reason);
        return if same { Ok(None) } else { Err(Refusal::DecidedAlready { status: operation.status }) };
    }
    let at = books.recorded_at(moment.now);
    match operation.status {
        Status::PendingApproval if at < eyes.expires_at => {}
        Status::PendingApproval | Status::Expired => return Err(Refusal::ApprovalExpired),
        status => return Err(Refusal::DecidedAlready { status }),
    }
    let verdict = Verdict { checker: command.checker, ruling: command.ruling, reason: command.reason.clone(), at };
    let mut decided = Operation::clone(operation);
    decided.updated_at = at;
    decided.details = Details::FourEyes(Box::new(FourEyes { verdict: Some(verdict), ..eyes.clone() }));
    match command.ruling {
        Ruling::Refuse => {
            decided.status = Status::Refused;
            let here = ended(books, EntryKind::ApprovalRefused, decided, moment);
            Ok(Some(Ruled::of(here, None)))
        }
        Ruling::Approve => match &eyes.proposal {
            Proposal::Statement(stated) => {
                statement::carry_out(books, there, decided, (stated, eyes), moment).map(Some)
            }
            proposal => carry_out(books, there, decided, proposal, moment),
        },
    }
}

/// Ends what nobody decided in time. `Ok(None)` when it was decided, or its time is not over.
///
/// # Errors
/// [`Refusal::UnknownOperation`] when it is no proposal.
pub fn expire(books: &ShardBooks, operation: &Operation, moment: &Moment<'_>) -> Result<Option<Step>, Refusal> {
    let eyes = operation.four_eyes().ok_or(Refusal::UnknownOperation)?;
    let at = books.recorded_at(moment.now);
    if operation.status != Status::PendingApproval || at < eyes.expires_at {
        return Ok(None);
    }
    let mut expired = operation.clone();
    expired.status = Status::Expired;
    expired.updated_at = at;
    Ok(Some(ended(books, EntryKind::ApprovalExpired, expired, moment)))
}

/// Posts what was approved, or declines it when it is no longer possible.
fn carry_out(
    books: &ShardBooks,
    there: &ShardBooks,
    mut approved: Operation,
    proposal: &Proposal,
    moment: &Moment<'_>,
) -> Result<Option<Ruled>, Refusal> {
    let (movement, kind) = match proposal {
        Proposal::LimitRaise(raise) => return carry_out_raise(books, there, approved, raise, moment),
        Proposal::Resolution(asked) => return Ok(Some(items::carry_out(books, there, approved, asked, moment))),
        Proposal::Statement(_) => return Err(Refusal::UnknownOperation),
        Proposal::Issue => (issue_of(approved.amount_minor), EntryKind::StockIssued),
        Proposal::Destruction => (destruction_of(approved.amount_minor), EntryKind::StockDestroyed),
        Proposal::Adjustment { reseller, direction } => {
            (adjustment_of(there, *reseller, *direction, approved.amount_minor)?, EntryKind::StockAdjusted)
        }
    };
    let at = there.recorded_at(moment.now);
    let affordable = there.account(movement.debit).is_some_and(|account| {
        let owner = account.owner.and_then(|owner| there.reseller(owner));
        let account = owner.map_or(*account, |owner| limits::with_credit(there, owner, account, at));
        account.can_spare(movement.amount_minor)
    });
    let decline = if !there.can_post(&movement) {
        Some(Decline::LimitExceeded)
    } else if !affordable {
        Some(Decline::InsufficientStock)
    } else {
        None
    };
    if let Some(decline) = decline {
        return Ok(Some(in_vain(books, approved, decline, moment)));
    }
    approved.status = Status::Approved;
    let posting = |kind, subject| Step { movements: vec![movement], ..Step::about(kind, subject) };
    if books.shard() == there.shard() {
        return Ok(Some(Ruled::of(posting(kind, Subject::Operation(approved)), None)));
    }
    let elsewhere = Subject::Elsewhere { operation: approved.id, digest: approved.digest() };
    let elsewhere = posting(EntryKind::AdjustmentPosted, elsewhere);
    Ok(Some(Ruled::of(Step::about(kind, Subject::Operation(approved)), Some(elsewhere))))
}

/// Puts the limits of the reseller in their next version: what was proposed, against what it was proposed for.
fn carry_out_raise(
    books: &ShardBooks,
    there: &ShardBooks,
    mut approved: Operation,
    raise: &LimitRaise,
    moment: &Moment<'_>,
) -> Result<Option<Ruled>, Refusal> {
    let (version, _) = limits::standing(there, raise.change.reseller)?;
    if version != raise.version {
        return Ok(Some(in_vain(books, approved, Decline::LimitsChanged, moment)));
    }
    // A change that was to come may have begun meanwhile.
    let record: Arc<Record> = match limits::raise(there, &raise.change, moment) {
        Ok(record) => record.into(),
        Err(Refusal::Limits(_)) => return Ok(Some(in_vain(books, approved, Decline::UnfitLimits, moment))),
        Err(refusal) => return Err(refusal),
    };
    approved.status = Status::Approved;
    let elsewhere = super::record::step(EntryKind::RecordPut, &record);
    Ok(Some(Ruled::of(Step::about(EntryKind::LimitsRaised, Subject::Operation(approved)), Some(elsewhere))))
}

/// What was approved and is no longer possible.
pub(super) fn in_vain(books: &ShardBooks, mut approved: Operation, decline: Decline, moment: &Moment<'_>) -> Ruled {
    approved.status = Status::Declined;
    approved.decline = Some(decline);
    Ruled::of(ended(books, EntryKind::ApprovedInVain, approved, moment), None)
}

fn operator_stock() -> AccountNumber {
    AccountClass::OperatorStock.system_account()
}

fn issue_of(amount_minor: i64) -> Movement {
    Movement { debit: AccountClass::Issued.system_account(), credit: operator_stock(), amount_minor }
}

fn destruction_of(amount_minor: i64) -> Movement {
    Movement { debit: operator_stock(), credit: AccountClass::Destroyed.system_account(), amount_minor }
}

/// In the shard of the stock it moves.
fn adjustment_of(
    books: &ShardBooks,
    reseller: Option<ResellerId>,
    direction: Direction,
    amount_minor: i64,
) -> Result<Movement, Refusal> {
    let stock = match reseller {
        Some(reseller) => books.reseller(reseller).ok_or(Refusal::UnknownReseller)?.stock_account,
        None => operator_stock(),
    };
    let suspense = AccountClass::AirtimeSuspense.system_account();
    let (debit, credit) = match direction {
        Direction::In => (suspense, stock),
        Direction::Out => (stock, suspense),
    };
    Ok(Movement { debit, credit, amount_minor })
}

/// A proposal that comes to nothing: what it counted for the day is given back, if the day is not over.
fn ended(books: &ShardBooks, kind: EntryKind, operation: Operation, moment: &Moment<'_>) -> Step {
    let issue = operation.four_eyes().is_some_and(|eyes| eyes.proposal == Proposal::Issue);
    let (number, used) = issued_on_day_of(books, operation.created_at, moment);
    let kept = books.account(number).is_some_and(|account| account.usage.day == used.day);
    let usage = Usage {
        day: used.day,
        count: used.count.saturating_sub(1),
        amount_minor: used.amount_minor.saturating_sub(operation.amount_minor),
    };
    let step = Step::about(kind, Subject::Operation(operation));
    Step { usage: (issue && kept).then_some((number, usage)), ..step }
}

/// The account whose usage counts what is issued, and what it counted on the business day of `at`.
fn issued_on_day_of(books: &ShardBooks, at: Timestamp, moment: &Moment<'_>) -> (AccountNumber, Usage) {
    let number = AccountClass::Issued.system_account();
    let usage = books.account(number).map(|account| account.usage).unwrap_or_default();
    (number, usage.on(moment.day_of(at)))
}
