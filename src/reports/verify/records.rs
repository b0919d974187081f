//! Records: each is as its last entry left it, and copies are alike in every shard.

use super::Slice;
use super::finding::{Finding, offence};
use super::fold::Fold;
use crate::domain::{Place, Record, Shard};

/// Compares the rows of a shard with the last entries about them.
pub(super) fn check(fold: &mut Fold<'_>, records: &[Record]) -> Result<(), Finding> {
    for record in records {
        let row = format!("record {}", record.key());
        let Some(about) = fold.records.remove(&record.key().subject()) else {
            return fold.wrong(row, "no journal entry put it");
        };
        if record.digest() != about.digest {
            let text = format!("its row is not as entry {} left it", about.sequence);
            return fold.wrong(row, text);
        }
    }
    if let Some((subject, about)) = fold.records.iter().min_by_key(|(_, about)| about.sequence) {
        let text = format!("entry {} is about it, but its row does not exist", about.sequence);
        return fold.wrong(format!("record {subject}"), text);
    }
    Ok(())
}

/// What stands in every shard is the same in each. Rows come ordered by their keys.
pub(super) fn check_copies(slices: &[Slice]) -> Result<(), Finding> {
    let copied = |slice: &Slice| -> Vec<Record> {
        let everywhere = slice.records.iter().filter(|record| record.key().kind().place() == Place::EveryShard);
        everywhere.cloned().collect()
    };
    let Some(first) = slices.first().map(copied) else { return Ok(()) };
    for slice in slices {
        let here = copied(slice);
        if here == first {
            continue;
        }
        let odd = here.iter().find(|record| !first.contains(record)).or(first.iter().find(|r| !here.contains(r)));
        let row = odd.map_or_else(|| "records".into(), |record| format!("record {}", record.key()));
        let text = format!("it is not the same in this shard as in shard {}", Shard::OPERATOR);
        return offence(Some(slice.head.shard), row, text);
    }
    Ok(())
}
