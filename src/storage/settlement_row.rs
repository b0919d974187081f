//! Settlement files: their lines as rows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rows::{corrupt, hex_bytes, hex_optional, shard_number};
use crate::domain::records::ReconciliationItem;
use crate::domain::{
    BusinessDay, CardPayment, ItemId, LineState, OperationId, SettledKind, SettledLine, SettlementId, Shard,
};
use crate::ledger::settled::{FileLines, SettledBefore};
use crate::ports::StoreError;
use crate::ports::settlement::{SettlementItem, TopupPayment};

#[derive(Clone, Serialize, sqlx::Type)]
#[sqlx(type_name = "settlement_line")]
pub(super) struct SettlementLineRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub file: Uuid,
    pub number: i64,
    pub acquirer: Arc<str>,
    pub reference: String,
    pub kind: i16,
    pub state: i16,
    #[serde(serialize_with = "hex_optional")]
    pub operation: Option<Uuid>,
    pub gross_minor: i64,
    pub fee_minor: i64,
    pub settled_on: i32,
    pub posted: bool,
    #[serde(serialize_with = "hex_optional")]
    pub key: Option<[u8; 16]>,
    #[serde(serialize_with = "hex_optional")]
    pub paid: Option<Uuid>,
}

impl SettlementLineRow {
    pub(super) fn all_of(shard: Shard, lines: &FileLines) -> impl Iterator<Item = Self> {
        lines.lines.iter().zip(&*lines.keys).map(move |(line, key)| Self {
            shard: shard_number(shard),
            file: lines.file.uuid(),
            number: line.number,
            acquirer: lines.acquirer.clone(),
            reference: line.reference.as_ref().into(),
            kind: line.kind.code(),
            state: line.state.code(),
            operation: line.operation.map(OperationId::uuid),
            gross_minor: line.gross_minor,
            fee_minor: line.fee_minor,
            settled_on: line.settled_on.0,
            posted: line.posted,
            key: line.posted.then_some(*key),
            paid: line.pays().map(OperationId::uuid),
        })
    }
}

/// A line as it is read.
#[derive(sqlx::FromRow)]
pub(super) struct StoredLine {
    file: Uuid,
    number: i64,
    acquirer: String,
    reference: String,
    kind: i16,
    state: i16,
    operation: Option<Uuid>,
    gross_minor: i64,
    fee_minor: i64,
    settled_on: i32,
    posted: bool,
    /// Of a statement that looks for it.
    #[sqlx(default)]
    item: Option<String>,
}

impl StoredLine {
    pub(super) fn read(self) -> Result<SettlementItem, StoreError> {
        let line = SettledLine {
            number: self.number,
            reference: self.reference.into(),
            kind: SettledKind::from_code(self.kind).ok_or_else(|| corrupt("settlement_line.kind"))?,
            state: LineState::from_code(self.state).ok_or_else(|| corrupt("settlement_line.state"))?,
            operation: self.operation.map(OperationId::from_uuid),
            gross_minor: self.gross_minor,
            fee_minor: self.fee_minor,
            settled_on: BusinessDay(self.settled_on),
            posted: self.posted,
        };
        let item = self.item.map(|text| serde_json::from_str(&text).map_err(|_| corrupt("record.content")));
        let (file, item) = (SettlementId::from_uuid(self.file), item.transpose()?);
        Ok(SettlementItem { file, acquirer: self.acquirer.into(), line, item })
    }
}

/// All that is read here of a state of a top-up.
#[derive(Deserialize)]
struct OfTopup {
    payment: CardPayment,
}

/// The payment of a top-up.
#[derive(sqlx::FromRow)]
pub(super) struct PaymentRow {
    id: Uuid,
    content: String,
}

impl PaymentRow {
    pub(super) fn read(self) -> Result<TopupPayment, StoreError> {
        let OfTopup { payment } = serde_json::from_str(&self.content).map_err(|_| corrupt("topup_state.content"))?;
        Ok(TopupPayment { operation: OperationId::from_uuid(self.id), payment })
    }
}

/// Records of items as they are stored.
pub(super) fn read_items(rows: Vec<(String, String)>) -> Result<Vec<(ItemId, ReconciliationItem)>, StoreError> {
    let read = |(id, content): (String, String)| {
        let id = id.parse().map_err(|_| corrupt("record.id"))?;
        Ok((id, serde_json::from_str(&content).map_err(|_| corrupt("record.content"))?))
    };
    rows.into_iter().map(read).collect()
}

/// Keys of lines as they are stored.
pub(super) fn read_keys(rows: Vec<Vec<u8>>) -> Result<Vec<[u8; 16]>, StoreError> {
    let read = |key: Vec<u8>| key.try_into().map_err(|_| corrupt("settlement_line.key"));
    rows.into_iter().map(read).collect()
}

/// What was settled before, as the store found it.
pub(super) fn read_settled(as_of: i64, keys: Vec<Vec<u8>>, payments: Vec<Uuid>) -> Result<SettledBefore, StoreError> {
    let keys = read_keys(keys)?.into_iter().collect();
    let payments = payments.into_iter().map(OperationId::from_uuid).collect();
    Ok(SettledBefore { as_of, keys, payments })
}
