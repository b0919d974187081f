//! Staff actions as rows and back.

use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::rows::{corrupt, hex_bytes, read_at, read_entry_kind, read_shard, shard_number};
use crate::domain::{Entry, Origin, ResellerId, Shard, StaffAction, Timestamp, Via};
use crate::ports::{RecordedAction, StaffActionQuery, StoreError};

#[derive(Serialize, sqlx::FromRow)]
pub(super) struct StaffActionRow {
    pub shard: i16,
    pub sequence: i64,
    pub recorded_at: i64,
    pub kind: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub subject: Uuid,
    pub actor: String,
    pub via: i16,
    pub address: Option<String>,
    pub request: Option<String>,
    pub reason: Option<String>,
    #[serde(serialize_with = "hex_bytes")]
    pub reseller: Uuid,
    pub before_json: Option<String>,
    pub after_json: String,
}

impl StaffActionRow {
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let action = entry.staff.as_deref()?;
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Some(Self {
            shard: shard_number(entry.shard),
            sequence: entry.sequence,
            recorded_at: action.recorded_at.unix_ms(),
            kind: action.kind.code(),
            subject: action.subject,
            actor: action.actor.as_ref().to_owned(),
            via: action.origin.via.code(),
            address: text(&action.origin.address),
            request: text(&action.origin.request),
            reason: text(&action.origin.reason),
            reseller: action.reseller.uuid(),
            before_json: text(&action.before),
            after_json: action.after.as_ref().to_owned(),
        })
    }

    pub(super) fn read(self) -> Result<RecordedAction, StoreError> {
        let origin = Origin {
            via: Via::from_code(self.via).ok_or_else(|| corrupt("staff_action.via"))?,
            address: self.address.map(Into::into),
            request: self.request.map(Into::into),
            reason: self.reason.map(Into::into),
        };
        let action = StaffAction {
            recorded_at: read_at(self.recorded_at),
            kind: read_entry_kind(self.kind)?,
            subject: self.subject,
            actor: self.actor.into(),
            origin: Arc::new(origin),
            reseller: ResellerId::from_uuid(self.reseller),
            before: self.before_json.map(Into::into),
            after: self.after_json.into(),
        };
        Ok(RecordedAction { shard: read_shard(self.shard)?, sequence: self.sequence, action: Arc::new(action) })
    }

    pub(super) fn read_all(rows: Vec<Self>) -> Result<Vec<RecordedAction>, StoreError> {
        rows.into_iter().map(Self::read).collect()
    }
}

/// The place before a page: time, shard and sequence.
pub(super) fn page_begins(query: &StaffActionQuery) -> (i64, i16, i64) {
    let place = |(at, shard, sequence): (Timestamp, Shard, i64)| (at.unix_ms(), shard_number(shard), sequence);
    // Nothing at or after "to": of that very moment, no shard and sequence is small enough.
    let end = query.to.map_or((i64::MAX, i16::MAX, i64::MAX), |to| (to.unix_ms(), i16::MIN, i64::MIN));
    query.after.map_or(end, |after| place(after).min(end))
}
