//! The poster's transaction on the one writer. Cost of a batch: BEGIN IMMEDIATE, which waits for another writer,
//! the heads, up to six loads when nothing is in memory, the holders of keys that may be taken, one statement per
//! table written, COMMIT.

use async_trait::async_trait;
use serde::Serialize;
use sqlx::{Executor, SqliteConnection};
use uuid::Uuid;

use super::beside::complete;
use super::error::{commit_error, is_plain_error, store_error};
use super::settlement::{settled_keys, settled_payments};
use super::{json, persist, sql, tree};
use crate::domain::encoding::Hash;
use crate::domain::{
    AccountNumber, OperationId, OperationKind, RecordWant, ResellerId, Shard, Status, TerminalId, Timestamp,
};
use crate::ledger::limits::Tally;
use crate::ledger::{Changes, Head};
use crate::ports::{
    Claim, Loaded, RecentRecharge, Sales, SalesSince, Session, ShardKey, StoreError, TallyQuestion, Wants,
};
use crate::storage::batch::Batch;
use crate::storage::bounds::first_id_since;
use crate::storage::evidence_rows::EvidenceRow;
use crate::storage::key_rows::{ClaimRow, SaleRow, read_sales};
use crate::storage::operation_row::HeldOperationRow;
use crate::storage::record_row::{RecordRow, split_wants};
use crate::storage::rows::{
    AccountRow, HeadRow, ResellerRow, RungRow, corrupt, hex_bytes, msisdn_column, read_at, shard_number,
};
use crate::storage::settlement_row::read_keys;
use crate::storage::tally_row::TallyRow;

/// Where the connection stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    Open,
    /// A statement failed: SQLite would still commit those before it, so COMMIT is never sent.
    Failed,
}

/// A connection of its own. Dropping it closes it, which rolls back whatever was open.
pub(super) struct SqliteSession {
    connection: SqliteConnection,
    transaction: Transaction,
}

#[derive(Serialize)]
struct RecentQuestion {
    position: usize,
    shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    reseller: Uuid,
    msisdn: i64,
    amount_minor: i64,
    since: i64,
    #[serde(serialize_with = "hex_bytes")]
    first_id: Uuid,
}

/// A key that is looked for.
#[derive(Serialize)]
struct KeyRow {
    shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    key: [u8; 16],
}

impl KeyRow {
    fn of(key: &ShardKey) -> Self {
        Self { shard: shard_number(key.shard), key: key.key }
    }
}

#[derive(Serialize)]
struct AccountKey {
    shard: i16,
    number: i64,
}

impl SqliteSession {
    pub(super) fn new(connection: SqliteConnection) -> Self {
        Self { connection, transaction: Transaction::None }
    }

