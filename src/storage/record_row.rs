//! Records as rows and back, and what is asked about them.

use serde::Serialize;
use uuid::Uuid;

use super::rows::{corrupt, hex_bytes, read_shard, shard_number};
use crate::domain::{Record, RecordKey, RecordKind, RecordWant, ResellerId, Shard};
use crate::ports::{RecordQuery, StoreError};

#[derive(Serialize, sqlx::FromRow)]
pub(super) struct RecordRow {
    pub shard: i16,
    pub kind: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub owner: Uuid,
    pub id: String,
    pub version: i64,
    pub content: String,
}

impl RecordRow {
    pub(super) fn of(shard: Shard, record: &Record) -> Self {
        let KeyRow { shard, kind, owner, id } = KeyRow::of(shard, record.key());
        Self { shard, kind, owner, id, version: record.version(), content: record.text().into() }
    }

    pub(super) fn read(self) -> Result<(Shard, Record), StoreError> {
        let kind = RecordKind::from_code(self.kind).ok_or_else(|| corrupt("record.kind"))?;
        let id = self.id.parse().map_err(|_| corrupt("record.id"))?;
        let key = RecordKey::new(kind, ResellerId::from_uuid(self.owner), id).map_err(|_| corrupt("record.owner"))?;
        let record = Record::read(key, self.version, &self.content).map_err(|_| corrupt("record.content"))?;
        Ok((read_shard(self.shard)?, record))
    }

    pub(super) fn read_all(rows: Vec<Self>) -> Result<Vec<(Shard, Record)>, StoreError> {
        rows.into_iter().map(Self::read).collect()
    }
}

/// Which record.
#[derive(Serialize)]
pub(super) struct KeyRow {
    pub shard: i16,
    pub kind: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub owner: Uuid,
    pub id: String,
}

impl KeyRow {
    pub(super) fn of(shard: Shard, key: &RecordKey) -> Self {
        Self {
            shard: shard_number(shard),
            kind: key.kind().code(),
            owner: key.owner().uuid(),
            id: key.id().as_str().into(),
        }
    }
}

/// Which records of a kind: those whose owner is one of these.
#[derive(Serialize)]
pub(super) struct RangeRow {
    pub shard: i16,
    pub kind: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub from_owner: Uuid,
    #[serde(serialize_with = "hex_bytes")]
    pub to_owner: Uuid,
}

/// Splits what is wanted into single records and ranges of them.
pub(super) fn split_wants(wants: &[(Shard, RecordWant)]) -> (Vec<KeyRow>, Vec<RangeRow>) {
    let (mut keys, mut ranges) = (Vec::new(), Vec::new());
    for (shard, want) in wants {
        let mut range = |kind: RecordKind, from_owner, to_owner| {
            ranges.push(RangeRow { shard: shard_number(*shard), kind: kind.code(), from_owner, to_owner });
        };
        match want {
            RecordWant::One(key) => keys.push(KeyRow::of(*shard, key)),
            RecordWant::Owned(kind, owner) => range(*kind, owner.uuid(), owner.uuid()),
            RecordWant::Kind(kind) => range(*kind, Uuid::nil(), Uuid::max()),
        }
    }
    (keys, ranges)
}

/// What the statement of a page takes.
pub(super) struct PageOfRecords<'a> {
    pub shard: i16,
    pub kind: i16,
    pub after_owner: Uuid,
    pub after_id: &'a str,
    pub last_owner: Uuid,
    pub limit: i64,
}

impl<'a> PageOfRecords<'a> {
    pub(super) fn of(query: &'a RecordQuery) -> Self {
        // No id is empty, so that the empty one stands before all of an owner.
        let first = (query.owner.map_or(Uuid::nil(), ResellerId::uuid), "");
        let after = query.after.as_ref().map_or(first, |(owner, id)| (owner.uuid(), id.as_str()));
        let (after_owner, after_id) = first.max(after);
        Self {
            shard: shard_number(query.shard),
            kind: query.kind.code(),
            after_owner,
            after_id,
            last_owner: query.owner.map_or(Uuid::max(), ResellerId::uuid),
            limit: i64::from(query.limit),
        }
    }
}
