//! A refund of a top-up: what was bought comes back first, then the acquirer gives the money back.
//!
//! Asked for, of a credited top-up: debit reseller stock, credit stock reserved, for what of its share in face value is
//! unsold; the sale is reversed by the price of that (debit what the price is made of and fee income, credit captured
//! not credited); debit reseller receivable, credit captured not credited, for what was sold. Of a captured one: nothing,
//! for the money is our debt already. Given back: debit captured not credited, credit acquirer receivable; debit stock
//! reserved, credit operator stock (through in transit). Not given back: all of the first is put back.

use super::books::{Movement, ShardBooks, Step, Subject};
use super::command::{RefundEvidence, Refusal, SettleRefund, StartRefund};
use super::pricing;
use super::rules::Moment;
use super::topup::{Places, TopupSteps, halves, receivable, reserved};
use crate::domain::refund::{Clawed, Share};
use crate::domain::{
    Account, AccountClass, AccountNumber, Decline, Details, EntryKind, Operation, Reseller, Status, Timestamp, Topup,
    TopupRefund,
};

/// What a request says, as its operation keeps it.
#[must_use]
pub fn details(command: &StartRefund) -> Details {
    Details::Refund(Box::new(TopupRefund::new(command.topup, command.asked_minor, &command.reason)))
}

pub(super) fn debt() -> AccountNumber {
    AccountClass::CapturedNotCredited.system_account()
}

/// Takes back what was bought and sets the money aside, or declines. `None` when the reseller is unknown.
#[must_use]
pub fn start(books: &ShardBooks, command: &StartRefund, moment: &Moment<'_>) -> Option<TopupSteps> {
    let reseller = books.reseller(command.reseller)?;
    let at = books.recorded_at(moment.now);
    let of = books.operation(command.topup).filter(|of| of.reseller == command.reseller);
    let found = of.and_then(|of| Some((of, of.topup()?)));
    let refund = TopupRefund::new(command.topup, command.asked_minor, &command.reason);
    let left_minor = found.map_or(0, |(_, topup)| topup.free_minor());
    let amount_minor = command.asked_minor.unwrap_or(left_minor);
    let operation = |status, decline, refund| Operation {
        id: command.operation,
        partner: command.partner,
        reseller: command.reseller,
        external_id: command.external_id.clone(),
        amount_minor,
        status,
        decline,
        balance_after: None,
        created_at: at,
        updated_at: at,
        details: Details::Refund(Box::new(refund)),
        last_sequence: 0,
    };
    let may = found.filter(|(of, _)| {
        matches!(of.status, Status::Captured | Status::Credited) && (1..=left_minor).contains(&amount_minor)
    });
    let planned = may.and_then(|(of, topup)| plan(books, reseller, (of, topup), refund.clone(), amount_minor, at));
    let Some((refund, movements, opened, after)) = planned else {
        let declined = operation(Status::Declined, Some(Decline::AmountOutOfRange), refund);
        return Some(TopupSteps::home(Step::about(EntryKind::RefundDeclined, Subject::Operation(declined))));
    };
    let started = Subject::Operation(operation(Status::Processing, None, refund));
    let step = Step::about(EntryKind::RefundStarted, started);
    let home = Step { movements, opened: opened.into_iter().collect(), ..step };
    Some(TopupSteps { home, operator: None, of: Some(advanced(after)) })
}

fn advanced(topup: Operation) -> Step {
    Step::about(EntryKind::TopupAdvanced, Subject::Operation(topup))
}

type Plan = (TopupRefund, Vec<Movement>, Option<Account>, Operation);

fn plan(
    books: &ShardBooks,
    reseller: &Reseller,
    (of, topup): (&Operation, &Topup),
    mut refund: TopupRefund,
    amount_minor: i64,
    at: Timestamp,
) -> Option<Plan> {
    let mut next = topup.clone();
    next.payment.refunding_minor += amount_minor;
    refund.acquirer.clone_from(&topup.payment.acquirer);
    let mut owes = None;
    let mut opened = None;
    if of.status == Status::Credited {
        let whole = Share { face_minor: of.amount_minor, price: topup.price, fee_minor: topup.fee_minor };
        let rest = whole.plus(&topup.taken_back, -1);
        refund.share = rest.part(amount_minor, rest.money_minor());
        refund.clawed = clawed(books, reseller, &refund.share)?;
        next.taken_back = next.taken_back.plus(&refund.share, 1);
        if refund.clawed.owed_minor > 0 {
            let number = match books.owners().account(reseller.id, AccountClass::ResellerReceivable) {
                Some(number) => number,
                None => {
                    let number = AccountNumber(books.head().next_account);
                    opened = Some(Account::empty(number, AccountClass::ResellerReceivable, Some(reseller.id)));
                    number
                }
            };
            owes = Some(number);
        }
    }
    let movements = taken_back(&refund.clawed, reseller, owes);
    let opens = opened.as_ref().map(|account| account.number);
    let fits = |movement: &Movement| Some(movement.debit) == opens || books.can_post(movement);
    movements.iter().all(fits).then(|| (refund, movements, opened, changed(of, next, of.status, at)))
}

/// Of the share, what the reseller still has comes back, and what it has not is owed.
fn clawed(books: &ShardBooks, reseller: &Reseller, share: &Share) -> Option<Clawed> {
    let available = books.account(reseller.stock_account)?.available().max(0);
    let face_minor = share.face_minor.min(available);
    let without_fee = Share { fee_minor: 0, ..*share };
    let price_minor = without_fee.money_minor();
    let part = without_fee.of_face(face_minor);
    let owed_minor = price_minor - part.money_minor();
    Some(Clawed { face_minor, price: part.price, fee_minor: share.fee_minor, owed_minor })
}

