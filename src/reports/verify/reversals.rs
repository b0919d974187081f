//! What recharges say was taken back is what their reversals took back, and who waits for one has one.

use std::collections::HashMap;

use super::finding::Finding;
use super::fold::Fold;
use crate::domain::{Entry, EntryKind, Operation, OperationId, OperationKind, Status};
use crate::ledger::reversal::taken_back;

/// Recharges of a shard that reversals are about, each as its last entry left it: what they say less what the reversals
/// say, which comes to zero.
#[derive(Default)]
pub(super) struct Reversals(HashMap<OperationId, Balance>);

#[derive(Clone, Copy, Default)]
struct Balance {
    reversed_minor: i128,
    under_way: i32,
}

impl Reversals {
    pub fn add(&mut self, operation: &Operation) {
        if let Some(recharge) = operation.recharge() {
            let pending = operation.status == Status::ReversalPending;
            if recharge.reversed_minor != 0 || pending {
                let balance = self.0.entry(operation.id).or_default();
                balance.reversed_minor += i128::from(recharge.reversed_minor);
                balance.under_way += i32::from(pending);
            }
        }
        let Some(of) = operation.reversal().and_then(|reversal| reversal.recharge().ok()) else { return };
        let balance = self.0.entry(of).or_default();
        match operation.status {
            Status::Submitted | Status::InDoubt => balance.under_way -= 1,
            Status::Completed => balance.reversed_minor -= i128::from(operation.amount_minor),
            _ => {}
        }
    }
}

/// What is wrong with the postings of an entry that ends a reversal, after the one of its face value; or with a recharge
/// that was taken back and says something is left.
pub(super) fn complaint(entry: &Entry, operation: &Operation) -> Option<String> {
    let sequence = entry.sequence;
    if entry.kind == EntryKind::RechargeReversed {
        let left = operation.recharge().map_or(0, |recharge| recharge.left_minor(operation.amount_minor));
        return (left != 0).then(|| format!("entry {sequence} takes all of it back, yet {left} are left"));
    }
    let reversal = operation.reversal().filter(|_| entry.kind == EntryKind::ReversalCompleted)?;
    let agreed = taken_back(reversal);
    let face = entry.postings.first().map(|posting| posting.amount_minor);
    let posted = entry.postings.get(1..).unwrap_or_default();
    let same = posted.len() == agreed.len()
        && posted.iter().zip(&agreed).all(|(posting, movement)| {
            (posting.debit, posting.credit, posting.amount_minor)
                == (movement.debit, movement.credit, movement.amount_minor)
        });
    let whole = face == Some(operation.amount_minor) && same;
    (!whole).then(|| format!("entry {sequence} does not post what the reversal takes back"))
}

pub(super) fn check(fold: &Fold<'_>) -> Result<(), Finding> {
    let wrong = |(_, balance): &(&OperationId, &Balance)| balance.reversed_minor != 0 || balance.under_way != 0;
    let Some((id, balance)) = fold.reversals.0.iter().filter(wrong).min_by_key(|(id, _)| **id) else { return Ok(()) };
    let Balance { reversed_minor, under_way } = balance;
    let text = format!(
        "it says that {reversed_minor} more were taken back than its reversals say, and has {under_way} more under way"
    );
    fold.wrong(format!("operation {}", OperationKind::Recharge.render(*id)), text)
}