    /// Remembers a failure.
    fn noted<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if result.is_err() {
            self.transaction = Transaction::Failed;
        }
        result
    }

    async fn find_system_accounts(&mut self, shards: &[Shard]) -> Result<Vec<AccountRow>, StoreError> {
        let shards = json::shards(shards.iter().copied())?;
        let query = sqlx::query_as(sql::LOAD_SYSTEM_ACCOUNTS).bind(shards).bind(AccountNumber::FIRST_OWN.0);
        query.fetch_all(&mut self.connection).await.map_err(store_error)
    }

    async fn find_resellers(
        &mut self,
        wanted: &[(Shard, ResellerId)],
    ) -> Result<(Vec<ResellerRow>, Vec<AccountRow>), StoreError> {
        let keys = json::reseller_keys(wanted)?;
        let query = sqlx::query_as(sql::LOAD_RESELLERS).bind(&keys);
        let resellers = query.fetch_all(&mut self.connection).await.map_err(store_error)?;
        let query = sqlx::query_as(sql::LOAD_RESELLER_ACCOUNTS).bind(&keys);
        Ok((resellers, query.fetch_all(&mut self.connection).await.map_err(store_error)?))
    }

    async fn find_accounts(&mut self, wanted: &[(Shard, AccountNumber)]) -> Result<Vec<AccountRow>, StoreError> {
        let key =
            |(shard, number): &(Shard, AccountNumber)| AccountKey { shard: shard_number(*shard), number: number.0 };
        let keys = json::array(&wanted.iter().map(key).collect::<Vec<_>>())?;
        let query = sqlx::query_as(sql::LOAD_ACCOUNTS).bind(keys);
        query.fetch_all(&mut self.connection).await.map_err(store_error)
    }

    async fn find_ancestries(&mut self, wanted: &[(Shard, ResellerId)]) -> Result<Vec<RungRow>, StoreError> {
        let query = sqlx::query_as(sql::LOAD_ANCESTRIES).bind(json::reseller_keys(wanted)?);
        query.fetch_all(&mut self.connection).await.map_err(store_error)
    }

    async fn find_operations(&mut self, ids: &[OperationId]) -> Result<Vec<HeldOperationRow>, StoreError> {
        let keys = json::operation_keys(ids.iter().map(|id| (shard_number(id.shard()), id.uuid())))?;
        let query = sqlx::query_as::<_, HeldOperationRow>(sql::LOAD_OPERATIONS).bind(keys);
        let mut rows = query.fetch_all(&mut self.connection).await.map_err(store_error)?;
        complete(&mut self.connection, rows.iter_mut().map(HeldOperationRow::operation_mut)).await?;
        Ok(rows)
    }

    async fn find_recent(
        &mut self,
        questions: &[RecentRecharge],
    ) -> Result<Vec<(RecentRecharge, Timestamp)>, StoreError> {
        let row = |(position, question): (usize, &RecentRecharge)| RecentQuestion {
            position,
            shard: shard_number(question.shard),
            reseller: question.reseller.uuid(),
            msisdn: msisdn_column(question.msisdn),
            amount_minor: question.amount_minor,
            since: question.since.unix_ms(),
            first_id: first_id_since(question.since),
        };
        let query = sqlx::query_as(sql::LOAD_RECENT)
            .bind(json::array(&questions.iter().enumerate().map(row).collect::<Vec<_>>())?)
            .bind(OperationKind::Recharge.code())
            .bind(Status::Declined.code());
        let rows: Vec<(i64, i64)> = query.fetch_all(&mut self.connection).await.map_err(store_error)?;
        let read = |(position, at): (i64, i64)| {
            let question = usize::try_from(position).ok().and_then(|position| questions.get(position));
            question.map(|question| (*question, read_at(at))).ok_or_else(|| corrupt("position"))
        };
        rows.into_iter().map(read).collect()
    }

    async fn find_records(&mut self, wanted: &[(Shard, RecordWant)]) -> Result<Vec<RecordRow>, StoreError> {
        let (keys, ranges) = split_wants(wanted);
        let mut found = Vec::new();
        if !keys.is_empty() {
            let query = sqlx::query_as(sql::LOAD_RECORDS).bind(json::array(&keys)?);
            found = query.fetch_all(&mut self.connection).await.map_err(store_error)?;
        }
        if !ranges.is_empty() {
            let query = sqlx::query_as(sql::LOAD_RECORDS_BETWEEN).bind(json::array(&ranges)?);
            found.extend(query.fetch_all(&mut self.connection).await.map_err(store_error)?);
        }
        Ok(found)
    }

    async fn find_tally(&mut self, question: &TallyQuestion) -> Result<Tally, StoreError> {
        let query = sqlx::query_as::<_, TallyRow>(sql::LOAD_TALLY)
            .bind(shard_number(question.shard))
            .bind(question.key.reseller.uuid())
            .bind(question.key.terminal.as_ref().map(TerminalId::as_str))
            .bind(first_id_since(question.month_begins))
            .bind(question.month_begins.unix_ms())
            .bind(question.day_begins.unix_ms())
            .bind(Status::Declined.code());
        let row = query.fetch_one(&mut self.connection).await.map_err(store_error)?;
        Ok(row.read(question))
    }

    async fn find(&mut self, wants: &Wants) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        if !wants.system_accounts.is_empty() {
            let rows = self.find_system_accounts(&wants.system_accounts).await?;
            loaded.accounts = rows.into_iter().map(AccountRow::read).collect::<Result<_, _>>()?;
        }
        if !wants.resellers.is_empty() {
            let (resellers, accounts) = self.find_resellers(&wants.resellers).await?;
            loaded.resellers = resellers.into_iter().map(ResellerRow::read).collect::<Result<_, _>>()?;
            for row in accounts {
                loaded.accounts.push(row.read()?);
            }
        }
        if !wants.operations.is_empty() {
            let rows = self.find_operations(&wants.operations).await?;
            loaded.operations = rows.into_iter().map(HeldOperationRow::read).collect::<Result<_, _>>()?;
        }
        if !wants.accounts.is_empty() {
            for row in self.find_accounts(&wants.accounts).await? {
                loaded.accounts.push(row.read()?);
            }
        }
        if !wants.ancestries.is_empty() {
            loaded.ancestries = RungRow::read_all(self.find_ancestries(&wants.ancestries).await?)?;
        }
        if !wants.recent.is_empty() {
            loaded.recent = self.find_recent(&wants.recent).await?;
        }
        if !wants.records.is_empty() {
            loaded.records = RecordRow::read_all(self.find_records(&wants.records).await?)?;
        }
        for question in &wants.sales {
            loaded.sales.push((*question, self.find_sales(*question).await?));
        }
        for question in &wants.tallies {
            let tally = self.find_tally(question).await?;
            loaded.tallies.push((question.shard, question.key.clone(), tally));
        }
        if !wants.settled.keys.is_empty() {
            let found = settled_keys(&wants.settled)?.fetch_all(&mut self.connection).await.map_err(store_error)?;
            loaded.settled.keys = read_keys(found)?;
        }
        if !wants.settled.payments.is_empty() {
            let found = settled_payments(&wants.settled)?.fetch_all(&mut self.connection).await.map_err(store_error)?;
            loaded.settled.payments = found.into_iter().map(OperationId::from_uuid).collect();
        }
        if !wants.evidence.is_empty() {
            let keys = wants.evidence.iter().map(|id| (shard_number(id.shard()), id.uuid()));
            let query = sqlx::query_as(sql::LOAD_EVIDENCE).bind(json::operation_keys(keys)?);
            let rows = query.fetch_all(&mut self.connection).await.map_err(store_error)?;
            loaded.evidence = EvidenceRow::read_all(rows)?;
        }
        loaded.tree = tree::find(&mut self.connection, &wants.tree).await?;
        Ok(loaded)
    }

    async fn find_sales(&mut self, question: SalesSince) -> Result<Sales, StoreError> {
        let query = sqlx::query_as::<_, SaleRow>(sql::LOAD_SALES)
            .bind(shard_number(question.shard))
            .bind(first_id_since(question.since))
            .bind(question.since.unix_ms())
            .bind(OperationKind::Recharge.code())
            .bind(Status::Declined.code())
            .bind(i64::from(question.limit) + 1);
        read_sales(question, query.fetch_all(&mut self.connection).await.map_err(store_error)?)
    }

    async fn find_holders(&mut self, keys: &[ShardKey]) -> Result<Vec<Claim>, StoreError> {
        let rows: Vec<KeyRow> = keys.iter().map(KeyRow::of).collect();
        let query = sqlx::query_as::<_, ClaimRow>(sql::HOLDERS).bind(json::array(&rows)?);
        let rows = query.fetch_all(&mut self.connection).await.map_err(store_error)?;
        rows.into_iter().map(ClaimRow::read).collect()
    }

    async fn begin(&mut self, shards: &[Shard]) -> Result<Vec<Head>, StoreError> {
        self.connection.execute("BEGIN IMMEDIATE").await.map_err(store_error)?;
        self.transaction = Transaction::Open;
        let query = sqlx::query_as::<_, HeadRow>(sql::LOCK).bind(json::shards(shards.iter().copied())?);
        let rows = query.fetch_all(&mut self.connection).await.map_err(store_error)?;
        rows.into_iter().map(Head::try_from).collect()
    }
}

