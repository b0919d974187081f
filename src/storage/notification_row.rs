//! What acquirers told by themselves, as rows.

use uuid::Uuid;

use super::rows::corrupt;
use crate::domain::{OperationId, Timestamp};
use crate::ports::{KeptNotification, NotificationOutcome, StoreError};

#[derive(sqlx::FromRow)]
pub(super) struct NotificationRow {
    acquirer: String,
    key: String,
    received_at: i64,
    times: i64,
    kind: String,
    order_id: Option<String>,
    reference: Option<String>,
    amount_minor: Option<i64>,
    currency: Option<String>,
    digest: Vec<u8>,
    outcome: String,
}

impl TryFrom<NotificationRow> for KeptNotification {
    type Error = StoreError;

    fn try_from(row: NotificationRow) -> Result<Self, StoreError> {
        let outcome = NotificationOutcome::from_name(&row.outcome);
        Ok(Self {
            acquirer: row.acquirer.into(),
            key: row.key.into(),
            received_at: Timestamp::from_unix_ms(row.received_at),
            times: row.times,
            kind: row.kind.into(),
            order: row.order_id.map(Into::into),
            reference: row.reference.map(Into::into),
            amount_minor: row.amount_minor,
            currency: row.currency.map(Into::into),
            digest: row.digest.try_into().map_err(|_| corrupt("acquirer_notification.digest"))?,
            outcome: outcome.ok_or_else(|| corrupt("acquirer_notification.outcome"))?,
        })
    }
}

/// Shard and id of a top-up.
pub(super) type TopupPlace = (i16, Uuid);

pub(super) fn read_place(place: Option<TopupPlace>) -> Option<OperationId> {
    place.map(|(_, id)| OperationId::from_uuid(id))
}
