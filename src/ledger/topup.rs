//! A card-funded top-up: stock is set aside, the acquirer takes the money, and the stock moves.
//!
//! Set aside: debit operator stock, credit stock reserved of the reseller's shard (through in transit). Not paid: the
//! same back. Paid, in one entry of the reseller's shard: debit stock reserved, credit reseller stock, at face value;
//! debit acquirer receivable, credit what the price is made of (`pricing`) and fee income. Where the stock cannot come
//! at once the money is our debt: debit acquirer receivable, credit captured not credited; and later, debit captured
//! not credited, credit what the price is made of and fee income.

use super::books::{Movement, ShardBooks, Step, Subject};
use super::command::{AdvanceTopup, CreditTopup, Refusal, StartTopup, TopupEvidence};
use super::pricing;
use super::rules::Moment;
use crate::domain::refund::Share;
use crate::domain::topup::acquirer_owner;
use crate::domain::{
    Account, AccountClass, AccountNumber, CardPayment, Decline, Details, EntryKind, Operation, Reseller, Standing,
    Status, Timestamp, Topup,
};

/// What a top-up writes: at the reseller's and, where operator stock moves in another shard, at the operator's.
#[derive(Debug)]
pub struct TopupSteps {
    pub home: Step,
    pub operator: Option<Step>,
    /// The top-up that a refund is of, at the reseller's.
    pub of: Option<Step>,
}

impl TopupSteps {
    pub(super) fn home(step: Step) -> Self {
        Self { home: step, operator: None, of: None }
    }
}

impl TopupEvidence {
    /// Whether operator stock may move by it. What is paid has its stock set aside, and where that went back, the money
    /// is our debt until it can be credited.
    #[must_use]
    pub fn moves_stock(&self) -> bool {
        matches!(self, Self::NotTaken(_))
    }
}

/// The shards that a top-up touches.
pub struct Places<'a> {
    pub home: &'a ShardBooks,
    pub operator: &'a ShardBooks,
}

impl Places<'_> {
    fn across(&self) -> bool {
        self.home.shard() != self.operator.shard()
    }

    /// Operator stock goes to an account of the reseller's shard: what is posted there, and at the operator's.
    pub(super) fn lend(&self, to: AccountNumber, amount_minor: i64) -> (Movement, Option<Movement>) {
        let (stock, transit) = (AccountClass::OperatorStock.system_account(), transit());
        let movement = |debit, credit| Movement { debit, credit, amount_minor };
        if self.across() {
            (movement(transit, to), Some(movement(stock, transit)))
        } else {
            (movement(stock, to), None)
        }
    }

    /// What was set aside goes back.
    pub(super) fn give_back(&self, amount_minor: i64) -> (Movement, Option<Movement>) {
        let (stock, transit) = (AccountClass::OperatorStock.system_account(), transit());
        let movement = |debit, credit| Movement { debit, credit, amount_minor };
        if self.across() {
            (movement(reserved(), transit), Some(movement(transit, stock)))
        } else {
            (movement(reserved(), stock), None)
        }
    }

    pub(super) fn can_spare(&self, amount_minor: i64) -> bool {
        let stock = self.operator.account(AccountClass::OperatorStock.system_account());
        stock.is_some_and(|stock| stock.can_spare(amount_minor))
    }

    pub(super) fn fits(&self, here: &[Movement], there: Option<&Movement>) -> bool {
        here.iter().all(|movement| self.home.can_post(movement))
            && there.is_none_or(|movement| self.operator.can_post(movement))
    }
}

/// The entry about the top-up and, in the operator's shard, the other half of what moves.
pub(super) fn halves(home: Step, kind: EntryKind, there: Option<Movement>) -> TopupSteps {
    let Subject::Operation(operation) = &home.subject else { unreachable!("a top-up's entry is about it") };
    let elsewhere = Subject::Elsewhere { operation: operation.id, digest: operation.digest() };
    let operator = there.map(|movement| Step { movements: vec![movement], ..Step::about(kind, elsewhere) });
    TopupSteps { home, operator, of: None }
}

fn transit() -> AccountNumber {
    AccountClass::AirtimeInTransit.system_account()
}

pub(super) fn reserved() -> AccountNumber {
    AccountClass::StockReserved.system_account()
}

