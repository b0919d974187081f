//! Named queries, each a statement of its own from the pool.

use async_trait::async_trait;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use uuid::Uuid;

use super::beside::complete;
use super::error::store_error;
use super::{PostgresStore, installation, sql};
use crate::domain::operation::claim_key;
use crate::domain::{
    Account, AccountClass, AccountNumber, EntryKind, ExternalId, Operation, OperationId, OperationKind, PartnerId,
    Record, RecordKey, Reseller, ResellerId, Shard, Status, Timestamp,
};
use crate::ports::{
    Reads, RechargeQuery, RecordQuery, RecordedAction, RecordedEvidence, Scope, StaffActionQuery, StoreError,
};
use crate::storage::beside::Incomplete;
use crate::storage::bounds::Page;
use crate::storage::evidence_rows::EvidenceRow;
use crate::storage::operation_row::{StoredOperation, read_doubt, read_operations};
use crate::storage::record_row::{KeyRow, PageOfRecords, RecordRow};
use crate::storage::rows::{AccountRow, ResellerRow, msisdn_column, shard_number};
use crate::storage::staff_rows::{StaffActionRow, page_begins};

type OperationQuery<'q> = QueryAs<'q, Postgres, StoredOperation, PgArguments>;

/// The variant of the list's statement, with what it takes before the page bound.
fn list_query(query: &RechargeQuery) -> OperationQuery<'_> {
    let is_open = query.status.is_some_and(Status::is_open);
    let is_declined = query.status == Some(Status::Declined);
    match (&query.scope, query.msisdn) {
        (Scope::Resellers(resellers), msisdn) => {
            let (shards, ids): (Vec<i16>, Vec<Uuid>) =
                resellers.iter().map(|(shard, id)| (shard_number(*shard), id.uuid())).unzip();
            let statement = match msisdn {
                Some(msisdn) => sqlx::query_as(sql::RECHARGES_OF_MSISDN_OF_RESELLERS).bind(msisdn_column(msisdn)),
                None if is_open => sqlx::query_as(sql::RECHARGES_OPEN_OF_RESELLERS),
                None if is_declined => sqlx::query_as(sql::RECHARGES_DECLINED_OF_RESELLERS),
                None => sqlx::query_as(sql::RECHARGES_OF_RESELLERS),
            };
            statement.bind(shards).bind(ids)
        }
        (Scope::Subtrees(roots), msisdn) => {
            let statement = match msisdn {
                Some(msisdn) => sqlx::query_as(sql::RECHARGES_OF_MSISDN_BELOW).bind(msisdn_column(msisdn)),
                None if is_open => sqlx::query_as(sql::RECHARGES_OPEN_BELOW),
                None if is_declined => sqlx::query_as(sql::RECHARGES_DECLINED_BELOW),
                None => sqlx::query_as(sql::RECHARGES_BELOW),
            };
            statement.bind(roots.iter().map(|root| root.uuid()).collect::<Vec<_>>())
        }
    }
}

