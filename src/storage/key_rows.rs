//! What the posters look up of past requests, as rows: claimed keys and sales.

use serde::Serialize;
use uuid::Uuid;

use super::rows::{corrupt, hex_bytes, read_at, read_shard, shard_number};
use crate::domain::{Msisdn, Operation, OperationId, ResellerId};
use crate::ports::{Claim, Sales, SalesSince, StoreError};

/// An idempotency key with the operation that holds it.
#[derive(Serialize, sqlx::FromRow, sqlx::Type)]
#[sqlx(type_name = "claim")]
pub(super) struct ClaimRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub key: Vec<u8>,
    #[serde(serialize_with = "hex_bytes")]
    pub operation: Uuid,
}

impl From<&Operation> for ClaimRow {
    fn from(operation: &Operation) -> Self {
        Self {
            shard: shard_number(operation.id.shard()),
            key: operation.key().to_vec(),
            operation: operation.id.uuid(),
        }
    }
}

impl ClaimRow {
    pub(super) fn read(self) -> Result<Claim, StoreError> {
        Ok(Claim {
            shard: read_shard(self.shard)?,
            key: self.key.try_into().map_err(|_| corrupt("claim.key"))?,
            operation: OperationId::from_uuid(self.operation),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct SaleRow {
    reseller: Uuid,
    msisdn: i64,
    amount_minor: i64,
    created_at: i64,
}

/// The answer to a question for which one row more than its limit was asked.
pub(super) fn read_sales(question: SalesSince, rows: Vec<SaleRow>) -> Result<Sales, StoreError> {
    if rows.len() > question.limit as usize {
        return Ok(None);
    }
    let read = |row: SaleRow| {
        let number = u64::try_from(row.msisdn).ok().and_then(Msisdn::from_digits);
        let msisdn = number.ok_or_else(|| corrupt("operation.msisdn"))?;
        Ok(((ResellerId::from_uuid(row.reseller), msisdn, row.amount_minor), read_at(row.created_at)))
    };
    rows.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}