/// What a request says, as its operation keeps it; a replay is told by it.
#[must_use]
pub fn details(command: &StartTopup, price: crate::domain::Price, fee_minor: i64, quote_until: Timestamp) -> Details {
    Details::Topup(Box::new(Topup {
        named: command.named.clone(),
        method: command.method,
        return_url: command.return_url.clone(),
        price,
        fee_minor,
        quote_until_ms: quote_until.unix_ms(),
        payment: CardPayment::default(),
        reserved_minor: 0,
        balance_after: None,
        taken_back: Share::default(),
        recharge: command.recharge.clone().map(Box::new),
        disputes: Vec::new(),
    }))
}

/// Quotes the price and sets the stock aside, or declines. `None` when the reseller is unknown: nothing is stored then.
#[must_use]
pub fn start(places: &Places<'_>, command: &StartTopup, moment: &Moment<'_>) -> Option<TopupSteps> {
    let reseller = places.home.reseller(command.reseller)?;
    let at = places.home.recorded_at(moment.now);
    let price = pricing::of_stock(places.home, reseller.id, command.face_minor, moment);
    let fee_minor = pricing::share(moment.rules.topup_fee, price.owed_minor());
    let quote_until = at.plus_ms(moment.rules.topup_quote_ms);
    let mut operation = Operation {
        id: command.operation,
        partner: command.partner,
        reseller: command.reseller,
        external_id: command.external_id.clone(),
        amount_minor: command.face_minor,
        status: Status::Created,
        decline: None,
        balance_after: None,
        created_at: at,
        updated_at: at,
        details: details(command, price, fee_minor, quote_until),
        last_sequence: 0,
    };
    let (here, there) = places.lend(reserved(), command.face_minor);
    let decline = if reseller.standing != Standing::Active {
        Some(Decline::ResellerSuspended)
    } else if !moment.rules.topup_minor.contains(&command.face_minor) {
        Some(Decline::AmountOutOfRange)
    } else if let Err(decline) = offered(places.home, command, at, moment) {
        Some(decline)
    } else if !places.can_spare(command.face_minor) {
        Some(Decline::InsufficientStock)
    } else if !places.fits(&[here], there.as_ref()) {
        Some(Decline::LimitExceeded)
    } else {
        None
    };
    if decline.is_some() {
        (operation.status, operation.decline) = (Status::Declined, decline);
        return Some(TopupSteps::home(Step::about(EntryKind::TopupRefused, Subject::Operation(operation))));
    }
    if let Details::Topup(topup) = &mut operation.details {
        topup.reserved_minor = command.face_minor;
        topup.payment.acquirer.clone_from(&command.asked);
    }
    if command.asked.is_some() {
        operation.status = Status::Processing;
    }
    let step = Step::about(EntryKind::TopupCreated, Subject::Operation(operation));
    Some(halves(Step { movements: vec![here], ..step }, EntryKind::TopupStockLent, there))
}

/// What a subscriber pays for must be sold: better said before the card is asked than after.
fn offered(books: &ShardBooks, command: &StartTopup, at: Timestamp, moment: &Moment<'_>) -> Result<(), Decline> {
    match &command.recharge {
        Some(recharge) => super::recharge::offered(books, (&recharge.product, command.face_minor), at, moment),
        None => Ok(()),
    }
}

