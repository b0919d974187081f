//! Named queries about stock.

use async_trait::async_trait;
use uuid::Uuid;

use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::{OperationId, Status, Timestamp};
use crate::ports::{StockReads, StoreError};

#[async_trait]
impl StockReads for PostgresStore {
    async fn overdue_proposals(&self, due_by: Timestamp, limit: u32) -> Result<Vec<OperationId>, StoreError> {
        let query = sqlx::query_scalar::<_, Uuid>(sql::OVERDUE_PROPOSALS)
            .bind(due_by.unix_ms())
            .bind(Status::PendingApproval.code())
            .bind(i64::from(limit));
        let ids = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(ids.into_iter().map(OperationId::from_uuid).collect())
    }
}
