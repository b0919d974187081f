//! What is asked about settlement files.

use async_trait::async_trait;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryScalar;
use uuid::Uuid;

use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::records::ReconciliationItem;
use crate::domain::{BusinessDay, ItemId, LineState, Operation, OperationId, SettlementId, Shard};
use crate::ledger::settled::SettledBefore;
use crate::ports::settlement::{ItemQuery, ItemStatus, SettlementItem, SettlementReads, TopupPayment, UnsettledQuery};
use crate::ports::{SettledWants, StoreError};
use crate::storage::bounds::{first_id_since, last_id_before};
use crate::storage::rows::shard_number;
use crate::storage::settlement_row::{PaymentRow, StoredLine, read_items, read_settled};

pub(super) fn settled_keys(wanted: &SettledWants) -> QueryScalar<'_, Postgres, Vec<u8>, PgArguments> {
    let keys: Vec<&[u8]> = wanted.keys.iter().map(<[u8; 16]>::as_slice).collect();
    sqlx::query_scalar(sql::LOAD_SETTLED_KEYS).bind(shard_number(Shard::OPERATOR)).bind(keys)
}

pub(super) fn settled_payments(wanted: &SettledWants) -> QueryScalar<'_, Postgres, Uuid, PgArguments> {
    let ids: Vec<Uuid> = wanted.payments.iter().map(|id| id.uuid()).collect();
    sqlx::query_scalar(sql::LOAD_SETTLED_PAYMENTS).bind(shard_number(Shard::OPERATOR)).bind(ids)
}

#[async_trait]
impl SettlementReads for PostgresStore {
    async fn settled_before(&self, wanted: &SettledWants) -> Result<SettledBefore, StoreError> {
        // First how far the journal is: what is found afterwards may be newer, never older.
        let last = sqlx::query_scalar(sql::SHARD_SEQUENCE).bind(shard_number(Shard::OPERATOR));
        let as_of = last.fetch_one(&self.reads).await.map_err(store_error)?;
        let keys = settled_keys(wanted).fetch_all(&self.reads).await.map_err(store_error)?;
        let payments = settled_payments(wanted).fetch_all(&self.reads).await.map_err(store_error)?;
        read_settled(as_of, keys, payments)
    }

    async fn topup_payments(&self, ids: &[OperationId]) -> Result<Vec<TopupPayment>, StoreError> {
        let (shards, ids): (Vec<i16>, Vec<Uuid>) = ids.iter().map(|id| (shard_number(id.shard()), id.uuid())).unzip();
        let query = sqlx::query_as::<_, PaymentRow>(sql::TOPUP_PAYMENTS).bind(shards).bind(ids);
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(PaymentRow::read).collect()
    }

    async fn topups_of_references(
        &self,
        acquirer: &str,
        references: &[&str],
    ) -> Result<Vec<(Box<str>, OperationId)>, StoreError> {
        let query = sqlx::query_as::<_, (String, Uuid)>(sql::TOPUPS_OF_REFERENCES).bind(acquirer).bind(references);
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(rows.into_iter().map(|(reference, id)| (reference.into(), OperationId::from_uuid(id))).collect())
    }

    async fn settlement_line(&self, file: SettlementId, number: i64) -> Result<Option<SettlementItem>, StoreError> {
        let query = sqlx::query_as::<_, StoredLine>(sql::SETTLEMENT_LINE)
            .bind(shard_number(Shard::OPERATOR))
            .bind(file.uuid())
            .bind(number);
        let row = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        row.map(StoredLine::read).transpose()
    }

    async fn item_records(&self, items: &[ItemId]) -> Result<Vec<(ItemId, ReconciliationItem)>, StoreError> {
        let ids: Vec<String> = items.iter().map(ToString::to_string).collect();
        let query =
            sqlx::query_as::<_, (String, String)>(sql::ITEM_RECORDS).bind(shard_number(Shard::OPERATOR)).bind(ids);
        read_items(query.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn settlement_items(&self, query: &ItemQuery) -> Result<Vec<SettlementItem>, StoreError> {
        let (day, file, number) =
            query.after.unwrap_or((BusinessDay(i32::MIN), SettlementId::from_uuid(Uuid::nil()), 0));
        let statement = sqlx::query_as::<_, StoredLine>(sql::SETTLEMENT_ITEMS)
            .bind(shard_number(Shard::OPERATOR))
            .bind(day.0)
            .bind(file.uuid())
            .bind(number)
            .bind(query.state.map(LineState::code))
            .bind(i64::from(query.limit))
            .bind(query.before.0)
            .bind(query.owner.map(|owner| owner.to_string()))
            .bind(query.status.map(ItemStatus::name));
        let rows = statement.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(StoredLine::read).collect()
    }

    async fn recharges_of_references(&self, references: &[i64]) -> Result<Vec<Operation>, StoreError> {
        let statement = sqlx::query_as(sql::RECHARGES_OF_REFERENCES).bind(references.to_vec());
        self.complete_operations(statement).await
    }

    async fn unrecorded_recharges(&self, query: &UnsettledQuery) -> Result<Vec<Operation>, StoreError> {
        self.without_line(sql::UNRECORDED_RECHARGES, query).await
    }

    async fn unsettled_topups(&self, query: &UnsettledQuery) -> Result<Vec<Operation>, StoreError> {
        self.without_line(sql::UNSETTLED_TOPUPS, query).await
    }
}

impl PostgresStore {
    /// A page of operations that a statement finds without a line.
    async fn without_line(&self, text: &'static str, query: &UnsettledQuery) -> Result<Vec<Operation>, StoreError> {
        let after = query.after.map_or_else(|| first_id_since(query.from), OperationId::uuid);
        let statement = sqlx::query_as(text)
            .bind(after)
            .bind(last_id_before(query.to))
            .bind(query.from.unix_ms())
            .bind(query.to.unix_ms())
            .bind(i64::from(query.limit));
        self.complete_operations(statement).await
    }
}
