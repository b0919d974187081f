//! An acquirer's settlement file, as far as it was compared and booked.

use serde::{Deserialize, Serialize};

use crate::domain::encoding::Hash;

/// One per file, written anew by each part that is booked; the record's id is that of the file. Its lines are rows
/// beside it. Amounts are in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementFile {
    pub acquirer: Box<str>,
    /// SHA-256 of the file.
    pub content: Hash,
    /// Lines of the file, without its heading.
    pub lines: i64,
    /// How many of them are booked: the first ones.
    pub booked: i64,
    /// Digest over the booked lines, each with the one before.
    pub chain: Hash,
    /// When the first part was recorded. Milliseconds since 1970 UTC.
    pub begun_at_ms: i64,
    /// The first and the last day on which a booked line was settled, in days since 1970.
    pub first_day: Option<i32>,
    pub last_day: Option<i32>,
    pub matched: SettledSum,
    pub missing_here: SettledSum,
    pub amount_differs: SettledSum,
    pub duplicate: SettledSum,
    #[serde(default, skip_serializing_if = "SettledSum::is_empty")]
    pub contradicts: SettledSum,
    /// What the file's posted lines brought, and what the acquirer kept of them.
    pub net_minor: i64,
    pub fees_minor: i64,
}

/// A sum over lines of one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettledSum {
    pub count: i64,
    pub gross_minor: i64,
    pub fee_minor: i64,
}

impl SettledSum {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl SettlementFile {
    /// A file of which nothing is booked yet.
    #[must_use]
    pub fn new(acquirer: Box<str>, content: Hash, lines: i64, begun_at_ms: i64) -> Self {
        let sum = SettledSum::default();
        Self {
            acquirer,
            content,
            lines,
            booked: 0,
            chain: [0; 32],
            begun_at_ms,
            first_day: None,
            last_day: None,
            matched: sum,
            missing_here: sum,
            amount_differs: sum,
            duplicate: sum,
            contradicts: sum,
            net_minor: 0,
            fees_minor: 0,
        }
    }

    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.booked == self.lines
    }
}
