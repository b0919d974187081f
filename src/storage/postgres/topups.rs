//! What is asked about top-ups.

use async_trait::async_trait;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use uuid::Uuid;

use super::beside::complete;
use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::{Operation, OperationId, ResellerId, Shard, Timestamp};
use crate::ports::{OperationSum, Party, PartyQuery, StoreError, TopupReads};
use crate::storage::bounds::{Page, first_id_since, last_id_before};
use crate::storage::operation_row::{StoredOperation, read_operations, read_sum};
use crate::storage::rows::shard_number;

impl PostgresStore {
    pub(super) async fn complete_operations(
        &self,
        query: QueryAs<'_, Postgres, StoredOperation, PgArguments>,
    ) -> Result<Vec<Operation>, StoreError> {
        let mut connection = self.reads.acquire().await.map_err(store_error)?;
        let mut rows = query.fetch_all(&mut *connection).await.map_err(store_error)?;
        complete(&mut connection, rows.iter_mut()).await?;
        read_operations(rows)
    }
}

#[async_trait]
impl TopupReads for PostgresStore {
    async fn topups(&self, query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        let page = Page::of_party(query);
        let statement = match &query.party {
            Party::Reseller(reseller) => {
                let home = Shard::of(reseller.uuid(), self.shards);
                sqlx::query_as(sql::TOPUPS_OF_RESELLER).bind(shard_number(home)).bind(reseller.uuid())
            }
            Party::Below(roots) => {
                let roots: Vec<Uuid> = roots.iter().map(|root| root.uuid()).collect();
                sqlx::query_as(sql::TOPUPS_BELOW).bind(roots)
            }
        };
        let statement = statement
            .bind(page.first_id)
            .bind(page.before_id)
            .bind(page.created_from_ms)
            .bind(page.created_before_ms)
            .bind(page.status)
            .bind(page.limit);
        self.complete_operations(statement).await
    }

    async fn reversals_below(&self, roots: &[ResellerId], query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        let page = Page::of_party(query);
        let statement = sqlx::query_as(sql::REVERSALS_BELOW)
            .bind(roots.iter().map(|root| root.uuid()).collect::<Vec<Uuid>>())
            .bind(page.first_id)
            .bind(page.before_id)
            .bind(page.created_from_ms)
            .bind(page.created_before_ms)
            .bind(page.status)
            .bind(page.limit);
        self.complete_operations(statement).await
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
            .bind(roots.iter().map(|root| root.uuid()).collect::<Vec<Uuid>>())
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
