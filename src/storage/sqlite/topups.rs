//! What is asked about top-ups.

use async_trait::async_trait;
use sqlx::Sqlite;
use sqlx::query::QueryAs;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

use super::beside::complete;
use super::error::store_error;
use super::{SqliteStore, json, sql};
use crate::domain::{Operation, OperationId, ResellerId, Shard, Timestamp};
use crate::ports::{OperationSum, Party, PartyQuery, StoreError, TopupReads};
use crate::storage::bounds::{Page, first_id_since, last_id_before, newest};
use crate::storage::operation_row::{StoredOperation, read_operations, read_sum};
use crate::storage::rows::shard_number;

type OperationQuery<'q> = QueryAs<'q, Sqlite, StoredOperation, SqliteArguments>;

impl SqliteStore {
    pub(super) async fn complete_operations(&self, query: OperationQuery<'_>) -> Result<Vec<Operation>, StoreError> {
        let mut connection = self.reads.acquire().await.map_err(store_error)?;
        let mut rows = query.fetch_all(&mut *connection).await.map_err(store_error)?;
        complete(&mut connection, rows.iter_mut()).await?;
        read_operations(rows)
    }

    async fn topups_page(&self, query: OperationQuery<'_>, page: Page) -> Result<Vec<Operation>, StoreError> {
        let query = query
            .bind(page.first_id)
            .bind(page.before_id)
            .bind(page.created_from_ms)
            .bind(page.created_before_ms)
            .bind(page.status)
            .bind(page.limit);
        self.complete_operations(query).await
    }
}

#[async_trait]
impl TopupReads for SqliteStore {
    async fn topups(&self, query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        let page = Page::of_party(query);
        match &query.party {
            Party::Reseller(reseller) => {
                let home = Shard::of(reseller.uuid(), self.shards);
                let statement = sqlx::query_as(sql::TOPUPS_OF_RESELLER);
                self.topups_page(statement.bind(shard_number(home)).bind(reseller.uuid()), page).await
            }
            Party::Below(roots) => {
                let roots = json::reseller_ids(roots)?;
                let mut found = Vec::new();
                for shard in Shard::all(self.shards) {
                    let below = sqlx::query_as(sql::TOPUPS_BELOW).bind(shard_number(shard)).bind(roots.as_str());
                    found.extend(self.topups_page(below, page).await?);
                }
                Ok(newest(found, page.limit, |operation| operation.id))
            }
        }
    }

    async fn reversals_below(&self, roots: &[ResellerId], query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        let (page, roots) = (Page::of_party(query), json::reseller_ids(roots)?);
        let mut found = Vec::new();
        for shard in Shard::all(self.shards) {
            let below = sqlx::query_as(sql::REVERSALS_BELOW).bind(shard_number(shard)).bind(roots.as_str());
            found.extend(self.topups_page(below, page).await?);
        }
        Ok(newest(found, page.limit, |operation| operation.id))
    }

    async fn refunds(
        &self,
        topup: OperationId,
        before: Option<OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError> {
        let before = before.map_or(Uuid::max(), OperationId::uuid);
        let statement = sqlx::query_as(sql::REFUNDS_OF_TOPUP)
            .bind(shard_number(topup.shard()))
            .bind(topup.uuid())
            .bind(before)
            .bind(i64::from(limit));
        self.complete_operations(statement).await
    }

    async fn sums_below(
        &self,
        roots: &[ResellerId],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<OperationSum>, StoreError> {
        let query = sqlx::query_as::<_, (i16, i16, i64, i64)>(sql::SUMS_BELOW)
            .bind(json::reseller_ids(roots)?)
            .bind(first_id_since(from))
            .bind(last_id_before(to))
            .bind(from.unix_ms())
            .bind(to.unix_ms());
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(read_sum).collect()
    }

    async fn open_topups(&self, after: OperationId, limit: u32) -> Result<Vec<Operation>, StoreError> {
        let statement = sqlx::query_as(sql::TOPUPS_OPEN).bind(after.uuid()).bind(i64::from(limit));
        self.complete_operations(statement).await
    }

    async fn open_reversals(&self, after: OperationId, limit: u32) -> Result<Vec<Operation>, StoreError> {
        let statement = sqlx::query_as(sql::REVERSALS_OPEN).bind(after.uuid()).bind(i64::from(limit));
        self.complete_operations(statement).await
    }
}