/// Moves a top-up on by what is known of its payment. `Ok(None)` when that is nothing new, or comes too late to matter:
/// a refusal after the money was taken, a second message that it was (`domain.md` \[10\]).
///
/// # Errors
/// [`Refusal::UnknownOperation`] when it is no top-up of this reseller; [`Refusal::IllegalTransition`] when an acquirer
/// is to be asked for a top-up that came to an end or was asked for already; [`Refusal::Overflow`].
pub fn advance(
    places: &Places<'_>,
    command: &AdvanceTopup,
    moment: &Moment<'_>,
) -> Result<Option<TopupSteps>, Refusal> {
    let operation = places.home.operation(command.operation).ok_or(Refusal::UnknownOperation)?;
    let topup = operation.topup().ok_or(Refusal::UnknownOperation)?;
    if operation.reseller != command.reseller {
        return Err(Refusal::UnknownOperation);
    }
    let waits =
        matches!(operation.status, Status::Created | Status::RequiresAction | Status::Processing | Status::InDoubt);
    let mut next = Progress::of(operation, topup, places.home.recorded_at(moment.now));
    if let Some(reference) = &command.reference {
        next.topup.payment.reference = Some(reference.clone());
    }
    match &command.evidence {
        TopupEvidence::Recharged(stage) => {
            let Some(recharge) = topup.waiting_recharge().filter(|_| operation.waits_for_recharge()) else {
                return Ok(None);
            };
            next.topup.recharge = Some(Box::new(recharge.at(*stage)));
        }
        TopupEvidence::Asked { acquirer } => {
            // Whoever was asked and may have heard it is the one to be asked again.
            let unheard =
                matches!(operation.status, Status::Created | Status::Processing) && topup.payment.reference.is_none();
            if !unheard {
                return Err(Refusal::IllegalTransition { from: operation.status });
            }
            next.topup.payment.acquirer = Some(acquirer.clone());
            next.status = Status::Processing;
        }
        TopupEvidence::Taken { acquirer, amount_minor } if waits || operation.status == Status::Declined => {
            return take(places, next, acquirer, *amount_minor).map(Some);
        }
        _ if !waits => return Ok(None),
        TopupEvidence::NotTaken(decline) => return release(places, next, *decline).map(Some),
        TopupEvidence::NeedsCustomer { action_url } => {
            next.status = Status::RequiresAction;
            if action_url.is_some() {
                next.topup.payment.action_url.clone_from(action_url);
            }
        }
        TopupEvidence::Pending => next.status = Status::Processing,
        TopupEvidence::Unknown => next.status = Status::InDoubt,
        TopupEvidence::Taken { .. } => return Ok(None),
    }
    if (next.status, &next.topup) == (operation.status, topup) {
        return Ok(None);
    }
    Ok(Some(TopupSteps::home(Step::about(EntryKind::TopupAdvanced, Subject::Operation(next.finish())))))
}

/// Credits what was taken and could not be credited before. `Ok(None)` when it is still not possible, or done.
///
/// # Errors
/// [`Refusal::UnknownOperation`]; [`Refusal::UnknownReseller`].
pub fn credit(places: &Places<'_>, command: &CreditTopup, moment: &Moment<'_>) -> Result<Option<TopupSteps>, Refusal> {
    let operation = places.home.operation(command.operation).ok_or(Refusal::UnknownOperation)?;
    let topup = operation.topup().ok_or(Refusal::UnknownOperation)?;
    let reseller = places.home.reseller(operation.reseller).ok_or(Refusal::UnknownReseller)?;
    if operation.status != Status::Captured || !may_be_credited(reseller, topup) {
        return Ok(None);
    }
    let next = Progress::of(operation, topup, places.home.recorded_at(moment.now));
    Ok(credited(places, next, reseller, AccountClass::CapturedNotCredited.system_account(), None))
}

/// An operation on its way to its next state.
struct Progress<'a> {
    before: &'a Operation,
    topup: Topup,
    status: Status,
    decline: Option<Decline>,
    at: Timestamp,
}

impl<'a> Progress<'a> {
    fn of(before: &'a Operation, topup: &Topup, at: Timestamp) -> Self {
        Self { before, topup: topup.clone(), status: before.status, decline: before.decline, at }
    }

    fn finish(self) -> Operation {
        let details = Details::Topup(Box::new(self.topup));
        let (status, decline, updated_at) = (self.status, self.decline, self.at);
        Operation { status, decline, updated_at, details, ..self.before.clone() }
    }
}

/// Exactly what was due, nothing of it given back or disputed, and there is somebody to have it. A suspended reseller does not
/// sell, but has what it paid for.
fn may_be_credited(reseller: &Reseller, topup: &Topup) -> bool {
    let payment = &topup.payment;
    payment.captured_minor == topup.due_minor()
        && payment.left_minor() == payment.captured_minor
        && topup.uncovered_minor() == 0
        && reseller.standing != Standing::Closed
}

