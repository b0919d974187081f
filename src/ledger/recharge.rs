//! A fast recharge in two durable steps: stock is set aside, the charging system is called, and the hold
//! becomes a posting or is released.
//!
//! Completed: debit reseller stock, credit airtime delivered, at face value; and what it earns whom (`commission`).

use super::books::{HoldChange, Movement, ShardBooks, Step, Subject};
use super::command::{Evidence, Refusal, Reserve, Resolve};
use super::evidence::{self, Proof, Weighed};
use super::pricing::Sale;
use super::rules::Moment;
use super::terminal;
use super::{commission, limits};
use crate::domain::{
    Account, AccountClass, AskedSystems, Decline, Details, EntryKind, Hold, Operation, Recharge, Reseller, SaleTerms,
    Shard, Status, SystemName, Timestamp, Usage,
};

/// The product that a fresh installation sells, and that is sold when a request names none.
pub const AIRTIME: &str = "airtime";

/// Sets stock aside or declines. `None` when the reseller is unknown: nothing is stored then.
///
/// The reservation counts towards the day's limits from here on (`domain.md` \[17\]).
#[must_use]
pub fn reserve(books: &ShardBooks, command: &Reserve, moment: &Moment<'_>) -> Option<Step> {
    let reseller = books.reseller(command.reseller)?;
    let stock = books.account(reseller.stock_account)?;
    let at = books.recorded_at(moment.now);
    let usage = stock.usage.on(moment.day_of(at));
    let submit_by = at.plus_ms(moment.rules.charging_deadline_ms);
    let mut operation = declined_request(command, at, submit_by);
    let Details::Recharge(recharge) = &mut operation.details else { unreachable!("it was made of a recharge") };
    if let Some((version, _)) = books.catalogue() {
        recharge.terms.catalogue = version;
    }
    if let Some(decline) = refuse(books, command, reseller, stock, at, moment) {
        operation.decline = Some(decline);
        return Some(Step::about(EntryKind::RechargeRefused, Subject::Operation(operation)));
    }
    let sale = Sale { product: &command.product, channel: command.channel, amount_minor: command.amount_minor, at };
    let (terms, opened) = commission::agree(books, command.reseller, &sale);
    recharge.terms = terms;
    recharge.asked = AskedSystems::first(command.system);
    recharge.charging_reference = Some(charging_reference(books.shard(), books.next_sequence(), at));
    operation.status = Status::Submitted;
    operation.balance_after = Some(stock.available() - command.amount_minor);
    let hold = Hold {
        operation: command.operation,
        account: stock.number,
        amount_minor: command.amount_minor,
        placed_at: at,
        due_at: submit_by,
    };
    let used = Usage {
        day: usage.day,
        count: usage.count.saturating_add(1),
        amount_minor: usage.amount_minor.saturating_add(command.amount_minor),
    };
    Some(Step {
        kind: EntryKind::RechargeReserved,
        subject: Subject::Operation(operation),
        movements: Vec::new(),
        hold: HoldChange::Place(hold),
        usage: Some((stock.number, used)),
        opened,
        evidence: None,
    })
}

/// The first refusal that applies, in the order of [`Decline`].
fn refuse(
    books: &ShardBooks,
    command: &Reserve,
    reseller: &Reseller,
    stock: &Account,
    at: Timestamp,
    moment: &Moment<'_>,
) -> Option<Decline> {
    use crate::domain::Standing;
    if reseller.standing != Standing::Active {
        return Some(Decline::ResellerSuspended);
    }
    if let Some(decline) = terminal::refuse(books, command) {
        return Some(decline);
    }
    if let Err(decline) = offered(books, (&command.product, command.amount_minor), at, moment) {
        return Some(decline);
    }
    let similar = books.latest_similar(&(command.reseller, command.msisdn, command.amount_minor));
    let repeated = similar.is_some_and(|latest| at.since_ms(latest) < moment.rules.similar_guard_ms);
    if repeated && !command.allow_repeat {
        return Some(Decline::SimilarRecharge);
    }
    if limits::exceeded(books, reseller, stock, command, at, moment) {
        return Some(Decline::LimitExceeded);
    }
    (!limits::with_credit(books, reseller, stock, at).can_spare(command.amount_minor))
        .then_some(Decline::InsufficientStock)
}

/// Whether the catalogue sells the amount; before its first import, the product `airtime` of the configuration does.
pub(super) fn offered(
    books: &ShardBooks,
    (product, amount_minor): (&str, i64),
    at: Timestamp,
    moment: &Moment<'_>,
) -> Result<(), Decline> {
    match books.catalogue() {
        Some((_, catalogue)) => catalogue.offer(product, amount_minor, at).map(drop),
        None if product != AIRTIME => Err(Decline::ProductUnknown),
        None if moment.rules.airtime_minor.contains(&amount_minor) => Ok(()),
        None => Err(Decline::AmountOutOfRange),
    }
}

/// The operation that a request would make if it were declined; the decline itself is still to be set.
pub(super) fn declined_request(command: &Reserve, at: Timestamp, submit_by: Timestamp) -> Operation {
    Operation {
        id: command.operation,
        partner: command.partner,
        reseller: command.reseller,
        external_id: command.external_id.clone(),
        amount_minor: command.amount_minor,
        status: Status::Declined,
        decline: None,
        balance_after: None,
        created_at: at,
        updated_at: at,
        details: Details::Recharge(Recharge {
            msisdn: command.msisdn,
            salt: command.salt,
            product: command.product.clone(),
            terms: SaleTerms::default(),
            channel: command.channel,
            terminal: command.terminal.clone(),
            allow_repeat: command.allow_repeat,
            charging_reference: None,
            asked: AskedSystems::default(),
            submit_by,
            reversed_minor: 0,
        }),
        last_sequence: 0,
    }
}

