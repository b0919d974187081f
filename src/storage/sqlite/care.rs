//! What customer care asks.

use async_trait::async_trait;
use serde::Serialize;
use uuid::Uuid;

use super::error::store_error;
use super::{SqliteStore, json, sql};
use crate::domain::{Operation, OperationId, OperationKind, Shard, WebhookId};
use crate::ports::{Attempt, CareReads, MaskedQuery, StoreError, Window};
use crate::storage::bounds::{Page, newest};
use crate::storage::care_rows::{MaskedColumns, roots_of};
use crate::storage::operation_row::read_operations;
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

    async fn recharges_like(&self, query: &MaskedQuery) -> Result<(Vec<Operation>, Option<OperationId>), StoreError> {
        let page = Page::of_party(&query.page);
        let mut down_to: Option<Uuid> = None;
        for shard in Shard::all(self.shards) {
            let end: Option<Uuid> = sqlx::query_scalar(sql::CARE_LOOKED_DOWN_TO)
                .bind(shard_number(shard))
                .bind(page.first_id)
                .bind(page.before_id)
                .bind(i64::from(query.looked_through))
                .fetch_optional(&self.reads)
                .await
                .map_err(store_error)?;
            down_to = down_to.max(end);
        }
        let MaskedColumns { least, most, modulus, remainder } = MaskedColumns::of(&query.number);
        let roots = json::reseller_ids(roots_of(&query.page))?;
        let mut found = Vec::new();
        for shard in Shard::all(self.shards) {
            let rows = sqlx::query_as(sql::CARE_RECHARGES_LIKE)
                .bind(shard_number(shard))
                .bind(roots.as_str())
                .bind(OperationKind::Recharge.code())
                .bind(down_to.unwrap_or(page.first_id))
                .bind(page.before_id)
                .bind(page.created_from_ms)
                .bind(page.created_before_ms)
                .bind(least)
                .bind(most)
                .bind(modulus)
                .bind(remainder)
                .bind(page.limit)
                .fetch_all(&self.reads)
                .await
                .map_err(store_error)?;
            found.extend(read_operations(rows)?);
        }
        Ok((newest(found, page.limit, |operation| operation.id), down_to.map(OperationId::from_uuid)))
    }
}
