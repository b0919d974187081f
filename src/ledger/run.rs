//! Runs: allocations to many resellers at once. Starting and finishing one posts nothing; its lines are ordinary
//! allocations with keys derived from the run and the line's number.

use std::sync::Arc;

use super::books::{ShardBooks, Step, Subject};
use super::command::{FinishRun, Refusal, StartRun};
use super::rules::Moment;
use crate::domain::allocation::LinesDigest;
use crate::domain::{
    Details, EntryKind, ExternalId, Operation, OperationId, OperationKind, PartnerId, ResellerId, Run, RunTotals,
    Status,
};

/// What a request says, as its operation keeps it.
#[must_use]
pub fn details(command: &StartRun) -> Details {
    let mut digest = LinesDigest::default();
    command.lines.iter().for_each(|line| digest.add(line));
    Details::Run(Box::new(Run {
        terms: command.terms,
        reason: command.reason.clone(),
        started_by: command.started_by,
        request: command.request,
        lines: i64::try_from(command.lines.len()).expect("lines fit memory"),
        lines_digest: digest.finish(),
        totals: None,
    }))
}

/// Records a run with its lines.
#[must_use]
pub fn start(books: &ShardBooks, command: &StartRun, moment: &Moment<'_>) -> Step {
    let at = books.recorded_at(moment.now);
    let operation = Operation {
        id: command.operation,
        partner: PartnerId::OPERATOR,
        reseller: ResellerId::OPERATOR,
        external_id: command.external_id.clone(),
        amount_minor: 0,
        status: Status::Running,
        decline: None,
        balance_after: None,
        created_at: at,
        updated_at: at,
        details: details(command),
        last_sequence: 0,
    };
    Step::about(EntryKind::RunStarted, Subject::Run { operation, lines: Arc::clone(&command.lines) })
}

/// Closes a run over all its lines. `Ok(None)` when it was finished before.
///
/// # Errors
/// [`Refusal::UnknownOperation`] when it is no run, or the totals leave lines out.
pub fn finish(
    books: &ShardBooks,
    operation: &Operation,
    command: &FinishRun,
    moment: &Moment<'_>,
) -> Result<Option<Step>, Refusal> {
    let run = operation.run().ok_or(Refusal::UnknownOperation)?;
    let RunTotals { done, refused, .. } = command.totals;
    if done < 0 || refused < 0 || done.checked_add(refused) != Some(run.lines) {
        return Err(Refusal::UnknownOperation);
    }
    if operation.status != Status::Running {
        return Ok(None);
    }
    let mut finished = operation.clone();
    finished.status = if refused == 0 { Status::Completed } else { Status::CompletedWithRefusals };
    finished.updated_at = books.recorded_at(moment.now);
    finished.details = Details::Run(Box::new(Run { totals: Some(command.totals), ..run.clone() }));
    Ok(Some(Step::about(EntryKind::RunFinished, Subject::Operation(finished))))
}

/// The key of a line: the same whoever carries it out, and however often.
#[must_use]
pub fn line_key(run: OperationId, number: i64) -> ExternalId {
    let text = format!("{}/{number}", OperationKind::AllocationRun.render(run));
    text.parse().expect("an id and a number are short printable ASCII")
}