fn bind_page(query: OperationQuery<'_>, page: Page) -> OperationQuery<'_> {
    query
        .bind(OperationKind::Recharge.code())
        .bind(page.first_id)
        .bind(page.before_id)
        .bind(page.created_from_ms)
        .bind(page.created_before_ms)
        .bind(page.status)
        .bind(page.limit)
}

impl PostgresStore {
    /// An operation with what stands beside it.
    async fn read_one(&self, row: Option<StoredOperation>) -> Result<Option<Operation>, StoreError> {
        let Some(mut row) = row else { return Ok(None) };
        if !Incomplete::of(std::iter::once(&mut row)).is_empty() {
            let mut connection = self.reads.acquire().await.map_err(store_error)?;
            complete(&mut connection, std::iter::once(&mut row)).await?;
        }
        row.try_into().map(Some)
    }
}

#[async_trait]
impl Reads for PostgresStore {
    async fn operation(&self, id: OperationId) -> Result<Option<Operation>, StoreError> {
        let query = sqlx::query_as::<_, StoredOperation>(sql::OPERATION).bind(shard_number(id.shard())).bind(id.uuid());
        self.read_one(query.fetch_optional(&self.reads).await.map_err(store_error)?).await
    }

    async fn operation_by_key(
        &self,
        shard: Shard,
        partner: PartnerId,
        reseller: ResellerId,
        external_id: &ExternalId,
    ) -> Result<Option<Operation>, StoreError> {
        let key = claim_key(partner, reseller, external_id);
        let query = sqlx::query_as::<_, StoredOperation>(sql::OPERATION_BY_KEY).bind(shard_number(shard)).bind(key);
        let found = self.read_one(query.fetch_optional(&self.reads).await.map_err(store_error)?).await?;
        Ok(found.filter(|operation| {
            (operation.partner, operation.reseller, &operation.external_id) == (partner, reseller, external_id)
        }))
    }

    async fn recharges(&self, query: &RechargeQuery) -> Result<Vec<Operation>, StoreError> {
        let statement = bind_page(list_query(query), Page::of(query));
        read_operations(statement.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn reseller_state(&self, shard: Shard, reseller: ResellerId) -> Result<Option<Reseller>, StoreError> {
        let query = sqlx::query_as::<_, ResellerRow>(sql::LOAD_RESELLERS);
        let query = query.bind(vec![shard_number(shard)]).bind(vec![reseller.uuid()]);
        let row = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        Ok(row.map(ResellerRow::read).transpose()?.map(|(_, reseller)| reseller))
    }

    async fn stock(&self, shard: Shard, reseller: ResellerId) -> Result<Option<Account>, StoreError> {
        let query = sqlx::query_as::<_, AccountRow>(sql::STOCK)
            .bind(shard_number(shard))
            .bind(reseller.uuid())
            .bind(AccountClass::ResellerStock.code());
        let row = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        Ok(row.map(AccountRow::read).transpose()?.map(|(_, account)| account))
    }

    async fn due(
        &self,
        due_by: Timestamp,
        after: Option<(Timestamp, OperationId)>,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError> {
        let (after_due_at, after_id) = after.map_or((-1, Uuid::nil()), |(due_at, id)| (due_at.unix_ms(), id.uuid()));
        let query =
            sqlx::query_as(sql::DUE).bind(due_by.unix_ms()).bind(after_due_at).bind(after_id).bind(i64::from(limit));
        read_operations(query.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn doubt(&self, due_by: Timestamp) -> Result<(i64, Option<Timestamp>), StoreError> {
        let query = sqlx::query_as(sql::DOUBT).bind(due_by.unix_ms());
        query.fetch_one(&self.reads).await.map(read_doubt).map_err(store_error)
    }

    async fn accrued(&self, shard: Shard, after: AccountNumber, limit: u32) -> Result<Vec<Account>, StoreError> {
        let query = sqlx::query_as::<_, AccountRow>(sql::ACCRUED);
        let query = query.bind(shard_number(shard)).bind(after.0).bind(i64::from(limit));
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(|row| row.read().map(|(_, account)| account)).collect()
    }

    async fn account(&self, shard: Shard, number: AccountNumber) -> Result<Option<Account>, StoreError> {
        let query = sqlx::query_as::<_, AccountRow>(sql::ACCOUNT).bind(shard_number(shard)).bind(number.0);
        let row = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        Ok(row.map(AccountRow::read).transpose()?.map(|(_, account)| account))
    }

    async fn record(&self, shard: Shard, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let key = KeyRow::of(shard, key);
        let query = sqlx::query_as::<_, RecordRow>(sql::RECORD);
        let query = query.bind(key.shard).bind(key.kind).bind(key.owner).bind(key.id);
        let row = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        Ok(row.map(RecordRow::read).transpose()?.map(|(_, record)| record))
    }

    async fn records(&self, query: &RecordQuery) -> Result<Vec<Record>, StoreError> {
        let page = PageOfRecords::of(query);
        let query = sqlx::query_as(sql::RECORDS)
            .bind(page.shard)
            .bind(page.kind)
            .bind(page.after_owner)
            .bind(page.after_id)
            .bind(page.last_owner)
            .bind(page.limit);
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(RecordRow::read_all(rows)?.into_iter().map(|(_, record)| record).collect())
    }

    async fn statements(&self, recharges: &[OperationId]) -> Result<Vec<OperationId>, StoreError> {
        let ids: Vec<uuid::Uuid> = recharges.iter().map(|id| id.uuid()).collect();
        let query = sqlx::query_scalar::<_, uuid::Uuid>(sql::STATEMENTS_OF_RECHARGES);
        let query = query.bind(shard_number(Shard::OPERATOR)).bind(ids);
        let found = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(found.into_iter().map(OperationId::from_uuid).collect())
    }

    async fn contradicted(&self, after: Option<OperationId>, limit: u32) -> Result<Vec<OperationId>, StoreError> {
        let query = sqlx::query_scalar::<_, uuid::Uuid>(sql::CONTRADICTED_RECHARGES)
            .bind(after.map_or(uuid::Uuid::nil(), OperationId::uuid))
            .bind(i64::from(limit));
        let found = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(found.into_iter().map(OperationId::from_uuid).collect())
    }

    async fn evidence(&self, operations: &[OperationId]) -> Result<Vec<RecordedEvidence>, StoreError> {
        let (shards, ids): (Vec<i16>, Vec<uuid::Uuid>) =
            operations.iter().map(|id| (shard_number(id.shard()), id.uuid())).unzip();
        let query = sqlx::query_as(sql::LOAD_EVIDENCE).bind(shards).bind(ids);
        EvidenceRow::read_all(query.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn staff_actions(&self, query: &StaffActionQuery) -> Result<Vec<RecordedAction>, StoreError> {
        let (at, shard, sequence) = page_begins(query);
        let rows = sqlx::query_as(sql::STAFF_ACTIONS)
            .bind(at)
            .bind(shard)
            .bind(sequence)
            .bind(query.from.map_or(0, Timestamp::unix_ms))
            .bind(query.reseller.map(ResellerId::uuid))
            .bind(query.actor.as_deref())
            .bind(query.kind.map(EntryKind::code))
            .bind(query.roots.iter().map(|root| root.uuid()).collect::<Vec<_>>())
            .bind(i64::from(query.limit));
        StaffActionRow::read_all(rows.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn check(&self) -> Result<(), StoreError> {
        let takes_writes: bool =
            sqlx::query_scalar(sql::TAKES_WRITES).fetch_one(&self.reads).await.map_err(store_error)?;
        if !takes_writes {
            return Err(StoreError::Unavailable("the server takes no writes".into()));
        }
        installation(&self.reads).await.map(|_| ())
    }
}
