//! What verification reads: one short snapshot, which in WAL mode begins with the first read, then pages of what
//! never changes.

use async_trait::async_trait;

use super::beside::complete;
use super::error::store_error;
use super::{SqliteStore, json, sql};
use crate::domain::encoding::Hash;
use crate::domain::{AccountNumber, CaseNumbers, OperationId, Record, RecordKind, SettledLine, SettlementId, Shard};
use crate::ledger::Head;
use crate::ports::{
    AuditReader, AuditedEntry, AuditedMovement, Client, LineState, MovementPlace, Reads as _, RecordQuery, Registry,
    Snapshot, StockReads as _, StoreError,
};
use crate::storage::audit_rows::{AuditedReseller, AuditedRow, StrayPlaceRow, read_entries};
use crate::storage::care_rows::CaseNumberRow;
use crate::storage::movements::{AuditedMovementRow, SUBSCRIBER, read_cursors};
use crate::storage::record_row::RecordRow;
use crate::storage::rows::{AccountRow, HeadRow, HoldRow, shard_number};
use crate::storage::settlement_row::StoredLine;

#[async_trait]
impl AuditReader for SqliteStore {
    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut transaction = self.reads.begin_with("BEGIN").await.map_err(store_error)?;
        let heads: Vec<HeadRow> =
            sqlx::query_as(sql::AUDIT_HEADS).fetch_all(&mut *transaction).await.map_err(store_error)?;
        let accounts: Vec<AccountRow> =
            sqlx::query_as(sql::AUDIT_ACCOUNTS).fetch_all(&mut *transaction).await.map_err(store_error)?;
        let holds: Vec<HoldRow> =
            sqlx::query_as(sql::AUDIT_HOLDS).fetch_all(&mut *transaction).await.map_err(store_error)?;
        let resellers: Vec<AuditedReseller> =
            sqlx::query_as(sql::AUDIT_RESELLERS).fetch_all(&mut *transaction).await.map_err(store_error)?;
        let records: Vec<RecordRow> =
            sqlx::query_as(sql::AUDIT_RECORDS).fetch_all(&mut *transaction).await.map_err(store_error)?;
        let stray_place: Option<StrayPlaceRow> =
            sqlx::query_as(sql::AUDIT_PLACES).fetch_optional(&mut *transaction).await.map_err(store_error)?;
        transaction.rollback().await.map_err(store_error)?;
        Ok(Snapshot {
            heads: heads.into_iter().map(Head::try_from).collect::<Result<_, _>>()?,
            accounts: accounts.into_iter().map(AccountRow::read).collect::<Result<_, _>>()?,
            holds: holds.into_iter().map(HoldRow::read).collect::<Result<_, _>>()?,
            resellers: resellers.into_iter().map(AuditedReseller::read).collect::<Result<_, _>>()?,
            records: RecordRow::read_all(records)?,
            stray_place: stray_place.map(StrayPlaceRow::read),
        })
    }

    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let heads: Vec<HeadRow> = sqlx::query_as(sql::AUDIT_HEADS).fetch_all(&self.reads).await.map_err(store_error)?;
        heads.into_iter().map(Head::try_from).collect()
    }

    async fn entries(&self, shard: Shard, after: i64, up_to: i64, limit: u32) -> Result<Vec<AuditedEntry>, StoreError> {
        let query = sqlx::query_as::<_, AuditedRow>(sql::AUDIT_ENTRIES)
            .bind(shard_number(shard))
            .bind(after)
            .bind(up_to)
            .bind(i64::from(limit));
        let mut connection = self.reads.acquire().await.map_err(store_error)?;
        let mut entries = query.fetch_all(&mut *connection).await.map_err(store_error)?;
        complete(&mut connection, entries.iter_mut().filter_map(AuditedRow::operation_mut)).await?;
        let Some(last) = entries.last().map(AuditedRow::sequence) else {
            return Ok(Vec::new());
        };
        let query = sqlx::query_as(sql::AUDIT_POSTINGS).bind(shard_number(shard)).bind(after).bind(last);
        let postings = query.fetch_all(&self.reads).await.map_err(store_error)?;
        let query = sqlx::query_as(sql::AUDIT_STAFF_ACTIONS).bind(shard_number(shard)).bind(after).bind(last);
        let actions = query.fetch_all(&self.reads).await.map_err(store_error)?;
        let query = sqlx::query_as(sql::AUDIT_EVIDENCE).bind(shard_number(shard)).bind(after).bind(last);
        let evidence = query.fetch_all(&self.reads).await.map_err(store_error)?;
        read_entries(shard, entries, postings, actions, evidence)
    }

    async fn clients(&self) -> Result<(Vec<Record>, Vec<Client>), StoreError> {
        let (kind, limit) = (RecordKind::Client, u32::MAX);
        let query = RecordQuery { shard: Shard::OPERATOR, kind, owner: None, after: None, limit };
        let records = self.records(&query).await?;
        Ok((records, Registry::clients(self).await?))
    }

    async fn count_operations(&self, shard: Shard, up_to: i64) -> Result<i64, StoreError> {
        let query = sqlx::query_scalar(sql::AUDIT_COUNT_OPERATIONS).bind(shard_number(shard)).bind(up_to);
        query.fetch_one(&self.reads).await.map_err(store_error)
    }

    async fn stray_staff_action(&self, shard: Shard) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar(sql::AUDIT_STRAY_STAFF_ACTION).bind(shard_number(shard));
        let found: Option<i64> = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        Ok(found.map(|sequence| format!("staff action of entry {sequence}")))
    }

    async fn stray_evidence(&self, shard: Shard) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar(sql::AUDIT_STRAY_EVIDENCE).bind(shard_number(shard));
        let found: Option<i64> = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        Ok(found.map(|sequence| format!("item of evidence of entry {sequence}")))
    }

    async fn runs(&self, shard: Shard, after: OperationId, limit: u32) -> Result<Vec<OperationId>, StoreError> {
        let query = sqlx::query_scalar::<_, uuid::Uuid>(sql::ALL_RUNS)
            .bind(shard_number(shard))
            .bind(after.uuid())
            .bind(i64::from(limit));
        let ids = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(ids.into_iter().map(OperationId::from_uuid).collect())
    }

    async fn lines_of_run(&self, run: OperationId, after: i64, limit: u32) -> Result<Vec<LineState>, StoreError> {
        self.run_lines(run, after, limit, false).await
    }

    async fn settled_lines(&self, file: SettlementId, after: i64, limit: u32) -> Result<Vec<SettledLine>, StoreError> {
        let query = sqlx::query_as::<_, StoredLine>(sql::SETTLEMENT_LINES_OF_FILE)
            .bind(shard_number(Shard::OPERATOR))
            .bind(file.uuid())
            .bind(after)
            .bind(i64::from(limit));
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(|row| row.read().map(|item| item.line)).collect()
    }

    async fn written_movements(&self) -> Result<Vec<(Shard, i64)>, StoreError> {
        let query = sqlx::query_as(sql::AUDIT_CURSORS).bind(SUBSCRIBER);
        read_cursors(query.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn movements(
        &self,
        shard: Shard,
        (account, place): (AccountNumber, MovementPlace),
        limit: u32,
    ) -> Result<Vec<AuditedMovement>, StoreError> {
        let query = sqlx::query_as::<_, AuditedMovementRow>(sql::AUDIT_MOVEMENTS)
            .bind(shard_number(shard))
            .bind(account.0)
            .bind(place.sequence)
            .bind(place.line)
            .bind(i64::from(limit));
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        Ok(rows.into_iter().map(AuditedMovement::from).collect())
    }

    async fn stray_posting(&self, shard: Shard, up_to: i64) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_as(sql::AUDIT_STRAY_POSTING).bind(shard_number(shard)).bind(up_to);
        let found: Option<(i64, i16)> = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        Ok(found.map(|(sequence, line)| format!("posting {sequence}/{line} of shard {shard} has no entry")))
    }

    async fn case_numbers(&self, digests: &[Hash]) -> Result<Vec<(Hash, CaseNumbers)>, StoreError> {
        let query =
            sqlx::query_as(sql::CASE_NUMBERS).bind(json::array(&digests.iter().map(hex::encode).collect::<Vec<_>>())?);
        CaseNumberRow::read_all(query.fetch_all(&self.reads).await.map_err(store_error)?)
    }

    async fn stray_operation(&self, shard: Shard, up_to: i64) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_as(sql::AUDIT_STRAY_OPERATION).bind(shard_number(shard)).bind(up_to);
        let found: Option<(uuid::Uuid, i64)> = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        Ok(found.map(|(id, sequence)| {
            format!("operation {id} of shard {shard} names entry {sequence}, which is not its own")
        }))
    }
}
