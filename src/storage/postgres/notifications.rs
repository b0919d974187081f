//! What acquirers told by themselves.

use async_trait::async_trait;

use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::{OperationId, Timestamp};
use crate::ports::{KeptNotification, NotificationLog, StoreError};
use crate::storage::notification_row::{NotificationRow, TopupPlace, read_place};

#[async_trait]
impl NotificationLog for PostgresStore {
    async fn keep_notification(&self, kept: &KeptNotification) -> Result<(), StoreError> {
        let query = sqlx::query(sql::NOTIFICATION_KEEP)
            .bind(kept.acquirer.as_ref())
            .bind(kept.key.as_ref())
            .bind(kept.received_at.unix_ms())
            .bind(kept.kind.as_ref())
            .bind(kept.order.as_deref())
            .bind(kept.reference.as_deref())
            .bind(kept.amount_minor)
            .bind(kept.currency.as_deref())
            .bind(kept.digest.as_slice())
            .bind(kept.outcome.name());
        query.execute(&self.reads).await.map(drop).map_err(store_error)
    }

    async fn kept_notifications(&self, limit: u32) -> Result<Vec<KeptNotification>, StoreError> {
        let query = sqlx::query_as::<_, NotificationRow>(sql::NOTIFICATIONS_KEPT).bind(i64::from(limit));
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(KeptNotification::try_from).collect()
    }

    async fn kept_notifications_of(
        &self,
        acquirer: &str,
        before: Option<&(Timestamp, Box<str>)>,
        limit: u32,
    ) -> Result<Vec<KeptNotification>, StoreError> {
        let query = sqlx::query_as::<_, NotificationRow>(sql::NOTIFICATIONS_KEPT_OF)
            .bind(acquirer)
            .bind(before.map_or(i64::MAX, |(at, _)| at.unix_ms()))
            .bind(before.map_or("", |(_, key)| key))
            .bind(i64::from(limit));
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(KeptNotification::try_from).collect()
    }

    async fn topup_of_reference(&self, acquirer: &str, reference: &str) -> Result<Option<OperationId>, StoreError> {
        let query = sqlx::query_as::<_, TopupPlace>(sql::TOPUP_OF_REFERENCE).bind(acquirer).bind(reference);
        Ok(read_place(query.fetch_optional(&self.reads).await.map_err(store_error)?))
    }
}
