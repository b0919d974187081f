//! Cases of customer care.

use async_trait::async_trait;
use uuid::Uuid;

use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::{CaseNumbers, Record, Shard, Timestamp};
use crate::ports::{CaseQuery, CaseStore, StoreError};
use crate::storage::care_rows::PageOfCases;
use crate::storage::record_row::RecordRow;
use crate::storage::rows::{msisdn_column, shard_number};

#[async_trait]
impl CaseStore for PostgresStore {
    async fn keep_numbers(&self, numbers: &CaseNumbers) -> Result<(), StoreError> {
        let query = sqlx::query(sql::CASE_NUMBER_KEEP)
            .bind(numbers.digest().as_slice())
            .bind(numbers.salt.as_slice())
            .bind(numbers.subscriber.map(msisdn_column))
            .bind(msisdn_column(numbers.call_back));
        query.execute(&self.reads).await.map(drop).map_err(store_error)
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
            .bind(query.roots.iter().map(|root| root.uuid()).collect::<Vec<Uuid>>())
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
