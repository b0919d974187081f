//! What customer care asks.

use async_trait::async_trait;
use uuid::Uuid;

use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::{OperationId, Shard, WebhookId};
use crate::ports::{Attempt, CareReads, StoreError, Window};
use crate::storage::rows::shard_number;
use crate::storage::webhook_rows::ToldRow;

#[async_trait]
impl CareReads for PostgresStore {
    async fn entries_about(&self, shard: Shard, subjects: &[Uuid], windows: &[Window]) -> Result<Vec<i64>, StoreError> {
        let (behind, up_to): (Vec<i64>, Vec<i64>) = windows.iter().copied().unzip();
        let query =
            sqlx::query_scalar(sql::CARE_ENTRIES).bind(shard_number(shard)).bind(subjects).bind(behind).bind(up_to);
        query.fetch_all(&self.reads).await.map_err(store_error)
    }

    async fn states_of(&self, shard: Shard, operations: &[OperationId]) -> Result<Vec<i64>, StoreError> {
        let ids: Vec<Uuid> = operations.iter().map(|id| id.uuid()).collect();
        let query = sqlx::query_scalar(sql::CARE_STATES).bind(shard_number(shard)).bind(ids);
        query.fetch_all(&self.reads).await.map_err(store_error)
    }

    async fn attempts_of(&self, shard: Shard, sequences: &[i64]) -> Result<Vec<(WebhookId, Attempt)>, StoreError> {
        let query = sqlx::query_as(sql::WEBHOOK_ATTEMPTS_OF).bind(shard_number(shard)).bind(sequences);
        ToldRow::read_all(query.fetch_all(&self.reads).await.map_err(store_error)?)
    }
}
