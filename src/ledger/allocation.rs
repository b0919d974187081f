//! Allocating stock: the operator hands recharge credit to a reseller on consignment.
//!
//! Debit operator stock, credit reseller stock, at face value. Across shards: debit operator stock, credit
//! in transit here; debit in transit, credit reseller stock there; both in one transaction.

use super::books::{HoldChange, Movement, ShardBooks, Step, Subject};
use super::command::AllocateStock;
use super::rules::Moment;
use crate::domain::{
    AccountClass, AccountNumber, Decline, Details, EntryKind, Operation, PartnerId, ResellerId, Standing, Status,
};

/// What an allocation writes: the operator's half and, when the receiver lives elsewhere, its half.
#[derive(Debug)]
pub struct Allocation {
    pub sending: Step,
    pub receiving: Option<Step>,
}

/// Allocates or declines. `None` when the reseller is unknown: nothing is stored then.
#[must_use]
pub fn allocate(
    operator: &ShardBooks,
    receiver: &ShardBooks,
    command: &AllocateStock,
    moment: &Moment<'_>,
) -> Option<Allocation> {
    let reseller = receiver.reseller(command.to)?;
    let at = operator.recorded_at(moment.now);
    let stock = AccountClass::OperatorStock.system_account();
    let available = operator.account(stock)?.available();
    let mut operation = Operation {
        id: command.operation,
        partner: PartnerId::OPERATOR,
        reseller: ResellerId::OPERATOR,
        external_id: command.external_id.clone(),
        amount_minor: command.amount_minor,
        status: Status::Completed,
        decline: None,
        balance_after: Some(available - command.amount_minor),
        created_at: at,
        updated_at: at,
        details: Details::Allocation { to: command.to },
        last_sequence: 0,
    };
    let movement = |debit: AccountNumber, credit| Movement { debit, credit, amount_minor: command.amount_minor };
    let transit = AccountClass::AirtimeInTransit.system_account();
    let across = operator.shard() != receiver.shard();
    let out = movement(stock, if across { transit } else { reseller.stock_account });
    let into = movement(transit, reseller.stock_account);
    let decline = if reseller.standing != Standing::Active {
        Some(Decline::ResellerSuspended)
    } else if !operator.can_post(&out) || (across && !receiver.can_post(&into)) {
        Some(Decline::LimitExceeded)
    } else if !operator.account(stock)?.can_spare(command.amount_minor) {
        Some(Decline::InsufficientStock)
    } else {
        None
    };
    if decline.is_some() {
        operation.status = Status::Declined;
        operation.decline = decline;
        operation.balance_after = None;
        let sending = Step::about(EntryKind::AllocationDeclined, Subject::Operation(operation));
        return Some(Allocation { sending, receiving: None });
    }
    let receiving = across.then(|| Step {
        kind: EntryKind::AllocationReceived,
        subject: Subject::Elsewhere { operation: operation.id, digest: operation.digest() },
        movements: vec![into],
        hold: HoldChange::None,
        usage: None,
        opened: Vec::new(),
    });
    let sending = Step {
        kind: EntryKind::StockAllocated,
        subject: Subject::Operation(operation),
        movements: vec![out],
        hold: HoldChange::None,
        usage: None,
        opened: Vec::new(),
    };
    Some(Allocation { sending, receiving })
}
