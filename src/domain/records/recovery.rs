//! That the store came back from a backup, and sales are refused until the books agree with the world outside.

use serde::{Deserialize, Serialize};

use crate::domain::time::BusinessDay;

/// The last recovery; there is one record. Times are milliseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    pub begun_at_ms: i64,
    /// When the last entry of the restored books was recorded: what happened after it is known outside only.
    pub restored_to_ms: i64,
    /// `None` as long as sales are refused.
    pub ended_at_ms: Option<i64>,
    /// Sources that brought nothing and were left out knowingly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Box<str>>,
}

impl Recovery {
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.ended_at_ms.is_none()
    }
}

/// What was imported of one source since a recovery began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The charging system, or an acquirer.
    pub source: Box<str>,
    /// Files that were booked to their end.
    pub files: usize,
    /// Files that were cut off in the middle.
    pub unfinished: usize,
    /// The first day that one of them tells of.
    pub first_day: Option<BusinessDay>,
    /// Lines that differ from our books and are not resolved.
    pub open_items: usize,
}

/// What the books of the outside and ours still lack to agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outstanding {
    NothingImported {
        source: Box<str>,
    },
    Unfinished {
        source: Box<str>,
        files: usize,
    },
    /// It leaves out days on which the restored books are not complete.
    BeginsTooLate {
        source: Box<str>,
        first_day: BusinessDay,
        needed: BusinessDay,
    },
    OpenItems {
        source: Box<str>,
        count: usize,
    },
    /// Completed here on days that the charging system's record tells of, and not there.
    Unrecorded {
        count: usize,
    },
    /// Recharges whose outcome is not known.
    InDoubt {
        count: usize,
    },
    /// Top-ups whose payment is not known, or whose stock is still owed.
    OpenPayments {
        count: usize,
    },
}

impl std::fmt::Display for Outstanding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NothingImported { source } => write!(f, "{source}: nothing was imported since the recovery began"),
            Self::Unfinished { source, files } => {
                write!(f, "{source}: {files} files were cut off; import them again")
            }
            Self::BeginsTooLate { source, first_day, needed } => {
                write!(
                    f,
                    "{source}: what was imported begins on {first_day}; the books are complete only before {needed}"
                )
            }
            Self::OpenItems { source, count } => write!(f, "{source}: {count} lines differ and are not resolved"),
            Self::Unrecorded { count } => {
                write!(f, "{count} completed recharges are not in the charging system's record and not resolved")
            }
            Self::InDoubt { count } => write!(f, "{count} recharges wait for their outcome"),
            Self::OpenPayments { count } => {
                write!(f, "{count} top-ups wait for their payment's outcome or their stock")
            }
        }
    }
}

/// What each source still lacks. Sources in `without` may bring nothing; what they brought is looked at nevertheless.
#[must_use]
pub fn outstanding(imported: &[Imported], without: &[Box<str>], restored_to: BusinessDay) -> Vec<Outstanding> {
    let mut found = Vec::new();
    for Imported { source, files, unfinished, first_day, open_items } in imported {
        let source = || source.clone();
        if *unfinished > 0 {
            found.push(Outstanding::Unfinished { source: source(), files: *unfinished });
        }
        if *files == 0 && !without.contains(&source()) {
            found.push(Outstanding::NothingImported { source: source() });
        }
        if let Some(first_day) = first_day.filter(|day| *day > restored_to && !without.contains(&source())) {
            found.push(Outstanding::BeginsTooLate { source: source(), first_day, needed: restored_to });
        }
        if *open_items > 0 {
            found.push(Outstanding::OpenItems { source: source(), count: *open_items });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imported(files: usize, first_day: Option<i32>) -> Imported {
        let first_day = first_day.map(BusinessDay);
        Imported { source: "bank".into(), files, unfinished: 0, first_day, open_items: 0 }
    }

    #[test]
    fn each_source_brings_what_the_books_lack() {
        let agrees =
            |it: &Imported, without: &[Box<str>]| outstanding(std::slice::from_ref(it), without, BusinessDay(10));
        let known = ["bank".into()];
        assert_eq!(agrees(&imported(1, Some(10)), &[]), []);
        assert_eq!(agrees(&imported(1, None), &[]), [], "a file without a line tells that nothing happened");
        assert_eq!(agrees(&imported(0, None), &[]), [Outstanding::NothingImported { source: "bank".into() }]);
        assert_eq!(agrees(&imported(0, None), &known), []);
        let late =
            Outstanding::BeginsTooLate { source: "bank".into(), first_day: BusinessDay(11), needed: BusinessDay(10) };
        assert_eq!(agrees(&imported(2, Some(11)), &[]), [late]);
        let cut_off = Imported { unfinished: 1, open_items: 3, ..imported(0, None) };
        let left = [
            Outstanding::Unfinished { source: "bank".into(), files: 1 },
            Outstanding::OpenItems { source: "bank".into(), count: 3 },
        ];
        assert_eq!(agrees(&cut_off, &known), left, "what was brought is looked at");
    }
}