/// Our reference towards the charging system, 19 digits: ten of seconds, three of the shard, six of the
/// sequence. Unique while a shard writes less than a million entries in one second.
#[must_use]
pub fn charging_reference(shard: Shard, sequence: i64, at: Timestamp) -> i64 {
    at.unix_s() * 1_000_000_000 + i64::from(shard.number()) * 1_000_000 + sequence % 1_000_000
}

/// Moves an open recharge on by evidence, or records what was received about it. `Ok(None)` when nothing is to be
/// written: it had arrived there before, or this was said before.
///
/// # Errors
/// [`Refusal::UnknownOperation`]; [`Refusal::IllegalTransition`] when there is nothing that the evidence could be about.
pub fn resolve(
    books: &ShardBooks,
    operation: &Operation,
    command: &Resolve,
    moment: &Moment<'_>,
) -> Result<Option<Step>, Refusal> {
    match command.evidence {
        Evidence::NotOurs { next } => return send_on(books, operation, next, moment).map(Some),
        Evidence::NoAnswer => return doubt(books, operation, moment),
        Evidence::Applied | Evidence::NotApplied(_) | Evidence::NotKnown | Evidence::Nothing => {}
    }
    match evidence::weigh(books, operation, command, moment)? {
        Weighed::Nothing => Ok(None),
        Weighed::Noted(item) => Ok(Some(evidence::noted(operation, item))),
        Weighed::Decides(outcome, proof) => end(books, operation, outcome, proof, moment).map(Some),
    }
}

/// The deadline passed without an answer.
fn doubt(books: &ShardBooks, operation: &Operation, moment: &Moment<'_>) -> Result<Option<Step>, Refusal> {
    if operation.status == Status::InDoubt || operation.status.is_final() {
        return Ok(None);
    }
    if !operation.status.may_become(Status::InDoubt) {
        return Err(Refusal::IllegalTransition { from: operation.status });
    }
    books.hold(operation.id).ok_or(Refusal::UnknownOperation)?;
    let mut operation = operation.clone();
    operation.status = Status::InDoubt;
    operation.updated_at = books.recorded_at(moment.now);
    Ok(Some(Step::about(EntryKind::RechargeInDoubt, Subject::Operation(operation))))
}

/// Brings an open recharge to its end: the hold becomes a posting, or is released.
pub(super) fn end(
    books: &ShardBooks,
    operation: &Operation,
    outcome: Result<(), Decline>,
    proof: Proof,
    moment: &Moment<'_>,
) -> Result<Step, Refusal> {
    let (next, kind) = match outcome {
        Ok(()) => (Status::Completed, EntryKind::RechargeCompleted),
        Err(_) => (Status::Declined, EntryKind::RechargeReleased),
    };
    if !operation.status.may_become(next) {
        return Err(Refusal::IllegalTransition { from: operation.status });
    }
    let hold = *books.hold(operation.id).ok_or(Refusal::UnknownOperation)?;
    let stock = books.account(hold.account).ok_or(Refusal::UnknownReseller)?;
    let mut ended = operation.clone();
    ended.status = next;
    ended.decline = outcome.err();
    ended.updated_at = books.recorded_at(moment.now);
    let mut step = Step::about(kind, Subject::Operation(ended));
    step.hold = HoldChange::Remove;
    step.evidence = proof.item();
    if outcome.is_err() {
        step.usage = Some((stock.number, given_back(stock.usage, &hold, moment)));
        return Ok(step);
    }
    let delivered = AccountClass::Delivered.system_account();
    step.movements.push(Movement { debit: hold.account, credit: delivered, amount_minor: hold.amount_minor });
    step.movements.extend(operation.recharge().into_iter().flat_map(|recharge| commission::movements(&recharge.terms)));
    if !step.movements.iter().all(|movement| books.can_post(movement)) {
        return Err(Refusal::Overflow);
    }
    Ok(step)
}

/// Writes down that another charging system is asked, under a new reference. No deadline moves. Each is asked once, and
/// none after doubt has begun.
fn send_on(books: &ShardBooks, operation: &Operation, next: SystemName, moment: &Moment<'_>) -> Result<Step, Refusal> {
    let mut operation = operation.clone();
    let from = operation.status;
    let Details::Recharge(recharge) = &mut operation.details else { return Err(Refusal::IllegalTransition { from }) };
    if from != Status::Submitted || recharge.asked.iter().any(|asked| asked == next) {
        return Err(Refusal::IllegalTransition { from });
    }
    let at = books.recorded_at(moment.now);
    recharge.charging_reference = Some(charging_reference(books.shard(), books.next_sequence(), at));
    recharge.asked = recharge.asked.with(next);
    operation.updated_at = at;
    Ok(Step::about(EntryKind::RechargeSentOn, Subject::Operation(operation)))
}

/// The day's usage without the released hold; what was counted on an earlier day is over anyway.
fn given_back(usage: Usage, hold: &Hold, moment: &Moment<'_>) -> Usage {
    if usage.day != moment.day_of(hold.placed_at) {
        return usage;
    }
    Usage { day: usage.day, count: usage.count - 1, amount_minor: usage.amount_minor - hold.amount_minor }
}
