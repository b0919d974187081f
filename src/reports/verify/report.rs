//! What a clean verification tells.

use std::collections::BTreeMap;
use std::fmt::Write;

use rust_decimal::Decimal;

use super::fold::Fold;
use crate::domain::account::CHART;
use crate::domain::encoding::Hash;
use crate::domain::{AccountClass, Currency, Shard};
use crate::ports::Snapshot;

/// One shard's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardReport {
    pub shard: Shard,
    pub entries: i64,
    /// Root of its Merkle log.
    pub root: Hash,
}

/// Counts and sums of the books that were verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Ascending.
    pub shards: Vec<ShardReport>,
    pub entries: i64,
    pub postings: i64,
    /// Operations compared with their last entry.
    pub operations: i64,
    pub accounts: usize,
    pub holds: usize,
    /// Balance of each class in minor units, summed over all shards.
    pub totals: BTreeMap<AccountClass, i128>,
    /// What is unusual and allowed.
    pub notes: Vec<String>,
}

impl Report {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut report = Self { accounts: snapshot.accounts.len(), holds: snapshot.holds.len(), ..Self::default() };
        for (shard, account) in &snapshot.accounts {
            let line = account.class.line();
            *report.totals.entry(account.class).or_default() += i128::from(account.posted);
            let floor = account.credit_limit.saturating_neg();
            if line.floored && account.available() < floor {
                report.notes.push(format!(
                    "shard {shard}, account {} ({}): {} available is below its floor of {}; a lowered limit or a \
                     claw-back may leave it there",
                    account.number.0,
                    line.name,
                    account.available(),
                    floor
                ));
            }
        }
        report
    }

    pub(super) fn shard(&mut self, fold: &Fold<'_>) {
        let (shard, entries, root) = (fold.shard(), fold.sequence(), fold.root());
        self.shards.push(ShardReport { shard, entries, root });
        self.entries += entries;
        self.postings += fold.postings;
        self.operations += fold.operations;
    }

    #[must_use]
    pub fn total(&self, class: AccountClass) -> i128 {
        self.totals.get(&class).copied().unwrap_or(0)
    }

    /// The report as text, amounts in `currency`.
    #[must_use]
    pub fn text(&self, currency: Currency) -> String {
        let mut text = format!(
            "The books are right: {} entries with {} postings, {} operations, {} accounts, {} open holds.\n\n",
            self.entries, self.postings, self.operations, self.accounts, self.holds
        );
        let mut line = |arguments: std::fmt::Arguments<'_>| {
            text.write_fmt(arguments).expect("a string takes all that is written");
            text.push('\n');
        };
        for chart in &CHART {
            let total = Decimal::from_i128_with_scale(self.total(chart.class), currency.exponent());
            line(format_args!("{:<20} {:<11} {total:>24}", chart.name, chart.asset.name(currency)));
        }
        line(format_args!(""));
        for ShardReport { shard, entries, root } in &self.shards {
            line(format_args!("shard {shard:>3} {entries:>12} entries  root {}", hex::encode(root)));
        }
        for note in &self.notes {
            line(format_args!("note: {note}"));
        }
        text
    }
}
