//! What must hold once a shard's journal is folded to its head.

use std::collections::HashMap;

use super::Slice;
use super::finding::{Finding, VerifyError, offence};
use super::fold::Fold;
use super::records;
use super::reversals;
use super::topups;
use super::usage;
use crate::domain::{AccountNumber, Hold, ResellerId, Shard};
use crate::ledger::network::digest;
use crate::ports::AuditReader;

/// An entry above the head of the snapshot: later work, or one that no head knows.
pub(super) type Beyond = (Shard, i64);

/// Compares the rows with the fold; gives back the first entry above the head, if there is one by now.
pub(super) async fn close(
    audit: &dyn AuditReader,
    fold: &mut Fold<'_>,
    slice: &Slice,
) -> Result<Option<Beyond>, VerifyError> {
    check_head(fold, slice)?;
    let held = check_holds(fold, &slice.holds)?;
    check_accounts(fold, slice, &held)?;
    check_resellers(fold, slice)?;
    records::check(fold, &slice.records)?;
    let shard = fold.shard();
    if let Some(action) = audit.stray_staff_action(shard).await? {
        return offence(Some(shard), action, "its entry does not exist");
    }
    if let Some(item) = audit.stray_evidence(shard).await? {
        return offence(Some(shard), item, "there is no entry about its operation");
    }
    if let Some(posting) = audit.stray_posting(shard, slice.head.sequence).await? {
        return offence(Some(shard), posting, "its entry does not exist");
    }
    let beyond = check_operations(audit, fold, slice.head.sequence).await?;
    usage::check(fold, slice)?;
    topups::check(fold, &slice.records)?;
    reversals::check(fold)?;
    Ok(beyond)
}

/// Every entry above a snapshot's head must be below the head of a later one.
pub(super) async fn check_beyond(audit: &dyn AuditReader, beyond: &[Beyond]) -> Result<(), VerifyError> {
    if beyond.is_empty() {
        return Ok(());
    }
    let heads = audit.snapshot().await?.heads;
    for &(shard, sequence) in beyond {
        if heads.iter().any(|head| head.shard == shard && head.sequence < sequence) {
            return offence(Some(shard), format!("entry {sequence}"), "it stands above the head of its shard");
        }
    }
    Ok(())
}

fn check_head(fold: &Fold<'_>, slice: &Slice) -> Result<(), Finding> {
    if slice.head.sequence > 0 && fold.recorded_at() != slice.head.recorded_at {
        let text = format!("it says {} for the time of its last entry, {}", slice.head.recorded_at, fold.recorded_at());
        return fold.wrong("head", text);
    }
    Ok(())
}

/// Every hold has an open operation and every open operation a hold. Gives what is held, by account.
fn check_holds(fold: &mut Fold<'_>, holds: &[Hold]) -> Result<HashMap<AccountNumber, i64>, Finding> {
    let mut held: HashMap<AccountNumber, i64> = HashMap::new();
    for hold in holds {
        let row = format!("hold of operation {}", hold.operation.uuid());
        let Some(open) = fold.open.remove(&hold.operation.uuid()) else {
            return fold.wrong(row, "no operation with this id waits for an outcome");
        };
        let Some((account, _)) = fold.account(hold.account) else {
            return fold.wrong(row, format!("its account {} does not exist", hold.account.0));
        };
        if account.owner != Some(open.reseller) {
            return fold.wrong(row, format!("its account {} is not of the reseller that sells", hold.account.0));
        }
        if hold.amount_minor != open.amount_minor {
            let (is, asked) = (hold.amount_minor, open.amount_minor);
            return fold.wrong(row, format!("it sets {is} aside for an operation of {asked}"));
        }
        let sum = held.entry(hold.account).or_default();
        *sum = sum.saturating_add(hold.amount_minor);
    }
    if let Some((id, open)) = fold.open.iter().min_by_key(|(_, open)| open.since) {
        let text = format!("it waits for an outcome since entry {}, but its hold does not exist", open.since);
        return fold.wrong(format!("operation {id}"), text);
    }
    Ok(held)
}

fn check_accounts(fold: &Fold<'_>, slice: &Slice, held: &HashMap<AccountNumber, i64>) -> Result<(), Finding> {
    for account in &slice.accounts {
        let line = account.class.line();
        let row = format!("account {} ({})", account.number.0, line.name);
        let is_own = account.number >= AccountNumber::FIRST_OWN;
        let numbered = is_own || account.number == account.class.system_account();
        if line.per_reseller != is_own || account.owner.is_some() != is_own || !numbered {
            return fold.wrong(row, "its number, class and owner do not belong together");
        }
        let folded = fold.account(account.number).map_or(0, |(_, balance)| balance);
        if account.posted != folded {
            return fold.wrong(row, format!("its balance is {}, its postings give {folded}", account.posted));
        }
        let sum = held.get(&account.number).copied().unwrap_or(0);
        if account.held != sum {
            return fold.wrong(row, format!("{} of it is held, its open holds sum to {sum}", account.held));
        }
    }
    Ok(())
}

/// Standing, limits, credit limit and place in the network of every reseller are those of the last entry about it.
fn check_resellers(fold: &mut Fold<'_>, slice: &Slice) -> Result<(), Finding> {
    for (reseller, place) in &slice.resellers {
        let row = format!("reseller {}", reseller.id);
        let Some(about) = fold.resellers.remove(&reseller.id.uuid()) else {
            return fold.wrong(row, "no journal entry opened it");
        };
        let Some((stock, _)) = fold.account(reseller.stock_account) else {
            return fold.wrong(row, format!("its account {} does not exist", reseller.stock_account.0));
        };
        if place.digest() != reseller.place || place.parent != reseller.parent || place.level != reseller.level {
            let text = format!("its place in the network is not as entry {} left it", about.sequence);
            return fold.wrong(row, text);
        }
        if digest(reseller, stock) != about.digest {
            let text =
                format!("its row, or the credit limit of its account, is not as entry {} left it", about.sequence);
            return fold.wrong(row, text);
        }
    }
    if let Some((id, about)) = fold.resellers.iter().min_by_key(|(_, about)| about.sequence) {
        let text = format!("entry {} is about it, but its row does not exist", about.sequence);
        return fold.wrong(format!("reseller {}", ResellerId::from_uuid(*id)), text);
    }
    Ok(())
}

/// No operation's row may stand without an entry. All rows are counted before the journal is seen to end
/// at the snapshot's head; if it does, nothing moved since and the count is exact. If it does not, rows
/// only ever leave the count, so more of them than entries that were compared is still an offence.
async fn check_operations(audit: &dyn AuditReader, fold: &Fold<'_>, head: i64) -> Result<Option<Beyond>, VerifyError> {
    let shard = fold.shard();
    let all = audit.count_operations(shard, i64::MAX).await?;
    let beyond = audit.entries(shard, head, i64::MAX, 1).await?.first().map(|next| (shard, next.entry.sequence));
    let (up_to, wrong) = match beyond {
        None => (i64::MAX, all != fold.operations),
        Some(_) => (head, audit.count_operations(shard, head).await? > fold.operations),
    };
    if wrong {
        let row = audit.stray_operation(shard, up_to).await?.unwrap_or_else(|| "operations".into());
        return offence(Some(shard), row, "no journal entry brought it to where it stands");
    }
    Ok(beyond)
}
