//! What is asked about transfers.

use async_trait::async_trait;

use super::error::store_error;
use super::{SqliteStore, json, sql};
use crate::domain::{Operation, Shard, Timestamp};
use crate::ports::{Party, PartyQuery, StoreError, TransferReads};
use crate::storage::bounds::{Page, newest};
use crate::storage::operation_row::{StoredOperation, read_operations};
use crate::storage::rows::shard_number;

type OperationQuery<'q> = sqlx::query::QueryAs<'q, sqlx::Sqlite, StoredOperation, sqlx::sqlite::SqliteArguments>;

impl SqliteStore {
    async fn transfers_page(&self, query: OperationQuery<'_>, page: Page) -> Result<Vec<Operation>, StoreError> {
        let query = query
            .bind(page.first_id)
            .bind(page.before_id)
            .bind(page.created_from_ms)
            .bind(page.created_before_ms)
            .bind(page.status)
            .bind(page.limit);
        read_operations(query.fetch_all(&self.reads).await.map_err(store_error)?)
    }
}

#[async_trait]
impl TransferReads for SqliteStore {
    async fn transfers(&self, query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        let page = Page::of_party(query);
        let mut found = Vec::new();
        match &query.party {
            Party::Reseller(reseller) => {
                let home = Shard::of(reseller.uuid(), self.shards);
                let sent = sqlx::query_as(sql::TRANSFERS_SENT).bind(shard_number(home)).bind(reseller.uuid());
                found.extend(self.transfers_page(sent, page).await?);
                for shard in Shard::all(self.shards) {
                    let received = sqlx::query_as(sql::TRANSFERS_RECEIVED);
                    found.extend(
                        self.transfers_page(received.bind(shard_number(shard)).bind(reseller.uuid()), page).await?,
                    );
                }
            }
            Party::Below(roots) => {
                let roots = json::reseller_ids(roots)?;
                for shard in Shard::all(self.shards) {
                    let below = sqlx::query_as(sql::TRANSFERS_BELOW).bind(shard_number(shard)).bind(roots.as_str());
                    found.extend(self.transfers_page(below, page).await?);
                }
            }
        }
        found.sort_unstable_by_key(|operation| operation.id);
        // Declined, because a reseller wanted to send to itself, it is found at both ends.
        found.dedup_by_key(|operation| operation.id);
        Ok(newest(found, page.limit, |operation| operation.id))
    }

    async fn overdue_transfers(&self, due_by: Timestamp, limit: u32) -> Result<Vec<Operation>, StoreError> {
        let statement = sqlx::query_as::<_, StoredOperation>(sql::TRANSFERS_OVERDUE);
        let statement = statement.bind(due_by.unix_ms()).bind(i64::from(limit));
        read_operations(statement.fetch_all(&self.reads).await.map_err(store_error)?)
    }
}
