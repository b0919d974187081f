//! Moving stock between resellers along the edges of the network that the operator permits, and back to the operator.
//!
//! Debit the sender's stock, credit the receiver's (returned to the operator: the operator's), at face value. Across
//! shards: debit the sender's stock, credit in transit here; debit in transit, credit the receiver's stock there; both
//! in one transaction. Where the receiver has to accept first, the stock is held at the sender's until then, and
//! posted when it is accepted; refused, cancelled or expired, it is released and nothing is posted.

use super::books::ShardBooks;
use super::command::{Refusal, SettleTransfer, Settlement, TransferStock};
use super::limits;
use super::rules::Moment;
use super::shards::Books;
use super::step::{HoldChange, Movement, Step, Subject};
use crate::domain::{
    Account, AccountClass, AccountNumber, Decline, Details, Edge, EntryKind, Hold, Operation, Relation, Reseller,
    ResellerId, Shard, Standing, Status, Timestamp, Transfer, TransferKind,
};

/// What a transfer writes: the sender's half and, when stock arrives in another shard, the receiver's.
#[derive(Debug)]
pub struct Transferred {
    pub sending: Step,
    pub receiving: Option<(Shard, Step)>,
}

impl Transferred {
    fn here(sending: Step) -> Self {
        Self { sending, receiving: None }
    }
}

/// Both ends of a transfer.
struct Ends<'a> {
    here: &'a ShardBooks,
    there: &'a ShardBooks,
    sender: &'a Reseller,
    /// The sender's.
    stock: &'a Account,
    /// `None` is the operator.
    receiver: Option<&'a Reseller>,
}

impl<'a> Ends<'a> {
    fn find(books: &'a Books, shards: u16, from: ResellerId, to: Option<ResellerId>) -> Option<Self> {
        let of = |reseller: ResellerId| books.get(Shard::of(reseller.uuid(), shards));
        let here = of(from)?;
        let there = to.map_or_else(|| books.get(Shard::OPERATOR), of)?;
        let sender = here.reseller(from)?;
        let stock = here.account(sender.stock_account)?;
        let receiver = match to {
            Some(to) => Some(there.reseller(to)?),
            None => None,
        };
        Some(Self { here, there, sender, stock, receiver })
    }

    fn across(&self) -> bool {
        self.here.shard() != self.there.shard()
    }

    /// What the sender's shard posts, and the receiver's when it is another one.
    fn movements(&self, amount_minor: i64) -> (Movement, Option<Movement>) {
        let operator = AccountClass::OperatorStock.system_account();
        let transit = AccountClass::AirtimeInTransit.system_account();
        let arrival = self.receiver.map_or(operator, |receiver| receiver.stock_account);
        let movement = |debit: AccountNumber, credit| Movement { debit, credit, amount_minor };
        if self.across() {
            (movement(self.stock.number, transit), Some(movement(transit, arrival)))
        } else {
            (movement(self.stock.number, arrival), None)
        }
    }

    /// The first refusal that applies besides those of the edge and of the stock, in the order of [`Decline`]. A
    /// suspended party neither sends nor receives, but may return what it has (`domain.md` \[19\]).
    fn refusal(&self, kind: TransferKind, amount_minor: i64) -> Option<Decline> {
        let may_send = match (kind, self.sender.standing) {
            (_, Standing::Active) | (TransferKind::Return, Standing::Suspended) => true,
            (TransferKind::Transfer, Standing::Suspended) | (_, Standing::Closed) => false,
        };
        if !may_send {
            return Some(Decline::ResellerSuspended);
        }
        if self.receiver.is_some_and(|receiver| receiver.standing != Standing::Active) {
            return Some(Decline::ReceiverSuspended);
        }
        let (out, into) = self.movements(amount_minor);
        let fits = self.here.can_post(&out) && into.is_none_or(|into| self.there.can_post(&into));
        (!fits).then_some(Decline::LimitExceeded)
    }

    /// The operation, completed, with what it posts.
    fn post(&self, operation: Operation, hold: HoldChange) -> Transferred {
        let (out, into) = self.movements(operation.amount_minor);
        let receiving = into.map(|into| {
            let subject = Subject::Elsewhere { operation: operation.id, digest: operation.digest() };
            let step = Step::about(EntryKind::TransferReceived, subject);
            (self.there.shard(), Step { movements: vec![into], ..step })
        });
        let step = Step::about(EntryKind::StockTransferred, Subject::Operation(operation));
        Transferred { sending: Step { movements: vec![out], hold, ..step }, receiving }
    }
}

/// Moves stock, sets it aside until it is accepted, or declines. `None` when one of the resellers is unknown: nothing
/// is stored then.
#[must_use]
pub fn transfer(books: &Books, shards: u16, command: &TransferStock, moment: &Moment<'_>) -> Option<Transferred> {
    let ends = Ends::find(books, shards, command.from, command.to)?;
    let at = ends.here.recorded_at(moment.now);
    let edge = permitted(books, command.from, command.to, command.kind, moment);
    let mut operation = declined_request(command, at);
    if let Some(decline) = refuse(&ends, command, edge, at) {
        operation.decline = Some(decline);
        let sending = Step::about(EntryKind::TransferDeclined, Subject::Operation(operation));
        return Some(Transferred::here(sending));
    }
    operation.balance_after = Some(ends.stock.available() - command.amount_minor);
    // The operator takes back what is its own without being asked.
    let waits = ends.receiver.is_some() && (command.asks_acceptance || edge.is_some_and(|edge| edge.acceptance));
    if !waits {
        operation.status = Status::Completed;
        return Some(ends.post(operation, HoldChange::None));
    }
    let due_at = at.plus_ms(moment.rules.accept_within_ms);
    let hold = Hold {
        operation: command.operation,
        account: ends.stock.number,
        amount_minor: command.amount_minor,
        placed_at: at,
        due_at,
    };
    operation.status = Status::PendingAcceptance;
    operation.details = details(command, Some(due_at));
    let step = Step::about(EntryKind::TransferHeld, Subject::Operation(operation));
    Some(Transferred::here(Step { hold: HoldChange::Place(hold), ..step }))
}

