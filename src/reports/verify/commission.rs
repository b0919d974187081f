//! What a completed recharge posted for commissions is what was agreed when it was reserved.

use super::finding::{Finding, offence};
use super::report::Report;
use crate::domain::{AccountClass, Entry, EntryKind, Operation};
use crate::ledger::commission::movements;

/// What is wrong with the postings of an entry that completes a recharge, after the one of its face value.
pub(super) fn complaint(entry: &Entry, operation: &Operation) -> Option<String> {
    let terms = &operation.recharge().filter(|_| entry.kind == EntryKind::RechargeCompleted)?.terms;
    let agreed = movements(terms).map(|movement| (movement.debit, movement.credit, movement.amount_minor));
    let posted = entry.postings.get(1..).unwrap_or_default().iter();
    let same = posted.map(|posting| (posting.debit, posting.credit, posting.amount_minor)).eq(agreed);
    (!same).then(|| format!("entry {} does not post the commissions of its terms {terms}", entry.sequence))
}

/// Commission in stock that nobody was paid yet stands on somebody's account or was rounding.
pub(super) fn check_granted(report: &Report) -> Result<(), Finding> {
    let granted = report.total(AccountClass::CommissionGranted);
    let owed = report.total(AccountClass::CommissionStockAccrued) + report.total(AccountClass::AirtimeRounding);
    if granted == owed {
        return Ok(());
    }
    let text = format!("it is {granted}, what has accrued in stock and rounding sum to {owed}");
    offence(None, format!("accounts {}", AccountClass::CommissionGranted.line().name), text)
}
