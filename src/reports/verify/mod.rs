//! Verification of the books: everything that can be recomputed is, and compared with what is stored.
//!
//! One short snapshot gives the heads, balances and holds of one moment; then each shard's journal is
//! read in pages up to its head, which never changes again, so a live store is verified without a long
//! transaction and in bounded memory (accounts, open operations and one page).
//!
//! For each shard: the sequence has no gap and time does not go back; every entry gives its leaf and all
//! leaves give the head of the Merkle log (RFC 6962 §2.1); every posting moves a positive amount of one
//! asset between two accounts of that asset, and the balances it states are those of its fold; every
//! operation's row has the content that its last entry recorded. At the head: balances equal the fold;
//! every open operation has its hold, every hold its operation, and what is held is their sum; no
//! operation and no posting stands without an entry. Over all shards: the standing equations.
//!
//! Standing, limits and place in the network of every reseller, and every record, are those that the last entry about
//! it recorded; the lines of the tree are those that the places give; the copies of a record are alike in all shards.
//! A closed day says what its closing entry found. Movements that were written out for statements are those of the
//! journal. API clients in the registry are those that the log tells of. What no entry records is not verified: the
//! claims of keys, the names of partners, and when a secret ends.

mod cases;
mod checkpoint;
mod clients;
mod closing;
mod closings;
mod commission;
mod equations;
mod finding;
mod fold;
mod movements;
mod records;
mod report;
mod reversals;
mod runs;
mod settlements;
mod topups;
mod usage;

use std::collections::BTreeMap;

use crate::domain::encoding::Hash;
use crate::domain::{Account, Calendar, CutOff, Hold, Record, Reseller, Shard};
use crate::ledger::{Head, Registration};
use crate::ports::{AuditReader, Snapshot};

pub use checkpoint::{Checkpoint, CheckpointError};
pub use finding::{Finding, VerifyError};
pub use report::{Report, ShardReport};

use finding::offence;
use fold::Fold;

/// What a run compares with, and how it reads.
#[derive(Clone, Debug)]
pub struct Options {
    /// Entries read at once.
    pub page: u32,
    /// An earlier state of the logs, which must be a beginning of what is there now.
    pub checkpoint: Option<Checkpoint>,
    /// What business days follow, as configured: the daily counters are recounted by it.
    pub calendar: Calendar,
}

impl Default for Options {
    fn default() -> Self {
        Self { page: 1_000, checkpoint: None, calendar: Calendar::new(jiff::tz::TimeZone::UTC, CutOff::default()) }
    }
}

/// How far a run is, in entries of all shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub shard: Shard,
    pub done: i64,
    pub total: i64,
}

/// What the snapshot knows of one shard.
struct Slice {
    head: Head,
    /// By account number.
    accounts: Vec<Account>,
    /// By operation.
    holds: Vec<Hold>,
    resellers: Vec<(Reseller, Registration)>,
    records: Vec<Record>,
    /// Size and root of the log at the checkpoint.
    checkpoint: Option<(i64, Hash)>,
}

/// Verifies the books behind `audit`.
///
/// # Errors
/// [`VerifyError::Offending`] names the first row that is not right; [`VerifyError::Store`] when reading failed.
pub async fn verify(
    audit: &dyn AuditReader,
    options: &Options,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report, VerifyError> {
    // Before the snapshot, so that none is above its head; what is below a cursor never changes.
    let written = audit.written_movements().await?;
    let mut snapshot = audit.snapshot().await?;
    let stray_place = snapshot.stray_place.take();
    let mut report = Report::of(&snapshot);
    let slices = slices(snapshot, options.checkpoint.as_ref())?;
    let total = slices.iter().fold(0_i64, |total, slice| total.saturating_add(slice.head.sequence));
    let mut done = 0;
    let mut beyond = Vec::new();
    for slice in &slices {
        let shard = slice.head.shard;
        let written = written.iter().find(|(of, _)| *of == shard).map_or(0, |(_, sequence)| *sequence);
        let mut fold = Fold::new(slice, written, &options.calendar)?;
        let mut closings = closings::Closings::of(slice);
        while fold.sequence() < slice.head.sequence {
            let page = audit.entries(shard, fold.sequence(), slice.head.sequence, options.page.max(1)).await?;
            if page.is_empty() {
                return Err(fold.ends_early().into());
            }
            done += i64::try_from(page.len()).expect("a page is short");
            for audited in &page {
                fold.entry(audited)?;
                closings.check(&fold, &audited.entry)?;
            }
            progress(Progress { shard, done, total });
        }
        movements::check(audit, &fold, written).await?;
        beyond.extend(closing::close(audit, &mut fold, slice).await?);
        runs::check(audit, slice, &fold.runs).await?;
        settlements::check(audit, slice).await?;
        cases::check(audit, slice).await?;
        report.shard(&fold);
    }
    if let Some(stray) = stray_place {
        return offence(None, format!("reseller {}", stray.reseller), stray.text);
    }
    closing::check_beyond(audit, &beyond).await?;
    records::check_copies(&slices)?;
    clients::check(audit, &slices).await?;
    equations::check(&report)?;
    Ok(report)
}

/// Sorts the snapshot by shard.
fn slices(snapshot: Snapshot, checkpoint: Option<&Checkpoint>) -> Result<Vec<Slice>, VerifyError> {
    let mut slices = BTreeMap::new();
    for head in snapshot.heads {
        let checkpoint = checkpoint.and_then(|checkpoint| checkpoint.of(head.shard));
        slices.insert(
            head.shard,
            Slice {
                head,
                accounts: Vec::new(),
                holds: Vec::new(),
                resellers: Vec::new(),
                records: Vec::new(),
                checkpoint,
            },
        );
    }
    let without_head = |shard: Shard| Finding::new(Some(shard), "head", "the shard has rows but no head");
    for (shard, account) in snapshot.accounts {
        slices.get_mut(&shard).ok_or_else(|| without_head(shard))?.accounts.push(account);
    }
    for (shard, hold) in snapshot.holds {
        slices.get_mut(&shard).ok_or_else(|| without_head(shard))?.holds.push(hold);
    }
    for (shard, reseller, place) in snapshot.resellers {
        slices.get_mut(&shard).ok_or_else(|| without_head(shard))?.resellers.push((reseller, place));
    }
    for (shard, record) in snapshot.records {
        slices.get_mut(&shard).ok_or_else(|| without_head(shard))?.records.push(record);
    }
    let last = slices.keys().next_back().copied().unwrap_or(Shard::OPERATOR);
    let known = checkpoint.into_iter().flat_map(Checkpoint::shards);
    let mut expected = Shard::all(u16::from(last.number()) + 1).chain(known);
    if let Some(shard) = expected.find(|shard| !slices.contains_key(shard)) {
        return offence(Some(shard), "head", "the shard has no head");
    }
    let mut slices: Vec<_> = slices.into_values().collect();
    for slice in &mut slices {
        slice.accounts.sort_unstable_by_key(|account| account.number);
        slice.holds.sort_unstable_by_key(|hold| hold.operation);
    }
    Ok(slices)
}
