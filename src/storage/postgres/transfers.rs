//! What is asked about transfers.

use async_trait::async_trait;
use uuid::Uuid;

use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::{Operation, Timestamp};
use crate::ports::{Party, PartyQuery, StoreError, TransferReads};
use crate::storage::bounds::Page;
use crate::storage::operation_row::{StoredOperation, read_operations};

#[async_trait]
impl TransferReads for PostgresStore {
    async fn transfers(&self, query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        let page = Page::of_party(query);
        let statement = match &query.party {
            Party::Reseller(reseller) => sqlx::query_as(sql::TRANSFERS_OF_RESELLER).bind(reseller.uuid()),
            Party::Below(roots) => {
                let roots: Vec<Uuid> = roots.iter().map(|root| root.uuid()).collect();
                sqlx::query_as(sql::TRANSFERS_BELOW).bind(roots)
            }
        };
        let statement = statement
            .bind(page.first_id)
            .bind(page.before_id)
            .bind(page.created_from_ms)
            .bind(page.created_before_ms)
            .bind(page.status)
            .bind(page.limit);
        read_operations(statement.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn overdue_transfers(&self, due_by: Timestamp, limit: u32) -> Result<Vec<Operation>, StoreError> {
        let statement = sqlx::query_as::<_, StoredOperation>(sql::TRANSFERS_OVERDUE);
        let statement = statement.bind(due_by.unix_ms()).bind(i64::from(limit));
        read_operations(statement.fetch_all(&self.reads).await.map_err(store_error)?)
    }
}