/// What is posted when it is taken back.
fn taken_back(clawed: &Clawed, reseller: &Reseller, owes: Option<AccountNumber>) -> Vec<Movement> {
    let movement = |debit, credit, amount_minor| Movement { debit, credit, amount_minor };
    let sale = pricing::movements(&clawed.price, debt());
    let mut movements = vec![movement(reseller.stock_account, reserved(), clawed.face_minor)];
    movements.extend(sale.iter().map(reverse));
    movements.push(movement(AccountClass::FeeIncome.system_account(), debt(), clawed.fee_minor));
    movements.extend(owes.map(|owes| movement(owes, debt(), clawed.owed_minor)));
    movements.retain(|movement| movement.amount_minor > 0);
    movements
}

pub(super) fn reverse(movement: &Movement) -> Movement {
    Movement { debit: movement.credit, credit: movement.debit, amount_minor: movement.amount_minor }
}

fn changed(before: &Operation, topup: Topup, status: Status, at: Timestamp) -> Operation {
    Operation { status, updated_at: at, details: Details::Topup(Box::new(topup)), ..before.clone() }
}

/// Moves a refund on by what is known of it. `Ok(None)` when that is nothing new.
///
/// # Errors
/// [`Refusal::UnknownOperation`]; [`Refusal::UnknownReseller`]; [`Refusal::Overflow`].
pub fn settle(places: &Places<'_>, command: &SettleRefund, moment: &Moment<'_>) -> Result<Option<TopupSteps>, Refusal> {
    let books = places.home;
    let operation = books.operation(command.operation).ok_or(Refusal::UnknownOperation)?;
    let Details::Refund(refund) = &operation.details else { return Err(Refusal::UnknownOperation) };
    let of = books.operation(command.topup).ok_or(Refusal::UnknownOperation)?;
    let topup = of.topup().ok_or(Refusal::UnknownOperation)?;
    let reseller = books.reseller(operation.reseller).ok_or(Refusal::UnknownReseller)?;
    if refund.topup() != Ok(of.id) || of.reseller != command.reseller {
        return Err(Refusal::UnknownOperation);
    }
    if !matches!(operation.status, Status::Processing | Status::InDoubt) {
        return Ok(None);
    }
    let at = books.recorded_at(moment.now);
    let mut refund = TopupRefund::clone(refund);
    if let Some(reference) = &command.reference {
        refund.reference = Some(reference.clone());
    }
    let becomes = |refund: TopupRefund, status, decline| {
        let details = Details::Refund(Box::new(refund));
        Subject::Operation(Operation { status, decline, updated_at: at, details, ..Operation::clone(operation) })
    };
    let mut next = topup.clone();
    let clawed = refund.clawed;
    match command.evidence {
        RefundEvidence::Unknown => {
            if operation.status == Status::InDoubt {
                return Ok(None);
            }
            let step = Step::about(EntryKind::RefundAdvanced, becomes(refund, Status::InDoubt, None));
            Ok(Some(TopupSteps::home(step)))
        }
        RefundEvidence::NotGiven(decline) => {
            next.payment.refunding_minor -= operation.amount_minor;
            next.taken_back = next.taken_back.plus(&refund.share, -1);
            let owes = books.owners().account(reseller.id, AccountClass::ResellerReceivable);
            let movements: Vec<_> = taken_back(&clawed, reseller, owes).iter().map(reverse).collect();
            if !places.fits(&movements, None) || (clawed.owed_minor > 0 && owes.is_none()) {
                return Err(Refusal::Overflow);
            }
            let subject = becomes(refund, Status::Declined, Some(decline));
            let home = Step { movements, ..Step::about(EntryKind::RefundPutBack, subject) };
            Ok(Some(TopupSteps { home, operator: None, of: Some(advanced(changed(of, next, of.status, at))) }))
        }
        RefundEvidence::Given => {
            next.payment.refunding_minor -= operation.amount_minor;
            next.payment.refunded_minor += operation.amount_minor;
            let status = next.outcome().unwrap_or(of.status);
            // Stock that was set aside for a payment of which nothing is left goes back as well.
            let all = matches!(status, Status::Refunded | Status::ChargedBack);
            let freed = if all { std::mem::take(&mut next.reserved_minor) } else { 0 };
            let acquirer = refund.acquirer.clone().ok_or(Refusal::UnknownOperation)?;
            let (debtor, None) = receivable(books, &acquirer) else { return Err(Refusal::UnknownOperation) };
            let paid = Movement { debit: debt(), credit: debtor, amount_minor: operation.amount_minor };
            let (here, there) = places.give_back(clawed.face_minor + freed);
            let movements: Vec<_> = [paid, here].into_iter().filter(|movement| movement.amount_minor > 0).collect();
            let there = there.filter(|movement| movement.amount_minor > 0);
            if !places.fits(&movements, there.as_ref()) {
                return Err(Refusal::Overflow);
            }
            let subject = becomes(refund, Status::Refunded, None);
            let home = Step { movements, ..Step::about(EntryKind::TopupRefunded, subject) };
            let steps = halves(home, EntryKind::TopupStockReturned, there);
            Ok(Some(TopupSteps { of: Some(advanced(changed(of, next, status, at))), ..steps }))
        }
    }
}
