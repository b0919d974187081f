//! What customer care asks.

use async_trait::async_trait;
use uuid::Uuid;

use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::{Operation, OperationId, OperationKind, Shard, WebhookId};
use crate::ports::{Attempt, CareReads, MaskedQuery, StoreError, Window};
use crate::storage::bounds::Page;
use crate::storage::care_rows::{MaskedColumns, roots_of};
use crate::storage::operation_row::read_operations;
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

    async fn recharges_like(&self, query: &MaskedQuery) -> Result<(Vec<Operation>, Option<OperationId>), StoreError> {
        let page = Page::of_party(&query.page);
        let down_to: Option<Uuid> = sqlx::query_scalar(sql::CARE_LOOKED_DOWN_TO)
            .bind(page.first_id)
            .bind(page.before_id)
            .bind(i64::from(query.looked_through))
            .fetch_optional(&self.reads)
            .await
            .map_err(store_error)?;
        let MaskedColumns { least, most, modulus, remainder } = MaskedColumns::of(&query.number);
        let rows = sqlx::query_as(sql::CARE_RECHARGES_LIKE)
            .bind(roots_of(&query.page).iter().map(|root| root.uuid()).collect::<Vec<_>>())
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
        Ok((read_operations(rows)?, down_to.map(OperationId::from_uuid)))
    }
}
