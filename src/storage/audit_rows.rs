//! A page of the journal, put together from its rows.

use std::collections::HashMap;

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::operation_row::OperationRow;
use super::rows::{PostingRow, RegistrationRow, ResellerRow, corrupt, read_at, read_entry_kind};
use crate::domain::{Entry, Operation, Posting, Reseller, Shard};
use crate::ledger::Registration;
use crate::ports::{AuditedEntry, StoreError};

/// An entry beside the row of its operation, when there is one.
#[derive(sqlx::FromRow)]
pub(super) struct AuditedRow {
    entry_sequence: i64,
    entry_kind: i16,
    subject: Uuid,
    digest: Vec<u8>,
    actor: String,
    recorded_at: i64,
    leaf: Vec<u8>,
    #[sqlx(flatten)]
    operation: OptionalOperation,
}

impl AuditedRow {
    pub(super) fn sequence(&self) -> i64 {
        self.entry_sequence
    }
}

/// A reseller beside its place in the network.
#[derive(sqlx::FromRow)]
pub(super) struct AuditedReseller {
    #[sqlx(flatten)]
    state: ResellerRow,
    #[sqlx(flatten)]
    place: RegistrationRow,
}

impl AuditedReseller {
    pub(super) fn read(self) -> Result<(Shard, Reseller, Registration), StoreError> {
        let (shard, reseller) = self.state.read()?;
        Ok((shard, reseller, self.place.into()))
    }
}

pub(super) struct OptionalOperation(pub Option<OperationRow>);

impl<'r, R> FromRow<'r, R> for OptionalOperation
where
    R: Row,
    OperationRow: FromRow<'r, R>,
    for<'c> &'c str: ColumnIndex<R>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let found = row.try_get::<bool, _>("has_operation")?;
        found.then(|| OperationRow::from_row(row)).transpose().map(Self)
    }
}

/// Entries in the order of their rows, each with its postings.
pub(super) fn read_entries(
    shard: Shard,
    entries: Vec<AuditedRow>,
    postings: Vec<PostingRow>,
) -> Result<Vec<AuditedEntry>, StoreError> {
    let mut postings_of: HashMap<i64, Vec<Posting>> = HashMap::new();
    for row in postings {
        postings_of.entry(row.sequence).or_default().push(row.read()?);
    }
    let read = |row: AuditedRow| {
        Ok(AuditedEntry {
            entry: Entry {
                shard,
                sequence: row.entry_sequence,
                kind: read_entry_kind(row.entry_kind)?,
                subject: row.subject,
                digest: row.digest.try_into().map_err(|_| corrupt("entry.digest"))?,
                actor: row.actor.into(),
                recorded_at: read_at(row.recorded_at),
                postings: postings_of.remove(&row.entry_sequence).unwrap_or_default(),
            },
            leaf: row.leaf.try_into().map_err(|_| corrupt("entry.leaf"))?,
            operation: row.operation.0.map(Operation::try_from).transpose()?,
        })
    };
    entries.into_iter().map(read).collect()
}
