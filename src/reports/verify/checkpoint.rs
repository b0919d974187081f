//! A checkpoint: size and root of every shard's log at one moment, kept by the auditor outside the
//! store. A later log must begin with it, so a rewritten or deleted tail shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::report::Report;
use crate::domain::Shard;
use crate::domain::encoding::Hash;

const FORMAT: &str = "taabia/checkpoint/1";

/// Size and root of each shard's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint(BTreeMap<Shard, (i64, Hash)>);

/// Why a text is not a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("the checkpoint is not the JSON that verify writes: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("expected a checkpoint of format {FORMAT}")]
    Format,
    #[error("shard {0} has a negative size, no root of 64 hexadecimal digits, or stands there twice")]
    Shard(u8),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    shards: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    shard: u8,
    sequence: i64,
    root: String,
}

impl Checkpoint {
    /// Of the books as they were verified.
    #[must_use]
    pub fn new(report: &Report) -> Self {
        Self(report.shards.iter().map(|shard| (shard.shard, (shard.entries, shard.root))).collect())
    }

    pub(super) fn of(&self, shard: Shard) -> Option<(i64, Hash)> {
        self.0.get(&shard).copied()
    }

    pub(super) fn shards(&self) -> impl Iterator<Item = Shard> {
        self.0.keys().copied()
    }

    /// # Errors
    /// [`CheckpointError`] when `text` is not what [`Checkpoint::to_json`] writes.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let document: Document = serde_json::from_str(text)?;
        if document.format != FORMAT {
            return Err(CheckpointError::Format);
        }
        let mut shards = BTreeMap::new();
        for Line { shard, sequence, root } in document.shards {
            let mut hash = Hash::default();
            let good = sequence >= 0 && hex::decode_to_slice(&root, &mut hash).is_ok();
            if !good || shards.insert(Shard::new(shard), (sequence, hash)).is_some() {
                return Err(CheckpointError::Shard(shard));
            }
        }
        Ok(Self(shards))
    }

    /// As a file keeps it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let line = |(shard, (sequence, root)): (&Shard, &(i64, Hash))| Line {
            shard: shard.number(),
            sequence: *sequence,
            root: hex::encode(root),
        };
        let document = Document { format: FORMAT.into(), shards: self.0.iter().map(line).collect() };
        serde_json::to_string_pretty(&document).expect("a checkpoint is plain data") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes_and_nothing_else() {
        let checkpoint = Checkpoint([(Shard::new(3), (17, [0xab; 32]))].into());
        let text = checkpoint.to_json();
        assert_eq!(Checkpoint::parse(&text).unwrap(), checkpoint);
        for bad in [
            "{}".to_owned(),
            text.replace("checkpoint/1", "checkpoint/2"),
            text.replace("17", "-1"),
            text.replace("abab", "xyxy"),
            text.replace("\"root\"", "\"roof\""),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad}");
        }
    }
}
