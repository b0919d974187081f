//! Runs: their lines are those that were asked, and what a finished run says it came to is what its allocations are.

use super::Slice;
use super::finding::{Finding, VerifyError, offence};
use crate::domain::allocation::LinesDigest;
use crate::domain::{Operation, OperationId, OperationKind, RunTotals, Status};
use crate::ports::AuditReader;

/// Rows read at once.
const PAGE: u32 = 5_000;

/// The runs among the operations of a shard; `runs` are those that the journal knows, as their rows stand.
pub(super) async fn check(audit: &dyn AuditReader, slice: &Slice, runs: &[Operation]) -> Result<(), VerifyError> {
    for operation in runs {
        check_one(audit, slice, operation).await?;
    }
    let shard = slice.head.shard;
    let mut after = OperationId::from_uuid(uuid::Uuid::nil());
    loop {
        let page = audit.runs(shard, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = *last;
        // What began after the snapshot is later work; it has a row by then, and will be looked at the next time.
        let known = |id: &OperationId| runs.iter().any(|run| run.id == *id);
        for id in page.iter().filter(|id| !known(id)) {
            if audit.entries(shard, slice.head.sequence, i64::MAX, 1).await?.is_empty() {
                let row = format!("run {}", OperationKind::AllocationRun.render(*id));
                return offence(Some(shard), row, "no journal entry began it");
            }
        }
    }
}

async fn check_one(audit: &dyn AuditReader, slice: &Slice, operation: &Operation) -> Result<(), VerifyError> {
    let Some(run) = operation.run() else { return Ok(()) };
    let row = || format!("run {}", OperationKind::AllocationRun.render(operation.id));
    let mut digest = LinesDigest::default();
    let mut totals = RunTotals::default();
    let (mut count, mut after) = (0, 0);
    loop {
        let page = audit.lines_of_run(operation.id, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.line.number;
        for state in &page {
            digest.add(&state.line);
            count += 1;
            match state.allocation {
                Some(outcome) if outcome.status == Status::Completed => {
                    totals.done += 1;
                    totals.amount_minor = totals.amount_minor.saturating_add(outcome.amount_minor);
                }
                Some(_) | None => totals.refused += 1,
            }
        }
    }
    let wrong = |text: &str| Err(Finding::new(Some(slice.head.shard), row(), text).into());
    if count != run.lines || digest.finish() != run.lines_digest {
        return wrong("its lines are not those that it began with");
    }
    if run.totals.is_some_and(|said| said != totals) {
        return wrong("what it says it came to is not what its allocations are");
    }
    Ok(())
}
