//! What was written out of the journal for statements must say what the journal says.

use std::collections::HashMap;

use super::finding::{Finding, VerifyError, offence};
use super::fold::Fold;
use crate::domain::{AccountClass, AccountNumber, Shard};
use crate::ports::{AuditReader, AuditedMovement, MovementPlace};

/// Rows of one page.
const PAGE: u32 = 5_000;

/// Compares the movements of a shard up to `written` with the folded journal: each stands for a posting of its
/// account and carries the sums on, and each account has as many as the journal has postings of it.
pub(super) async fn check(audit: &dyn AuditReader, fold: &Fold<'_>, written: i64) -> Result<(), VerifyError> {
    let shard = fold.shard();
    if written > fold.sequence() {
        let text = format!("it stands at entry {written}, above the head of the shard");
        return offence(Some(shard), "cursor of the statements", text);
    }
    let mut counted: HashMap<AccountNumber, i64> = HashMap::new();
    let mut before: Option<AuditedMovement> = None;
    let mut after = (AccountNumber(i64::MIN), MovementPlace::behind(0));
    loop {
        let page = audit.movements(shard, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = (last.account, last.place);
        // What was written out since the snapshot is not looked at.
        for movement in page.iter().filter(|movement| movement.place.sequence <= written) {
            carries_on(shard, before.as_ref(), movement)?;
            *counted.entry(movement.account).or_default() += 1;
            before = Some(*movement);
        }
    }
    for (account, expected) in fold.moved() {
        let found = counted.remove(&account).unwrap_or(0);
        if found != expected {
            let text = format!("{found} of its movements are written out, the journal has {expected} of them");
            return offence(Some(shard), format!("account {}", account.0), text);
        }
    }
    if let Some((account, found)) = counted.into_iter().min_by_key(|(account, _)| *account) {
        let text = format!("{found} of its movements are written out, the journal has none of them");
        return offence(Some(shard), format!("account {}", account.0), text);
    }
    Ok(())
}

fn carries_on(shard: Shard, before: Option<&AuditedMovement>, movement: &AuditedMovement) -> Result<(), Finding> {
    let AuditedMovement { account, place, credited_minor, sold_minor, posting } = *movement;
    let row = || format!("movement {}/{} of account {}", place.sequence, place.line, account.0);
    let Some((debit, credit, amount)) = posting.filter(|(debit, credit, _)| *debit == account || *credit == account)
    else {
        return offence(Some(shard), row(), "the journal has no such posting");
    };
    let before = before.filter(|before| before.account == account);
    let (credited, sold) = before.map_or((0, 0), |before| (before.credited_minor, before.sold_minor));
    let delivered = AccountClass::Delivered.system_account();
    let credited = credited + if credit == account { amount } else { 0 };
    let sold = match (debit, credit) {
        (_, credit) if credit == delivered => sold + amount,
        (debit, _) if debit == delivered => sold - amount,
        _ => sold,
    };
    if (credited_minor, sold_minor) != (credited, sold) {
        let text = format!(
            "it carries {credited_minor} credited and {sold_minor} sold, those before it and its posting give \
             {credited} and {sold}"
        );
        return offence(Some(shard), row(), text);
    }
    Ok(())
}
