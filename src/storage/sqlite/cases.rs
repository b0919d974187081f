//! Cases of customer care. Numbers are kept in turn, by the one writer.

use async_trait::async_trait;

use super::error::store_error;
use super::registry::commit;
use super::{SqliteStore, json, sql};
use crate::domain::{CaseNumbers, Record, Shard, Timestamp};
use crate::ports::{CaseQuery, CaseStore, StoreError};
use crate::storage::care_rows::PageOfCases;
use crate::storage::record_row::RecordRow;
use crate::storage::rows::{msisdn_column, shard_number};

#[async_trait]
impl CaseStore for SqliteStore {
    async fn keep_numbers(&self, numbers: &CaseNumbers) -> Result<(), StoreError> {
        let mut connection = self.begin_write().await?;
        let query = sqlx::query(sql::CASE_NUMBER_KEEP)
            .bind(numbers.digest().to_vec())
            .bind(numbers.salt.to_vec())
            .bind(numbers.subscriber.map(msisdn_column))
            .bind(msisdn_column(numbers.call_back));
        query.execute(&mut connection).await.map_err(store_error)?;
        commit(connection).await
    }

    async fn cases(&self, query: &CaseQuery) -> Result<Vec<Record>, StoreError> {
        let page = PageOfCases::of(query);
        let statement = if page.unclosed { sql::CASES_UNCLOSED } else { sql::CASES };
        let rows = sqlx::query_as(statement)
            .bind(shard_number(Shard::OPERATOR))
            .bind(page.before_ms)
            .bind(page.before_id)
            .bind(page.status)
            .bind(page.owner)
            .bind(page.overdue_ms)
            .bind(page.partner)
            .bind(json::reseller_ids(&query.roots)?)
            .bind(page.limit)
            .fetch_all(&self.reads)
            .await
            .map_err(store_error)?;
        Ok(RecordRow::read_all(rows)?.into_iter().map(|(_, record)| record).collect())
    }

    async fn overdue_cases(&self, at: Timestamp) -> Result<i64, StoreError> {
        let query = sqlx::query_scalar(sql::CASES_OVERDUE).bind(shard_number(Shard::OPERATOR)).bind(at.unix_ms());
        query.fetch_one(&self.reads).await.map_err(store_error)
    }
}
