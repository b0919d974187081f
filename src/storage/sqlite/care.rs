//! What customer care asks.

use async_trait::async_trait;
use serde::Serialize;
use uuid::Uuid;

use super::error::store_error;
use super::{SqliteStore, json, sql};
use crate::domain::{OperationId, Shard, WebhookId};
use crate::ports::{Attempt, CareReads, StoreError, Window};
use crate::storage::rows::shard_number;
use crate::storage::webhook_rows::ToldRow;

#[derive(Serialize)]
struct Looked {
    behind: i64,
    up_to: i64,
}

#[async_trait]
impl CareReads for SqliteStore {
    async fn entries_about(&self, shard: Shard, subjects: &[Uuid], windows: &[Window]) -> Result<Vec<i64>, StoreError> {
        let windows: Vec<_> = windows.iter().map(|(behind, up_to)| Looked { behind: *behind, up_to: *up_to }).collect();
        let query = sqlx::query_scalar(sql::CARE_ENTRIES)
            .bind(shard_number(shard))
            .bind(json::uuids(subjects.iter().copied())?)
            .bind(json::array(&windows)?);
        query.fetch_all(&self.reads).await.map_err(store_error)
    }

    async fn states_of(&self, shard: Shard, operations: &[OperationId]) -> Result<Vec<i64>, StoreError> {
        let ids = json::uuids(operations.iter().map(|id| id.uuid()))?;
        let query = sqlx::query_scalar(sql::CARE_STATES).bind(shard_number(shard)).bind(ids);
        query.fetch_all(&self.reads).await.map_err(store_error)
    }

    async fn attempts_of(&self, shard: Shard, sequences: &[i64]) -> Result<Vec<(WebhookId, Attempt)>, StoreError> {
        let query = sqlx::query_as(sql::WEBHOOK_ATTEMPTS_OF).bind(shard_number(shard)).bind(json::array(sequences)?);
        ToldRow::read_all(query.fetch_all(&self.reads).await.map_err(store_error)?)
    }
}
