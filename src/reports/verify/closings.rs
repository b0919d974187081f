//! A closed day's balances are those that its closing entry found.

use std::collections::HashMap;

use uuid::Uuid;

use super::Slice;
use super::finding::Finding;
use super::fold::Fold;
use crate::domain::records::BusinessDayClosing;
use crate::domain::{Entry, EntryKind, Record};
use crate::ledger::closing::balances;

/// The closings of a shard, by what stands for them in the journal.
pub(super) struct Closings<'a> {
    by_subject: HashMap<Uuid, &'a Record>,
    /// The date of the last one met.
    last: String,
}

impl<'a> Closings<'a> {
    pub(super) fn of(slice: &'a Slice) -> Self {
        let closings = slice.records.iter().filter(|record| record.body::<BusinessDayClosing>().is_some());
        Self { by_subject: closings.map(|record| (record.key().subject(), record)).collect(), last: String::new() }
    }

    /// Compares the record of a closing with the fold, which stands at its entry.
    pub(super) fn check(&mut self, fold: &Fold<'_>, entry: &Entry) -> Result<(), Finding> {
        if entry.kind != EntryKind::DayClosed {
            return Ok(());
        }
        let row = format!("entry {}", entry.sequence);
        let Some(record) = self.by_subject.get(&entry.subject) else {
            return fold.wrong(row, "it closes a day of which there is no record");
        };
        let day = record.key().id().as_str();
        if day <= self.last.as_str() {
            return fold.wrong(row, format!("it closes {day} after {}", self.last));
        }
        day.clone_into(&mut self.last);
        let expected = BusinessDayClosing {
            sequence: entry.sequence,
            closed_at_ms: entry.recorded_at.unix_ms(),
            balances: balances(fold.accounts()),
        };
        if record.body() != Some(&expected) {
            return fold
                .wrong(format!("record {}", record.key()), format!("it is not what entry {} found", entry.sequence));
        }
        Ok(())
    }
}