/// The money was taken: the stock moves, or the money is our debt.
fn take(places: &Places<'_>, mut next: Progress<'_>, acquirer: &str, amount_minor: i64) -> Result<TopupSteps, Refusal> {
    let reseller = places.home.reseller(next.before.reseller).ok_or(Refusal::UnknownReseller)?;
    let (debtor, opened) = receivable(places.home, acquirer);
    let expected = next.before.status != Status::Declined && next.topup.payment.acquirer.as_deref() == Some(acquirer);
    next.topup.payment.captured_minor = amount_minor;
    next.topup.payment.action_url = None;
    if expected && may_be_credited(reseller, &next.topup) {
        let steps = credited(places, next.copy(), reseller, debtor, opened);
        if let Some(steps) = steps {
            return Ok(steps);
        }
    }
    next.topup.payment.acquirer = Some(acquirer.into());
    next.status = Status::Captured;
    next.decline = None;
    let debt = AccountClass::CapturedNotCredited.system_account();
    let movement = Movement { debit: debtor, credit: debt, amount_minor };
    let known = opened.is_none();
    if !places.home.can_credit(debt, amount_minor) || (known && !places.home.can_debit(debtor, amount_minor)) {
        return Err(Refusal::Overflow);
    }
    let step = Step::about(EntryKind::TopupCaptured, Subject::Operation(next.finish()));
    Ok(TopupSteps::home(Step { movements: vec![movement], opened: opened.into_iter().collect(), ..step }))
}

impl Progress<'_> {
    fn copy(&self) -> Self {
        let Self { before, ref topup, status, decline, at } = *self;
        Self { before, topup: topup.clone(), status, decline, at }
    }
}

/// The stock comes; `debtor` pays. `None` when there is no stock to give, or a balance would leave its range.
fn credited(
    places: &Places<'_>,
    mut next: Progress<'_>,
    reseller: &Reseller,
    debtor: AccountNumber,
    opened: Option<Account>,
) -> Option<TopupSteps> {
    let face_minor = next.before.amount_minor;
    let (stock, there) = if next.topup.reserved_minor == face_minor {
        (Movement { debit: reserved(), credit: reseller.stock_account, amount_minor: face_minor }, None)
    } else if places.can_spare(face_minor) {
        places.lend(reseller.stock_account, face_minor)
    } else {
        return None;
    };
    let fee = Movement {
        debit: debtor,
        credit: AccountClass::FeeIncome.system_account(),
        amount_minor: next.topup.fee_minor,
    };
    let mut movements = vec![stock];
    movements.extend(pricing::movements(&next.topup.price, debtor));
    movements.extend(Some(fee).filter(|fee| fee.amount_minor > 0));
    let opens = opened.map(|account| account.number);
    let fits = |movement: &Movement| {
        (Some(movement.debit) == opens || places.home.can_debit(movement.debit, movement.amount_minor))
            && (Some(movement.credit) == opens || places.home.can_credit(movement.credit, movement.amount_minor))
    };
    if !movements.iter().all(fits) || !places.fits(&[], there.as_ref()) {
        return None;
    }
    let has = places.home.account(reseller.stock_account)?.available();
    next.topup.reserved_minor = 0;
    next.topup.balance_after = has.checked_add(face_minor);
    (next.status, next.decline) = (Status::Credited, None);
    let step = Step::about(EntryKind::TopupCredited, Subject::Operation(next.finish()));
    let step = Step { movements, opened: opened.into_iter().collect(), ..step };
    Some(halves(step, EntryKind::TopupStockLent, there))
}

/// Not paid: what was set aside is the operator's again.
fn release(places: &Places<'_>, mut next: Progress<'_>, decline: Decline) -> Result<TopupSteps, Refusal> {
    (next.status, next.decline) = (Status::Declined, Some(decline));
    next.topup.payment.action_url = None;
    let amount_minor = std::mem::take(&mut next.topup.reserved_minor);
    let (here, there) = places.give_back(amount_minor);
    if !places.fits(&[here], there.as_ref()) {
        return Err(Refusal::Overflow);
    }
    let step = Step::about(EntryKind::TopupReleased, Subject::Operation(next.finish()));
    Ok(halves(Step { movements: vec![here], ..step }, EntryKind::TopupStockReturned, there))
}

/// Where the money that an acquirer took stands in a shard, and the account to open for it the first time.
pub(super) fn receivable(books: &ShardBooks, acquirer: &str) -> (AccountNumber, Option<Account>) {
    let owner = acquirer_owner(acquirer);
    match books.owners().account(owner, AccountClass::AcquirerReceivable) {
        Some(number) => (number, None),
        None => {
            let number = AccountNumber(books.head().next_account);
            (number, Some(Account::empty(number, AccountClass::AcquirerReceivable, Some(owner))))
        }
    }
}
