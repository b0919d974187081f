//! How an offending row is named.

use std::fmt;

use crate::domain::Shard;
use crate::ports::StoreError;

/// A row that is not right, in words an auditor understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `None` for what concerns all shards.
    pub shard: Option<Shard>,
    /// Such as `entry 17`.
    pub row: String,
    pub text: String,
}

impl Finding {
    pub(super) fn new(shard: Option<Shard>, row: impl Into<String>, text: impl Into<String>) -> Self {
        Self { shard, row: row.into(), text: text.into() }
    }
}

/// Ends a check with a finding.
pub(super) fn offence<T, E: From<Finding>>(
    shard: Option<Shard>,
    row: impl Into<String>,
    text: impl Into<String>,
) -> Result<T, E> {
    Err(Finding::new(shard, row, text).into())
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(shard) = self.shard {
            write!(f, "shard {shard}, ")?;
        }
        write!(f, "{}: {}", self.row, self.text)
    }
}

/// Why there is no clean report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The books are not right: the first offending row.
    #[error("{0}")]
    Offending(Finding),
    /// The books could not be read to the end.
    #[error(transparent)]
    Store(StoreError),
}

impl From<Finding> for VerifyError {
    fn from(finding: Finding) -> Self {
        Self::Offending(finding)
    }
}

impl From<StoreError> for VerifyError {
    fn from(error: StoreError) -> Self {
        match error {
            // What nothing of ours ever wrote is an offending row, not an accident.
            StoreError::Corrupt(text) => Self::Offending(Finding::new(None, "stored row", text)),
            StoreError::Unavailable(_)
            | StoreError::Conflict(_)
            | StoreError::Refused(_)
            | StoreError::KeyTaken(_)
            | StoreError::Stale(_)
            | StoreError::CommitUnknown(_) => Self::Store(error),
        }
    }
}
