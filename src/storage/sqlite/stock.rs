//! Named queries about stock.

use async_trait::async_trait;
use uuid::Uuid;

use super::error::store_error;
use super::{SqliteStore, json, sql};
use crate::domain::{AccountClass, AccountNumber, OperationId, ResellerId, RunTotals, Shard, Status, Timestamp};
use crate::ports::{LineState, ReceiverStock, StockReads, StoreError};
use crate::storage::allocation_rows::{LineStateRow, ReceiverStockRow};
use crate::storage::rows::{AccountRow, corrupt, shard_number};

#[async_trait]
impl StockReads for SqliteStore {
    async fn overdue_proposals(&self, due_by: Timestamp, limit: u32) -> Result<Vec<OperationId>, StoreError> {
        let query = sqlx::query_scalar::<_, Uuid>(sql::OVERDUE_PROPOSALS)
            .bind(due_by.unix_ms())
            .bind(Status::PendingApproval.code())
            .bind(i64::from(limit));
        let ids = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(ids.into_iter().map(OperationId::from_uuid).collect())
    }

    async fn running_runs(&self) -> Result<Vec<OperationId>, StoreError> {
        let query = sqlx::query_scalar::<_, Uuid>(sql::RUNNING_RUNS);
        let ids = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(ids.into_iter().map(OperationId::from_uuid).collect())
    }

    async fn run_lines(
        &self,
        run: OperationId,
        after: i64,
        limit: u32,
        only_open: bool,
    ) -> Result<Vec<LineState>, StoreError> {
        let query = sqlx::query_as::<_, LineStateRow>(sql::RUN_LINES)
            .bind(shard_number(run.shard()))
            .bind(run.uuid())
            .bind(after)
            .bind(i64::from(limit))
            .bind(only_open);
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(LineStateRow::read).collect()
    }

    async fn run_progress(&self, run: OperationId) -> Result<RunTotals, StoreError> {
        let query = sqlx::query_as(sql::RUN_PROGRESS)
            .bind(shard_number(run.shard()))
            .bind(run.uuid())
            .bind(Status::Completed.code());
        let (done, refused, amount_minor) = query.fetch_one(&self.reads).await.map_err(store_error)?;
        Ok(RunTotals { done, refused, amount_minor })
    }

    async fn receivers(
        &self,
        codes: &[&str],
        ids: &[ResellerId],
        roots: &[ResellerId],
    ) -> Result<Vec<(ResellerId, String)>, StoreError> {
        let query = sqlx::query_as(sql::RUN_RECEIVERS)
            .bind(json::array(codes)?)
            .bind(json::reseller_ids(ids)?)
            .bind(json::reseller_ids(roots)?);
        let rows: Vec<(Uuid, String)> = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(rows.into_iter().map(|(id, code)| (ResellerId::from_uuid(id), code)).collect())
    }

    async fn tops(&self) -> Result<Vec<ResellerId>, StoreError> {
        let query = sqlx::query_scalar::<_, Uuid>(sql::NETWORK_TOPS);
        let ids = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(ids.into_iter().map(ResellerId::from_uuid).collect())
    }

    async fn stocks(&self, resellers: &[(Shard, ResellerId)]) -> Result<Vec<ReceiverStock>, StoreError> {
        let keys = json::reseller_keys(resellers)?;
        let query = sqlx::query_as::<_, ReceiverStockRow>(sql::RUN_STOCKS).bind(keys);
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(ReceiverStockRow::read).collect()
    }

    async fn operator_stock(&self) -> Result<i64, StoreError> {
        let query = sqlx::query_as::<_, AccountRow>(sql::LOAD_SYSTEM_ACCOUNTS)
            .bind(json::shards([Shard::OPERATOR])?)
            .bind(AccountNumber::FIRST_OWN.0);
        for row in query.fetch_all(&self.reads).await.map_err(store_error)? {
            let (_, account) = row.read()?;
            if account.class == AccountClass::OperatorStock {
                return Ok(account.available());
            }
        }
        Err(corrupt("account.class"))
    }
}
