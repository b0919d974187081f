//! A page of the journal, put together from its rows.

use std::collections::HashMap;

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::evidence_rows::EvidenceRow;
use super::operation_row::StoredOperation;
use super::rows::{PostingRow, RegistrationRow, ResellerRow, corrupt, read_at, read_entry_kind};
use super::staff_rows::StaffActionRow;
use crate::domain::ResellerId;
use crate::domain::{Entry, Operation, Posting, Reseller, Shard};
use crate::ledger::Registration;
use crate::ports::{AuditedEntry, StoreError, StrayPlace};

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

    pub(super) fn operation_mut(&mut self) -> Option<&mut StoredOperation> {
        self.operation.0.as_mut()
    }
}

/// A reseller beside its place in the network.
#[derive(sqlx::FromRow)]
pub(super) struct AuditedReseller {
    #[sqlx(flatten)]
    state: ResellerRow,
    id: Uuid,
    code: String,
    name: String,
    place_level: String,
    place_parent: Option<Uuid>,
    created_at: i64,
}

impl AuditedReseller {
    pub(super) fn read(self) -> Result<(Shard, Reseller, Registration), StoreError> {
        let (shard, reseller) = self.state.read()?;
        let (level, parent) = (self.place_level, self.place_parent);
        let place = RegistrationRow {
            id: self.id,
            code: self.code,
            name: self.name,
            level,
            parent,
            created_at: self.created_at,
        };
        Ok((shard, reseller, place.try_into()?))
    }
}

/// A row of the registry that does not follow from the others.
#[derive(sqlx::FromRow)]
pub(super) struct StrayPlaceRow {
    wrong: i16,
    reseller: Uuid,
    ancestor: Option<Uuid>,
}

impl StrayPlaceRow {
    pub(super) fn read(self) -> StrayPlace {
        let above = self.ancestor.map(ResellerId::from_uuid).map(|id| id.to_string()).unwrap_or_default();
        StrayPlace {
            reseller: ResellerId::from_uuid(self.reseller),
            text: match self.wrong {
                1 => "its row in the registry does not repeat its standing and its account".into(),
                2 => format!("the line from it up to {above} is missing or of another length"),
                _ => format!("there is a line from it up to {above}, but it does not stand below that one"),
            },
        }
    }
}

pub(super) struct OptionalOperation(pub Option<StoredOperation>);

impl<'r, R> FromRow<'r, R> for OptionalOperation
where
    R: Row,
    StoredOperation: FromRow<'r, R>,
    for<'c> &'c str: ColumnIndex<R>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let found = row.try_get::<bool, _>("has_operation")?;
        found.then(|| StoredOperation::from_row(row)).transpose().map(Self)
    }
}

/// Entries in the order of their rows, each with its postings, its staff action and its evidence.
pub(super) fn read_entries(
    shard: Shard,
    entries: Vec<AuditedRow>,
    postings: Vec<PostingRow>,
    actions: Vec<StaffActionRow>,
    evidence: Vec<EvidenceRow>,
) -> Result<Vec<AuditedEntry>, StoreError> {
    let mut postings_of: HashMap<i64, Vec<Posting>> = HashMap::new();
    for row in postings {
        postings_of.entry(row.sequence).or_default().push(row.read()?);
    }
    let mut action_of = HashMap::new();
    for row in actions {
        let recorded = row.read()?;
        action_of.insert(recorded.sequence, recorded.action);
    }
    let mut item_of = HashMap::new();
    for row in evidence {
        let recorded = row.read()?;
        item_of.insert(recorded.sequence, recorded.item);
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
                staff: action_of.remove(&row.entry_sequence),
                evidence: item_of.remove(&row.entry_sequence),
            },
            leaf: row.leaf.try_into().map_err(|_| corrupt("entry.leaf"))?,
            operation: row.operation.0.map(Operation::try_from).transpose()?,
        })
    };
    entries.into_iter().map(read).collect()
}
