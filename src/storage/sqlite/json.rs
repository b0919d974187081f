//! Rows travel to SQLite as one JSON array per statement, read by `json_each`; bytes as hexadecimal digits.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::{ResellerId, Shard};
use crate::ports::StoreError;
use crate::storage::rows::{hex_bytes, shard_number};

pub(super) fn array<T: Serialize>(rows: &[T]) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|error| StoreError::Refused(error.to_string()))
}

/// A list of shards.
pub(super) fn shards(shards: impl IntoIterator<Item = Shard>) -> Result<String, StoreError> {
    array(&shards.into_iter().map(shard_number).collect::<Vec<_>>())
}

#[derive(Serialize)]
struct ResellerKey {
    shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    reseller: Uuid,
}

/// A list of resellers with their shards.
pub(super) fn reseller_keys(resellers: &[(Shard, ResellerId)]) -> Result<String, StoreError> {
    let key = |(shard, id): &(Shard, ResellerId)| ResellerKey { shard: shard_number(*shard), reseller: id.uuid() };
    array(&resellers.iter().map(key).collect::<Vec<_>>())
}

#[derive(Serialize)]
struct OperationKey {
    shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    id: Uuid,
}

/// A list of operations with their shards.
pub(super) fn operation_keys(keys: impl Iterator<Item = (i16, Uuid)>) -> Result<String, StoreError> {
    array(&keys.map(|(shard, id)| OperationKey { shard, id }).collect::<Vec<_>>())
}

/// A list of ids.
pub(super) fn uuids(ids: impl Iterator<Item = Uuid>) -> Result<String, StoreError> {
    array(&ids.map(hex::encode).collect::<Vec<_>>())
}

/// A list of ids of resellers.
pub(super) fn reseller_ids(resellers: &[ResellerId]) -> Result<String, StoreError> {
    uuids(resellers.iter().map(|id| id.uuid()))
}
