//! What two persons state about a recharge in doubt, when nothing else says what became of it.
//!
//! An approved statement is evidence: it ends the doubt as any other does (`recharge`), in the recharge's shard, by the
//! rules of its charging system and never before the promised time is over. A proposal posts nothing. When the recharge
//! came to an end before the approval, that stands: what the statement says against it is recorded beside it.

use super::books::{ShardBooks, Step, Subject};
use super::command::{Refusal, Source};
use super::evidence::{self, Weighed};
use super::four_eyes::{Ruled, in_vain};
use super::recharge;
use super::rules::Moment;
use crate::domain::evidence::excerpt;
use crate::domain::{Decline, EntryKind, EvidenceKind, FourEyes, Operation, Says, Statement, Status};

/// What the statement is worth now, in the shard of its recharge.
fn weigh(
    there: &ShardBooks,
    statement: &Statement,
    told: &str,
    moment: &Moment<'_>,
) -> Result<(Operation, Weighed), Refusal> {
    let recharge = there.operation(statement.recharge).ok_or(Refusal::UnknownOperation)?;
    let says = if statement.applied { Says::Applied } else { Says::NotApplied(Decline::ChargingDeclined) };
    let observed_at = there.recorded_at(moment.now);
    let source = Source { kind: EvidenceKind::Statement, about: None, observed_at, excerpt: told.into() };
    let weighed = evidence::weigh_as(there, recharge, says, &source, moment)?;
    Ok((Operation::clone(recharge), weighed))
}

/// Records what was proposed. It is declined at once when it could not decide now.
pub(super) fn propose(
    there: &ShardBooks,
    mut operation: Operation,
    statement: &Statement,
    moment: &Moment<'_>,
) -> Step {
    if matches!(weigh(there, statement, "", moment), Ok((_, Weighed::Decides(..)))) {
        return Step::about(EntryKind::ApprovalRequested, Subject::Operation(operation));
    }
    operation.status = Status::Declined;
    operation.decline = Some(Decline::UnfitStatement);
    Step::about(EntryKind::StatementDeclined, Subject::Operation(operation))
}

/// Ends the doubt by what was approved, or declines it when the doubt is over or the rules let no statement decide.
pub(super) fn carry_out(
    books: &ShardBooks,
    there: &ShardBooks,
    mut approved: Operation,
    (statement, eyes): (&Statement, &FourEyes),
    moment: &Moment<'_>,
) -> Result<Ruled, Refusal> {
    let id = approved.kind().render(approved.id);
    let told = excerpt(&format!("{}, {}", eyes.document.as_str(), eyes.reason.as_str()), 0);
    let told = format!("{id}: {told}");
    let (sold, weighed) = weigh(there, statement, &told, moment)?;
    let (elsewhere, decides) = match weighed {
        Weighed::Decides(outcome, proof) => (Some(recharge::end(there, &sold, outcome, proof, moment)?), true),
        Weighed::Noted(item) => (Some(evidence::noted(&sold, item)), false),
        Weighed::Nothing => (None, false),
    };
    if !decides {
        return Ok(Ruled { elsewhere, ..in_vain(books, approved, Decline::UnfitStatement, moment) });
    }
    approved.status = Status::Approved;
    let here = Step::about(EntryKind::StatementBooked, Subject::Operation(approved));
    Ok(Ruled { here, elsewhere, records: Vec::new() })
}