/// The first refusal that applies, in the order of [`Decline`].
fn refuse(ends: &Ends<'_>, command: &TransferStock, edge: Option<&Edge>, at: Timestamp) -> Option<Decline> {
    if command.to == Some(command.from) {
        return Some(Decline::SelfTransfer);
    }
    if edge.is_none() {
        return Some(Decline::TransferNotPermitted);
    }
    let stock = limits::with_credit(ends.here, ends.sender, ends.stock, at);
    let refusal = ends.refusal(command.kind, command.amount_minor);
    refusal.or_else(|| (!stock.can_spare(command.amount_minor)).then_some(Decline::InsufficientStock))
}

/// The edge along which the stock may move, by the network as it stands now.
fn permitted<'a>(
    books: &Books,
    from: ResellerId,
    to: Option<ResellerId>,
    kind: TransferKind,
    moment: &Moment<'a>,
) -> Option<&'a Edge> {
    let line = |id| books.tree().line(id).map(|node| node.registration.id).collect::<Vec<_>>();
    let relation = to.map_or(Relation::Operator, |to| Relation::between(&line(from), &line(to)));
    let level = |id| books.tree().node(id).map(|node| node.registration.level);
    let (sender, receiver) = (level(from)?, to.and_then(level));
    let leads = |edge: &&Edge| {
        edge.leads(kind, relation, sender.as_str(), receiver.as_ref().map(crate::domain::LevelName::as_str))
    };
    moment.rules.edges.iter().find(leads)
}

/// Moves a transfer that waits for acceptance to its end. `Ok(None)` when it had arrived there before: nothing is
/// written. Accepted too late, or when it is no longer permitted, it is released.
///
/// # Errors
/// [`Refusal::UnknownOperation`] when it is no transfer between these two; [`Refusal::DecidedAlready`] when it ended
/// otherwise.
pub fn settle(
    books: &Books,
    shards: u16,
    command: &SettleTransfer,
    moment: &Moment<'_>,
) -> Result<Option<Transferred>, Refusal> {
    let home = books.shard(command.operation.shard());
    let operation = home.operation(command.operation).ok_or(Refusal::UnknownOperation)?;
    let transfer = operation.transfer().ok_or(Refusal::UnknownOperation)?;
    if (operation.reseller, transfer.to) != (command.from, Some(command.to)) {
        return Err(Refusal::UnknownOperation);
    }
    if operation.status != Status::PendingAcceptance {
        let arrived = command.settlement == Settlement::Expire || arrived(operation, command.settlement);
        return if arrived { Ok(None) } else { Err(Refusal::DecidedAlready { status: operation.status }) };
    }
    let at = home.recorded_at(moment.now);
    let late = transfer.accept_by.is_some_and(|accept_by| at >= accept_by);
    let ends = Ends::find(books, shards, command.from, transfer.to).ok_or(Refusal::UnknownReseller)?;
    let mut settled = Operation::clone(operation);
    settled.updated_at = at;
    let permitted = permitted(books, command.from, transfer.to, transfer.kind, moment).is_some();
    let decline = match (command.settlement, late) {
        (Settlement::Expire, false) => return Ok(None),
        (Settlement::Cancel, _) => Some(Decline::TransferCancelled),
        (Settlement::Accept | Settlement::Refuse | Settlement::Expire, true) => Some(Decline::AcceptanceExpired),
        (Settlement::Refuse, false) => Some(Decline::TransferRefused),
        (Settlement::Accept, false) if !permitted => Some(Decline::TransferNotPermitted),
        (Settlement::Accept, false) => ends.refusal(transfer.kind, operation.amount_minor),
    };
    if decline.is_none() {
        settled.status = Status::Completed;
        return Ok(Some(ends.post(settled, HoldChange::Remove)));
    }
    (settled.status, settled.decline) = (Status::Declined, decline);
    let step = Step::about(EntryKind::TransferReleased, Subject::Operation(settled));
    Ok(Some(Transferred::here(Step { hold: HoldChange::Remove, ..step })))
}

/// Whether a transfer ended the way it is asked to end.
fn arrived(operation: &Operation, settlement: Settlement) -> bool {
    let accepted = operation.transfer().is_some_and(|transfer| transfer.accept_by.is_some());
    match settlement {
        Settlement::Accept => operation.status == Status::Completed && accepted,
        Settlement::Refuse => operation.decline == Some(Decline::TransferRefused),
        Settlement::Cancel => operation.decline == Some(Decline::TransferCancelled),
        Settlement::Expire => operation.decline == Some(Decline::AcceptanceExpired),
    }
}

/// What a request says, as its operation keeps it.
#[must_use]
pub fn details(command: &TransferStock, accept_by: Option<Timestamp>) -> Details {
    let TransferStock { kind, to, asks_acceptance, .. } = *command;
    Details::Transfer(Transfer { kind, to, asks_acceptance, accept_by })
}

fn declined_request(command: &TransferStock, at: Timestamp) -> Operation {
    Operation {
        id: command.operation,
        partner: command.partner,
        reseller: command.from,
        external_id: command.external_id.clone(),
        amount_minor: command.amount_minor,
        status: Status::Declined,
        decline: None,
        balance_after: None,
        created_at: at,
        updated_at: at,
        details: details(command, None),
        last_sequence: 0,
    }
}
