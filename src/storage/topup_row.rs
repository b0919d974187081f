//! Top-ups, their refunds, and reversals: the states that their steps left, as rows beside their operations.

use serde::Serialize;
use uuid::Uuid;

use super::operation_row::StoredOperation;
use super::rows::{corrupt, hex_bytes, hex_optional, shard_number};
use crate::domain::{CardPayment, Details, Operation, OperationId, Reversal, Topup, TopupRefund};
use crate::ports::StoreError;

#[derive(Clone, Serialize, sqlx::FromRow, sqlx::Type)]
#[sqlx(type_name = "topup_state")]
pub(super) struct TopupRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub id: Uuid,
    /// Of the journal entry that brought the operation here.
    pub sequence: i64,
    pub acquirer: Option<String>,
    pub reference: Option<String>,
    pub content: String,
    /// Of a refund, the top-up that it is of; of a reversal, the recharge.
    #[sqlx(skip)]
    #[serde(serialize_with = "hex_optional")]
    pub topup: Option<Uuid>,
}

impl TopupRow {
    /// The row of an operation, where it has one.
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        // A refund is not found by the acquirer's own id of it, which may be that of another payment.
        let (acquirer, reference, content, of) = match &operation.details {
            Details::Topup(topup) => {
                let CardPayment { acquirer, reference, .. } = &topup.payment;
                (acquirer.as_deref(), reference.as_deref(), serde_json::to_string(topup), None)
            }
            Details::Refund(refund) => {
                (refund.acquirer.as_deref(), None, serde_json::to_string(refund), refund.topup().ok())
            }
            Details::Reversal(reversal) => (None, None, serde_json::to_string(reversal), reversal.recharge().ok()),
            _ => return None,
        };
        Some(Self {
            shard: shard_number(operation.id.shard()),
            id: operation.id.uuid(),
            sequence: operation.last_sequence,
            acquirer: acquirer.map(Into::into),
            reference: reference.map(Into::into),
            content: content.expect("it is made of texts and numbers"),
            topup: of.map(OperationId::uuid),
        })
    }

    pub(super) fn read_refund(&self) -> Result<TopupRefund, StoreError> {
        serde_json::from_str(&self.content).map_err(|_| corrupt("topup_state.content"))
    }

    pub(super) fn read_reversal(&self) -> Result<Reversal, StoreError> {
        serde_json::from_str(&self.content).map_err(|_| corrupt("topup_state.content"))
    }

    pub(super) fn read(&self) -> Result<Topup, StoreError> {
        serde_json::from_str(&self.content).map_err(|_| corrupt("topup_state.content"))
    }
}

/// The state that an operation's row means.
#[derive(Serialize)]
pub(super) struct TopupKey {
    shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    id: Uuid,
    sequence: i64,
}

impl TopupKey {
    pub(super) fn of(stored: &StoredOperation) -> Self {
        Self { shard: stored.row.shard, id: stored.row.id, sequence: stored.row.last_sequence }
    }
}

/// A top-up that is not at its end.
#[derive(Serialize, sqlx::Type)]
#[sqlx(type_name = "topup_open")]
pub(super) struct OpenTopupRow {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub id: Uuid,
}

impl OpenTopupRow {
    pub(super) fn of(operation: &Operation) -> Self {
        Self { shard: shard_number(operation.id.shard()), id: operation.id.uuid() }
    }
}
