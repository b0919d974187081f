//! What needs two persons: one proposes, another one approves or refuses, and what nobody decides expires.
//!
//! An approved issue: debit issued, credit operator stock. An approved destruction: debit operator stock, credit
//! destroyed. An approved adjustment out of a stock: debit that stock, credit airtime suspense of the same shard; into
//! a stock the other way round. All at face value. A proposal, a refusal and an expiry post nothing.
//!
//! The day's issues are counted as they are proposed and given back when they come to nothing the same day.

use super::books::{Movement, ShardBooks, Step, Subject};
use super::command::{Propose, Refusal, Rule};
use super::rules::Moment;
use crate::domain::{
    AccountClass, AccountNumber, Decline, Details, Direction, EntryKind, FourEyes, Operation, PartnerId, Proposal,
    ResellerId, Ruling, Status, Timestamp, Usage, Verdict,
};

/// What a ruling writes: with the operation and, when the reseller lives elsewhere, in its shard.
#[derive(Debug)]
pub struct Ruled {
    pub here: Step,
    pub elsewhere: Option<Step>,
}

/// What a request says, as its operation keeps it.
#[must_use]
pub fn details(command: &Propose, expires_at: Timestamp) -> Details {
    Details::FourEyes(Box::new(FourEyes {
        proposal: command.proposal,
        maker: command.maker,
        reason: command.reason.clone(),
        document: command.document.clone(),
        expires_at,
        verdict: None,
    }))
}

/// Records a proposal. An issue is declined at once when it takes the day beyond its cap.
#[must_use]
pub fn propose(books: &ShardBooks, command: &Propose, moment: &Moment<'_>) -> Step {
    let at = books.recorded_at(moment.now);
    let mut operation = Operation {
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
    if command.proposal != Proposal::Issue {
        return Step::about(EntryKind::ApprovalRequested, Subject::Operation(operation));
    }
    let (number, used) = issued_on_day_of(books, at, moment);
    let total = used.amount_minor.checked_add(command.amount_minor);
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
    if eyes.proposal.reseller() != command.reseller {
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
            Ok(Some(Ruled { here, elsewhere: None }))
        }
        Ruling::Approve => carry_out(books, there, decided, eyes.proposal, moment),
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
    proposal: Proposal,
    moment: &Moment<'_>,
) -> Result<Option<Ruled>, Refusal> {
    let movement = movement_of(there, proposal, approved.amount_minor)?;
    let affordable = there.account(movement.debit).is_some_and(|account| account.can_spare(movement.amount_minor));
    let decline = if !there.can_post(&movement) {
        Some(Decline::LimitExceeded)
    } else if !affordable {
        Some(Decline::InsufficientStock)
    } else {
        None
    };
    if decline.is_some() {
        approved.status = Status::Declined;
        approved.decline = decline;
        let here = ended(books, EntryKind::ApprovedInVain, approved, moment);
        return Ok(Some(Ruled { here, elsewhere: None }));
    }
    approved.status = Status::Approved;
    let kind = match proposal {
        Proposal::Issue => EntryKind::StockIssued,
        Proposal::Destruction => EntryKind::StockDestroyed,
        Proposal::Adjustment { .. } => EntryKind::StockAdjusted,
    };
    let posting = |kind, subject| Step { movements: vec![movement], ..Step::about(kind, subject) };
    if books.shard() == there.shard() {
        return Ok(Some(Ruled { here: posting(kind, Subject::Operation(approved)), elsewhere: None }));
    }
    let elsewhere = Subject::Elsewhere { operation: approved.id, digest: approved.digest() };
    Ok(Some(Ruled {
        elsewhere: Some(posting(EntryKind::AdjustmentPosted, elsewhere)),
        here: Step::about(kind, Subject::Operation(approved)),
    }))
}

/// The posting that a proposal asks for, in the shard of the stock it moves.
fn movement_of(books: &ShardBooks, proposal: Proposal, amount_minor: i64) -> Result<Movement, Refusal> {
    let stock = AccountClass::OperatorStock.system_account();
    let (debit, credit) = match proposal {
        Proposal::Issue => (AccountClass::Issued.system_account(), stock),
        Proposal::Destruction => (stock, AccountClass::Destroyed.system_account()),
        Proposal::Adjustment { reseller, direction } => {
            let stock = match reseller {
                Some(reseller) => books.reseller(reseller).ok_or(Refusal::UnknownReseller)?.stock_account,
                None => stock,
            };
            let suspense = AccountClass::AirtimeSuspense.system_account();
            match direction {
                Direction::In => (suspense, stock),
                Direction::Out => (stock, suspense),
            }
        }
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
