//! A dispute of a payment, opened, lost or won: the acquirer takes the money when it opens and gives it back when it is
//! won, and what was bought follows it.
//!
//! Opened, of a credited top-up, in named entries: debit fee income, credit acquirer receivable, its share of the fee.
//! Unsold: debit reseller stock, credit stock reserved, at face value; and the sale is reversed by its price, debit what
//! the price is made of, credit acquirer receivable. Sold: debit reseller receivable, credit acquirer receivable, at the
//! top-up's price. Held for sales without an outcome: debit clawback standing, credit acquirer receivable; `clawback`
//! says what becomes of it. Of a captured one: debit captured not credited, credit acquirer receivable. Lost: debit stock
//! reserved, credit operator stock (through in transit). Won: all of it the other way round; what the operator cannot
//! give back at once is our debt: credit captured not credited.

use super::books::{Movement, ShardBooks, Step, Subject};
use super::clawback;
use super::command::{BookDispute, Refusal, TendDisputes};
use super::pricing;
use super::refund::{debt, reverse};
use super::rules::Moment;
use super::topup::{Places, receivable, reserved};
use crate::domain::dispute::Turn;
use crate::domain::records::{Claim, StandingClawback};
use crate::domain::refund::Share;
use crate::domain::{
    Account, AccountClass, AccountNumber, Details, Dispute, DisputeStage, EntryKind, Operation, OperationId, Reseller,
    ResellerId, Standing, Status, Timestamp, Topup,
};

/// What a dispute writes, in its order: at the reseller's and, where operator stock moves in another shard, at the
/// operator's.
#[derive(Debug)]
pub struct DisputeSteps {
    pub home: Vec<Step>,
    pub operator: Option<Step>,
    /// Whether the reseller is suspended where the operator's policy says so: nobody had told of it before, the money is
    /// gone, and it is not a subscriber who paid.
    pub suspends: bool,
}

/// Books a dispute as it is told. `Ok(None)` when that is known, comes too late, or cannot be: the top-up then says how
/// the dispute stands here.
///
/// # Errors
/// [`Refusal::UnknownOperation`] when it is no top-up of this reseller whose money this acquirer took;
/// [`Refusal::UnknownReseller`]; [`Refusal::Overflow`].
pub fn book(places: &Places<'_>, command: &BookDispute, moment: &Moment<'_>) -> Result<Option<DisputeSteps>, Refusal> {
    let mut draft = Draft::of(places, command.operation, command.reseller, &command.acquirer, moment)?;
    let known = draft.topup.disputes.iter().position(|dispute| dispute.reference == command.dispute);
    let before = known.map(|index| &draft.topup.disputes[index]);
    let other_amount = before.is_some_and(|before| before.asked_minor != command.amount_minor);
    let turn = DisputeStage::turn(before.map(|before| before.stage), command.stage);
    if other_amount || turn != Turn::Moves {
        return Ok(None);
    }
    if known.is_none() {
        let dispute = Dispute::new(command.dispute.clone(), command.amount_minor, draft.at.unix_ms());
        draft.topup.disputes.push(dispute);
    }
    let index = known.unwrap_or(draft.topup.disputes.len() - 1);
    let is_new = known.is_none() && command.stage != DisputeStage::Won;
    if is_new {
        draft.claw(index, EntryKind::DisputeOpened)?;
    }
    match command.stage {
        DisputeStage::Open => {}
        DisputeStage::Lost => draft.lose(index)?,
        DisputeStage::Won => draft.win(index)?,
    }
    let suspends = is_new && draft.topup.recharge.is_none();
    Ok(Some(draft.finish(suspends)))
}

/// Does what a dispute could not do before: takes back what a refund under way stood in front of, gives the operator what
/// was released after a loss, and the reseller what the operator lacked after a win. `Ok(None)` when there is nothing.
///
/// # Errors
/// As [`book`].
pub fn tend(places: &Places<'_>, command: &TendDisputes, moment: &Moment<'_>) -> Result<Option<DisputeSteps>, Refusal> {
    let mut draft = Draft::of(places, command.operation, command.reseller, &command.acquirer, moment)?;
    for index in 0..draft.topup.disputes.len() {
        if draft.topup.disputes[index].uncovered_minor().min(draft.topup.free_minor()) > 0 {
            draft.claw(index, EntryKind::DisputeTended)?;
        }
        let dispute = &draft.topup.disputes[index];
        if dispute.stage == DisputeStage::Lost && (dispute.set_aside_minor > 0 || draft.frees()) {
            draft.give_up(index, EntryKind::DisputeTended)?;
        }
        let awaited = draft.topup.disputes[index].awaited;
        if awaited != Share::default() && draft.can_come(index, &awaited) {
            draft.restore(index)?;
        }
    }
    Ok(Some(draft).filter(|draft| !draft.steps.is_empty()).map(|draft| draft.finish(false)))
}

