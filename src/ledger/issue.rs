//! Issuing recharge credit: the operator creates stock, a liability towards whoever will hold it.
//!
//! Debit issued, credit operator stock, at face value.

use super::books::{HoldChange, Movement, ShardBooks, Step, Subject};
use super::command::IssueStock;
use super::rules::Moment;
use crate::domain::{AccountClass, Decline, Details, EntryKind, Operation, PartnerId, ResellerId, Status};

/// Issues stock. Declined when the total ever issued would leave the range of amounts.
#[must_use]
pub fn issue(books: &ShardBooks, command: &IssueStock, moment: &Moment<'_>) -> Step {
    let at = books.recorded_at(moment.now);
    let mut operation = Operation {
        id: command.operation,
        partner: PartnerId::OPERATOR,
        reseller: ResellerId::OPERATOR,
        external_id: command.external_id.clone(),
        amount_minor: command.amount_minor,
        status: Status::Completed,
        decline: None,
        balance_after: None,
        created_at: at,
        updated_at: at,
        details: Details::Issue,
        last_sequence: 0,
    };
    let movement = Movement {
        debit: AccountClass::Issued.system_account(),
        credit: AccountClass::OperatorStock.system_account(),
        amount_minor: command.amount_minor,
    };
    if !books.can_post(&movement) {
        operation.status = Status::Declined;
        operation.decline = Some(Decline::LimitExceeded);
        return Step::about(EntryKind::IssueDeclined, Subject::Operation(operation));
    }
    Step {
        kind: EntryKind::StockIssued,
        subject: Subject::Operation(operation),
        movements: vec![movement],
        hold: HoldChange::None,
        usage: None,
        opened: Vec::new(),
    }
}