#[async_trait]
impl Session for SqliteSession {
    async fn lock(&mut self, shards: &[Shard]) -> Result<Vec<Head>, StoreError> {
        if self.transaction != Transaction::None {
            self.rollback().await?;
        }
        match self.begin(shards).await {
            Ok(heads) => Ok(heads),
            Err(error) => {
                // Without BEGIN there is nothing to roll back.
                if self.transaction == Transaction::Open {
                    self.transaction = Transaction::Failed;
                }
                Err(error)
            }
        }
    }

    async fn load(&mut self, wants: &Wants) -> Result<Loaded, StoreError> {
        let loaded = self.find(wants).await;
        self.noted(loaded)
    }

    async fn holders(&mut self, keys: &[ShardKey]) -> Result<Vec<Claim>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let holders = self.find_holders(keys).await;
        self.noted(holders)
    }

    async fn persist(&mut self, changes: &[Changes]) -> Result<(), StoreError> {
        let written = match Batch::of(changes) {
            Ok(batch) => persist::persist(&mut self.connection, &batch).await,
            Err(error) => Err(error),
        };
        self.noted(written)
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        if self.transaction != Transaction::Open {
            return Err(StoreError::Refused("COMMIT without a transaction in which all went well".into()));
        }
        let committed = self.connection.execute("COMMIT").await.map(|_| ()).map_err(commit_error);
        self.noted(committed)?;
        self.transaction = Transaction::None;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        if self.transaction == Transaction::None {
            return Ok(());
        }
        match self.connection.execute("ROLLBACK").await {
            // After some errors SQLite has rolled back by itself and says so with this code.
            Err(error) if is_plain_error(&error) => {}
            answer => answer.map(|_| ()).map_err(store_error)?,
        }
        self.transaction = Transaction::None;
        Ok(())
    }

    async fn leaf(&mut self, shard: Shard, sequence: i64) -> Result<Option<Hash>, StoreError> {
        let query = sqlx::query_scalar::<_, Vec<u8>>(sql::LEAF).bind(shard_number(shard)).bind(sequence);
        let leaf = query.fetch_optional(&mut self.connection).await.map_err(store_error);
        self.noted(leaf)?.map(|leaf| leaf.try_into().map_err(|_| corrupt("entry.leaf"))).transpose()
    }
}
