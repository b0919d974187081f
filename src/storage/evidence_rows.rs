//! Items of evidence as rows and back.

use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::rows::{corrupt, hex_bytes, read_at, shard_number};
use crate::domain::{Decline, Effect, Entry, EvidenceItem, EvidenceKind, OperationId, Says};
use crate::ports::{RecordedEvidence, StoreError};

#[derive(Serialize, sqlx::FromRow)]
pub(super) struct EvidenceRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub operation: Uuid,
    pub sequence: i64,
    pub kind: i16,
    pub system: String,
    pub reference: i64,
    pub says: String,
    pub decline: Option<String>,
    pub observed_at: i64,
    pub excerpt: String,
    pub effect: i16,
    pub submit_by: i64,
    pub promised_at: i64,
}

impl EvidenceRow {
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let item = entry.evidence.as_deref()?;
        Some(Self {
            shard: shard_number(entry.shard),
            operation: item.operation.uuid(),
            sequence: entry.sequence,
            kind: item.kind.code(),
            system: item.system.to_string(),
            reference: item.reference,
            says: item.says.name().into(),
            decline: item.says.decline().map(|decline| decline.code().into()),
            observed_at: item.observed_at.unix_ms(),
            excerpt: item.excerpt.as_ref().into(),
            effect: item.effect.code(),
            submit_by: item.submit_by.unix_ms(),
            promised_at: item.promised_at.unix_ms(),
        })
    }

    pub(super) fn read(self) -> Result<RecordedEvidence, StoreError> {
        let decline = match self.decline.as_deref() {
            Some(code) => Some(Decline::from_code(code).ok_or_else(|| corrupt("evidence.decline"))?),
            None => None,
        };
        let item = EvidenceItem {
            operation: OperationId::from_uuid(self.operation),
            kind: EvidenceKind::from_code(self.kind).ok_or_else(|| corrupt("evidence.kind"))?,
            system: self.system.parse().map_err(|_| corrupt("evidence.system"))?,
            reference: self.reference,
            says: Says::from_parts(&self.says, decline).ok_or_else(|| corrupt("evidence.says"))?,
            observed_at: read_at(self.observed_at),
            excerpt: self.excerpt.into(),
            effect: Effect::from_code(self.effect).ok_or_else(|| corrupt("evidence.effect"))?,
            submit_by: read_at(self.submit_by),
            promised_at: read_at(self.promised_at),
        };
        Ok(RecordedEvidence { sequence: self.sequence, item: Arc::new(item) })
    }

    pub(super) fn read_all(rows: Vec<Self>) -> Result<Vec<RecordedEvidence>, StoreError> {
        rows.into_iter().map(Self::read).collect()
    }
}
