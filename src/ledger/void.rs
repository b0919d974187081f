//! Voiding a key: a partner that lost an answer makes the key unusable, so that a late request can no
//! longer take effect (`domain.md` \[7\]). Posts nothing.

use super::books::{ShardBooks, Step, Subject};
use super::command::{Reserve, Void};
use super::recharge::declined_request;
use super::rules::Moment;
use crate::domain::{Decline, Details, EntryKind, Operation, Status};

/// Leaves a tombstone for a key that was never used. `None` when the reseller is unknown.
#[must_use]
pub fn void(books: &ShardBooks, command: &Void, moment: &Moment<'_>) -> Option<Step> {
    books.reseller(command.reseller)?;
    let at = books.recorded_at(moment.now);
    let tombstone = Operation {
        id: command.operation,
        partner: command.partner,
        reseller: command.reseller,
        external_id: command.external_id.clone(),
        amount_minor: 0,
        status: Status::Declined,
        decline: Some(Decline::Voided),
        balance_after: None,
        created_at: at,
        updated_at: at,
        details: Details::Tombstone,
        last_sequence: 0,
    };
    Some(Step::about(EntryKind::KeyVoided, Subject::Operation(tombstone)))
}

/// Records the late request for a voided key with its content, declined: from then on the same request
/// is a replay and another one a conflict.
#[must_use]
pub fn record_late_request(books: &ShardBooks, tombstone: &Operation, late: &Reserve, moment: &Moment<'_>) -> Step {
    let at = books.recorded_at(moment.now);
    let mut operation = declined_request(late, at, at);
    operation.id = tombstone.id;
    operation.created_at = tombstone.created_at;
    operation.decline = Some(Decline::Voided);
    Step::about(EntryKind::VoidedRequestRecorded, Subject::Operation(operation))
}