/// A top-up on its way to its next state.
struct Draft<'a> {
    places: &'a Places<'a>,
    before: &'a Operation,
    reseller: &'a Reseller,
    /// Where the acquirer's money stands.
    debtor: AccountNumber,
    topup: Topup,
    standing: StandingClawback,
    /// Accounts that the steps open.
    opened: Vec<Account>,
    at: Timestamp,
    steps: Vec<Step>,
    there: Vec<Movement>,
}

fn movement(debit: AccountNumber, credit: AccountNumber, amount_minor: i64) -> Movement {
    Movement { debit, credit, amount_minor }
}

impl<'a> Draft<'a> {
    fn of(
        places: &'a Places<'a>,
        id: OperationId,
        reseller: ResellerId,
        acquirer: &str,
        moment: &Moment<'_>,
    ) -> Result<Self, Refusal> {
        let books = places.home;
        let before = books.operation(id).filter(|operation| operation.reseller == reseller);
        let before = before.ok_or(Refusal::UnknownOperation)?;
        let topup = before.topup().filter(|topup| topup.payment.acquirer.as_deref() == Some(acquirer));
        let topup = topup.ok_or(Refusal::UnknownOperation)?.clone();
        let reseller = books.reseller(reseller).ok_or(Refusal::UnknownReseller)?;
        let (debtor, _) = receivable(books, acquirer);
        let standing = clawback::standing(books, reseller.id);
        let at = books.recorded_at(moment.now);
        let (opened, steps, there) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { places, before, reseller, debtor, topup, standing, opened, at, steps, there })
    }

    fn books(&self) -> &'a ShardBooks {
        self.places.home
    }

    /// The account of a class that the reseller has here, opened the first time.
    fn own(&mut self, class: AccountClass) -> (AccountNumber, Vec<Account>) {
        let known = self.books().owners().account(self.reseller.id, class);
        let opened = self.opened.iter().find(|account| account.class == class).map(|account| account.number);
        if let Some(number) = known.or(opened) {
            return (number, Vec::new());
        }
        let ahead = i64::try_from(self.opened.len()).expect("few accounts are opened at once");
        let number = AccountNumber(self.books().head().next_account + ahead);
        let account = Account::empty(number, class, Some(self.reseller.id));
        self.opened.push(account);
        (number, vec![account])
    }

    /// A step that leaves the top-up as it is now.
    fn push(&mut self, kind: EntryKind, mut movements: Vec<Movement>, opened: Vec<Account>) -> Result<(), Refusal> {
        movements.retain(|movement| movement.amount_minor > 0);
        let opens = |number| self.opened.iter().any(|account| account.number == number);
        let fits = |movement: &Movement| {
            (opens(movement.debit) || self.books().can_debit(movement.debit, movement.amount_minor))
                && (opens(movement.credit) || self.books().can_credit(movement.credit, movement.amount_minor))
        };
        if !movements.iter().all(fits) {
            return Err(Refusal::Overflow);
        }
        let status = self.topup.outcome().unwrap_or(self.before.status);
        let decline = self.before.decline.filter(|_| status == Status::Declined);
        let details = Details::Topup(Box::new(self.topup.clone()));
        let operation = Operation { status, decline, updated_at: self.at, details, ..self.before.clone() };
        self.steps.push(Step { movements, opened, ..Step::about(kind, Subject::Operation(operation)) });
        Ok(())
    }

    fn finish(mut self, suspends: bool) -> DisputeSteps {
        let last = self.steps.last().expect("whatever is finished has a step");
        let Subject::Operation(operation) = &last.subject else { unreachable!("it is about the top-up") };
        let elsewhere = Subject::Elsewhere { operation: operation.id, digest: operation.digest() };
        let stock = AccountClass::OperatorStock.system_account();
        let lends = self.there.iter().any(|movement| movement.debit == stock);
        let kind = if lends { EntryKind::TopupStockLent } else { EntryKind::TopupStockReturned };
        let movements = std::mem::take(&mut self.there);
        let operator =
            Some(Step { movements, ..Step::about(kind, elsewhere) }).filter(|step| !step.movements.is_empty());
        self.steps.extend(clawback::record(self.books(), self.reseller.id, self.standing));
        DisputeSteps { home: self.steps, operator, suspends }
    }

    /// Charges back what the cardholder's bank has and the top-up has left.
    fn claw(&mut self, index: usize, kind: EntryKind) -> Result<(), Refusal> {
        let amount = self.topup.disputes[index].uncovered_minor().min(self.topup.free_minor()).max(0);
        let credited = self.topup.was_credited();
        let mut share = Share::default();
        if credited {
            let (price, fee_minor) = (self.topup.price, self.topup.fee_minor);
            let rest = Share { face_minor: self.before.amount_minor, price, fee_minor };
            let rest = rest.plus(&self.topup.taken_back, -1);
            share = rest.part(amount, rest.money_minor());
        }
        self.topup.payment.charged_back_minor += amount;
        self.topup.payment.disputed_minor += amount;
        self.topup.taken_back = self.topup.taken_back.plus(&share, 1);
        let dispute = &mut self.topup.disputes[index];
        dispute.booked_minor += amount;
        dispute.share = dispute.share.plus(&share, 1);
        dispute.updated_at_ms = self.at.unix_ms();
        let owed = if credited { 0 } else { amount };
        dispute.debt_minor += owed;
        let fee = movement(AccountClass::FeeIncome.system_account(), self.debtor, share.fee_minor);
        self.push(kind, vec![movement(debt(), self.debtor, owed), fee], Vec::new())?;
        self.claw_stock(index, &Share { fee_minor: 0, ..share })
    }

    /// The three named entries: what is unsold, what was sold, and what is held.
    fn claw_stock(&mut self, index: usize, share: &Share) -> Result<(), Refusal> {
        let stock = self.books().account(self.reseller.stock_account).ok_or(Refusal::UnknownReseller)?;
        let available = stock.available().max(0);
        let unsold = share.of_face(share.face_minor.min(available));
        let rest = share.plus(&unsold, -1);
        // What is held beyond the stock, on credit, is none of the top-up's, and others may wait for some of it.
        let held_minor = (stock.posted.max(0) - available - self.standing.face_minor()).max(0);
        let held = rest.of_face(rest.face_minor.min(held_minor));
        let held = if held.face_minor > 0 { held } else { Share::default() };
        let sold = rest.plus(&held, -1).money_minor();
        if unsold.face_minor > 0 || unsold.money_minor() > 0 {
            let dispute = &mut self.topup.disputes[index];
            dispute.unsold = dispute.unsold.plus(&unsold, 1);
            dispute.set_aside_minor += unsold.face_minor;
            let sale = pricing::movements(&unsold.price, self.debtor);
            let stock = movement(self.reseller.stock_account, reserved(), unsold.face_minor);
            let movements = [stock].into_iter().chain(sale.iter().map(reverse)).collect();
            self.push(EntryKind::ClawedUnsold, movements, Vec::new())?;
        }
        if sold > 0 {
            self.topup.disputes[index].owed_minor += sold;
            let (owes, opened) = self.own(AccountClass::ResellerReceivable);
            self.push(EntryKind::ClawedSold, vec![movement(owes, self.debtor, sold)], opened)?;
        }
        if held.face_minor > 0 {
            let dispute = &mut self.topup.disputes[index];
            dispute.held = dispute.held.plus(&held, 1);
            let claim = Claim::new(self.before.id, dispute.reference.clone(), self.at, held.face_minor);
            self.standing.claims.push(claim);
            let (waits, opened) = self.own(AccountClass::ClawbackStanding);
            self.push(EntryKind::ClawedHeld, vec![movement(waits, self.debtor, held.money_minor())], opened)?;
        }
        Ok(())
    }

    fn lose(&mut self, index: usize) -> Result<(), Refusal> {
        let dispute = &mut self.topup.disputes[index];
        (dispute.stage, dispute.updated_at_ms) = (DisputeStage::Lost, self.at.unix_ms());
        self.give_up(index, EntryKind::DisputeLost)
    }

    /// Whether stock is set aside for a payment of which nothing is left.
    fn frees(&self) -> bool {
        self.topup.reserved_minor > 0 && matches!(self.topup.outcome(), Some(Status::ChargedBack | Status::Refunded))
    }

    /// What is set aside is the operator's.
    fn give_up(&mut self, index: usize, kind: EntryKind) -> Result<(), Refusal> {
        let freed = if self.frees() { std::mem::take(&mut self.topup.reserved_minor) } else { 0 };
        let amount = freed + std::mem::take(&mut self.topup.disputes[index].set_aside_minor);
        let (here, there) = self.places.give_back(amount);
        self.elsewhere(there)?;
        self.push(kind, vec![here], Vec::new())
    }

    fn elsewhere(&mut self, there: Option<Movement>) -> Result<(), Refusal> {
        let there = there.filter(|movement| movement.amount_minor > 0);
        if !self.places.fits(&[], there.as_ref()) {
            return Err(Refusal::Overflow);
        }
        self.there.extend(there);
        Ok(())
    }

    /// Whether what was taken back can come to the reseller again.
    fn can_come(&self, index: usize, unsold: &Share) -> bool {
        let lacks = unsold.face_minor - self.topup.disputes[index].set_aside_minor;
        self.reseller.standing != Standing::Closed && (lacks == 0 || self.places.can_spare(lacks))
    }

    /// Stock that was taken back comes again: what is set aside, and the rest from the operator.
    fn stock_comes(&mut self, index: usize, face_minor: i64) -> Result<Vec<Movement>, Refusal> {
        let stock = self.reseller.stock_account;
        let set_aside = std::mem::take(&mut self.topup.disputes[index].set_aside_minor);
        let (here, there) = self.places.lend(stock, face_minor - set_aside);
        self.elsewhere(there)?;
        Ok(vec![movement(reserved(), stock, set_aside), here])
    }

    /// The money is here again: all that was taken back is put back.
    fn win(&mut self, index: usize) -> Result<(), Refusal> {
        let dispute = self.topup.disputes[index].clone();
        let debtor = self.debtor;
        let fee = AccountClass::FeeIncome.system_account();
        let mut movements =
            vec![movement(debtor, debt(), dispute.debt_minor), movement(debtor, fee, dispute.share.fee_minor)];
        let mut awaited = Share::default();
        if self.can_come(index, &dispute.unsold) {
            movements.extend(self.stock_comes(index, dispute.unsold.face_minor)?);
            movements.extend(pricing::movements(&dispute.unsold.price, debtor));
        } else {
            awaited = dispute.unsold;
            movements.push(movement(debtor, debt(), awaited.money_minor()));
        }
        for (class, minor) in [
            (AccountClass::ResellerReceivable, dispute.owed_minor),
            (AccountClass::ClawbackStanding, dispute.held.money_minor()),
        ] {
            let number = self.books().owners().account(self.reseller.id, class);
            movements.extend(number.map(|number| movement(debtor, number, minor)));
        }
        let id = self.before.id;
        self.standing.claims.retain(|claim| claim.topup() != Ok(id) || claim.dispute != dispute.reference);
        self.topup.payment.charged_back_minor -= dispute.booked_minor;
        self.topup.taken_back = self.topup.taken_back.plus(&dispute.share, -1);
        let set_aside_minor = self.topup.disputes[index].set_aside_minor;
        self.topup.disputes[index] = Dispute {
            stage: DisputeStage::Won,
            set_aside_minor,
            awaited,
            opened_at_ms: dispute.opened_at_ms,
            ..Dispute::new(dispute.reference, dispute.asked_minor, self.at.unix_ms())
        };
        self.push(EntryKind::DisputeWon, movements, Vec::new())
    }

    /// What could not come back when the dispute was won comes now.
    fn restore(&mut self, index: usize) -> Result<(), Refusal> {
        let awaited = std::mem::take(&mut self.topup.disputes[index].awaited);
        let mut movements = self.stock_comes(index, awaited.face_minor)?;
        movements.extend(pricing::movements(&awaited.price, debt()));
        self.push(EntryKind::DisputeTended, movements, Vec::new())
    }
}
