//! A poster's transaction. Cost of a batch in messages: BEGIN with the lock, up to six loads when nothing is in
//! memory, the holders of keys that may be taken, one persist, COMMIT; so three when all is in memory and new.
//! Nothing waits without end: the server bounds locks, and every answer is awaited for at most [`PATIENCE`].

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Executor, FromRow, PgConnection};
use uuid::Uuid;

use super::beside::complete;
use super::error::{commit_error, post_error, store_error};
use super::settlement::{settled_keys, settled_payments};
use super::{persist, sql, tree};
use crate::domain::encoding::Hash;
use crate::domain::{
    AccountNumber, OperationId, OperationKind, RecordWant, ResellerId, Shard, Status, TerminalId, Timestamp,
};
use crate::ledger::limits::Tally;
use crate::ledger::{Changes, Head};
use crate::ports::{
    Claim, Loaded, RecentRecharge, Sales, SalesSince, Session, ShardKey, StoreError, TallyQuestion, Wants,
    post_in_steps,
};
use crate::storage::batch::Batch;
use crate::storage::bounds::first_id_since;
use crate::storage::evidence_rows::EvidenceRow;
use crate::storage::key_rows::{ClaimRow, SaleRow, read_sales};
use crate::storage::operation_row::HeldOperationRow;
use crate::storage::record_row::{RecordRow, split_wants};
use crate::storage::rows::{AccountRow, HeadRow, ResellerRow, RungRow, corrupt, msisdn_column, read_at, shard_number};
use crate::storage::settlement_row::read_keys;
use crate::storage::tally_row::TallyRow;

/// Longer than the lock timeout of the server, so that a slow lock is its answer and not our guess.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the connection stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    Open,
    /// A statement failed: PostgreSQL would answer COMMIT with a silent rollback, so it is never sent.
    Failed,
}

/// A connection of its own. Dropping it closes it, which rolls back whatever was open.
pub(super) struct PostgresSession {
    connection: PgConnection,
    transaction: Transaction,
}

impl PostgresSession {
    pub(super) fn new(connection: PgConnection) -> Self {
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
        let shards: Vec<i16> = shards.iter().copied().map(shard_number).collect();
        let query = sqlx::query_as(sql::LOAD_SYSTEM_ACCOUNTS).bind(shards).bind(AccountNumber::FIRST_OWN.0);
        answered(query.fetch_all(&mut self.connection)).await
    }

    async fn find_resellers(
        &mut self,
        wanted: &[(Shard, ResellerId)],
    ) -> Result<(Vec<ResellerRow>, Vec<AccountRow>), StoreError> {
        let (shards, ids): (Vec<i16>, Vec<Uuid>) =
            wanted.iter().map(|(shard, id)| (shard_number(*shard), id.uuid())).unzip();
        let query = sqlx::query_as(sql::LOAD_RESELLERS).bind(&shards).bind(&ids);
        let resellers = answered(query.fetch_all(&mut self.connection)).await?;
        let query = sqlx::query_as(sql::LOAD_RESELLER_ACCOUNTS).bind(&shards).bind(&ids);
        Ok((resellers, answered(query.fetch_all(&mut self.connection)).await?))
    }

    async fn find_accounts(&mut self, wanted: &[(Shard, AccountNumber)]) -> Result<Vec<AccountRow>, StoreError> {
        let (shards, numbers): (Vec<i16>, Vec<i64>) =
            wanted.iter().map(|(shard, number)| (shard_number(*shard), number.0)).unzip();
        let query = sqlx::query_as(sql::LOAD_ACCOUNTS).bind(shards).bind(numbers);
        answered(query.fetch_all(&mut self.connection)).await
    }

    async fn find_ancestries(&mut self, wanted: &[(Shard, ResellerId)]) -> Result<Vec<RungRow>, StoreError> {
        let (shards, ids): (Vec<i16>, Vec<Uuid>) =
            wanted.iter().map(|(shard, id)| (shard_number(*shard), id.uuid())).unzip();
        let query = sqlx::query_as(sql::LOAD_ANCESTRIES).bind(shards).bind(ids);
        answered(query.fetch_all(&mut self.connection)).await
    }

    async fn find_operations(&mut self, ids: &[OperationId]) -> Result<Vec<HeldOperationRow>, StoreError> {
        let (shards, ids): (Vec<i16>, Vec<Uuid>) = ids.iter().map(|id| (shard_number(id.shard()), id.uuid())).unzip();
        let query = sqlx::query_as::<_, HeldOperationRow>(sql::LOAD_OPERATIONS).bind(shards).bind(ids);
        let mut rows = answered(query.fetch_all(&mut self.connection)).await?;
        complete(&mut self.connection, rows.iter_mut().map(HeldOperationRow::operation_mut)).await?;
        Ok(rows)
    }

    async fn find_recent(
        &mut self,
        questions: &[RecentRecharge],
    ) -> Result<Vec<(RecentRecharge, Timestamp)>, StoreError> {
        let column = |of: fn(&RecentRecharge) -> i64| questions.iter().map(of).collect::<Vec<_>>();
        let positions: Vec<i32> = (0..).take(questions.len()).collect();
        let query = sqlx::query_as(sql::LOAD_RECENT)
            .bind(positions)
            .bind(questions.iter().map(|question| shard_number(question.shard)).collect::<Vec<_>>())
            .bind(questions.iter().map(|question| question.reseller.uuid()).collect::<Vec<_>>())
            .bind(column(|question| msisdn_column(question.msisdn)))
            .bind(column(|question| question.amount_minor))
            .bind(column(|question| question.since.unix_ms()))
            .bind(questions.iter().map(|question| first_id_since(question.since)).collect::<Vec<_>>())
            .bind(OperationKind::Recharge.code())
            .bind(Status::Declined.code());
        let rows: Vec<(i32, i64)> = answered(query.fetch_all(&mut self.connection)).await?;
        let read = |(position, at): (i32, i64)| {
            let question = usize::try_from(position).ok().and_then(|position| questions.get(position));
            question.map(|question| (*question, read_at(at))).ok_or_else(|| corrupt("position"))
        };
        rows.into_iter().map(read).collect()
    }

    async fn find_records(&mut self, wanted: &[(Shard, RecordWant)]) -> Result<Vec<RecordRow>, StoreError> {
        let (keys, ranges) = split_wants(wanted);
        let mut found = Vec::new();
        if !keys.is_empty() {
            let query = sqlx::query_as(sql::LOAD_RECORDS)
                .bind(keys.iter().map(|key| key.shard).collect::<Vec<_>>())
                .bind(keys.iter().map(|key| key.kind).collect::<Vec<_>>())
                .bind(keys.iter().map(|key| key.owner).collect::<Vec<_>>())
                .bind(keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>());
            found = answered(query.fetch_all(&mut self.connection)).await?;
        }
        if !ranges.is_empty() {
            let query = sqlx::query_as(sql::LOAD_RECORDS_BETWEEN)
                .bind(ranges.iter().map(|range| range.shard).collect::<Vec<_>>())
                .bind(ranges.iter().map(|range| range.kind).collect::<Vec<_>>())
                .bind(ranges.iter().map(|range| range.from_owner).collect::<Vec<_>>())
                .bind(ranges.iter().map(|range| range.to_owner).collect::<Vec<_>>());
            found.extend(answered(query.fetch_all(&mut self.connection)).await?);
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
        let row = answered(query.fetch_one(&mut self.connection)).await?;
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
            let found = answered(settled_keys(&wants.settled).fetch_all(&mut self.connection)).await?;
            loaded.settled.keys = read_keys(found)?;
        }
        if !wants.settled.payments.is_empty() {
            let found = answered(settled_payments(&wants.settled).fetch_all(&mut self.connection)).await?;
            loaded.settled.payments = found.into_iter().map(OperationId::from_uuid).collect();
        }
        if !wants.evidence.is_empty() {
            let keys = wants.evidence.iter().map(|id| (shard_number(id.shard()), id.uuid()));
            let (shards, ids): (Vec<i16>, Vec<Uuid>) = keys.unzip();
            let query = sqlx::query_as(sql::LOAD_EVIDENCE).bind(shards).bind(ids);
            let rows = answered(query.fetch_all(&mut self.connection)).await?;
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
        read_sales(question, answered(query.fetch_all(&mut self.connection)).await?)
    }

    async fn find_holders(&mut self, keys: &[ShardKey]) -> Result<Vec<Claim>, StoreError> {
        let (shards, keys): (Vec<i16>, Vec<&[u8]>) =
            keys.iter().map(|key| (shard_number(key.shard), key.key.as_slice())).unzip();
        let query = sqlx::query_as::<_, ClaimRow>(sql::HOLDERS).bind(shards).bind(keys);
        let rows = answered(query.fetch_all(&mut self.connection)).await?;
        rows.into_iter().map(ClaimRow::read).collect()
    }

    async fn end(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        let silence = sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        match tokio::time::timeout(PATIENCE, self.connection.execute(statement)).await {
            Ok(answer) => answer.map(|_| ()),
            Err(_) => Err(silence),
        }
    }
}

/// Two statements in one message, each with a snapshot of its own: what is read later sees what the lock waited for.
fn begin_and_lock(shards: &[Shard]) -> AssertSqlSafe<String> {
    let numbers = shards.iter().map(Shard::to_string).collect::<Vec<_>>().join(",");
    AssertSqlSafe(format!("BEGIN ISOLATION LEVEL READ COMMITTED; EXECUTE lock_shards('{{{numbers}}}')"))
}

/// Awaits an answer, within bounds: a server whose machine vanished never sends one.
pub(super) async fn answered<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(store_error),
        Err(_) => Err(StoreError::Unavailable("no answer within 20 s".into())),
    }
}

#[async_trait]
impl Session for PostgresSession {
    async fn lock(&mut self, shards: &[Shard]) -> Result<Vec<Head>, StoreError> {
        if self.transaction != Transaction::None {
            self.rollback().await?;
        }
        self.transaction = Transaction::Open;
        let rows = answered(sqlx::raw_sql(begin_and_lock(shards)).fetch_all(&mut self.connection)).await;
        self.noted(rows)?.iter().map(|row| HeadRow::from_row(row).map_err(store_error)?.try_into()).collect()
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
        // Under the lock a shard cannot change: whoever believes otherwise did not read it.
        self.noted(written.map_err(|error| match error {
            StoreError::Stale(text) => StoreError::Refused(text),
            other => other,
        }))
    }

    async fn post(&mut self, changes: &[Changes]) -> Result<(), StoreError> {
        let batch = Batch::of(changes)?;
        if !batch.is_of_books_only() {
            return post_in_steps(self, changes).await;
        }
        if self.transaction != Transaction::None {
            self.rollback().await?;
        }
        match tokio::time::timeout(PATIENCE, persist::books(&batch).execute(&mut self.connection)).await {
            Ok(posted) => posted.map(|_| ()).map_err(post_error),
            Err(_) => Err(StoreError::CommitUnknown("no answer within 20 s".into())),
        }
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        if self.transaction != Transaction::Open {
            return Err(StoreError::Refused("COMMIT without a transaction in which all went well".into()));
        }
        let committed = self.end("COMMIT").await.map_err(commit_error);
        self.noted(committed)?;
        self.transaction = Transaction::None;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        let rolled_back = self.end("ROLLBACK").await.map_err(store_error);
        self.noted(rolled_back)?;
        self.transaction = Transaction::None;
        Ok(())
    }

    async fn leaf(&mut self, shard: Shard, sequence: i64) -> Result<Option<Hash>, StoreError> {
        let query = sqlx::query_scalar::<_, Vec<u8>>(sql::LEAF).bind(shard_number(shard)).bind(sequence);
        let leaf = answered(query.fetch_optional(&mut self.connection)).await;
        self.noted(leaf)?.map(|leaf| leaf.try_into().map_err(|_| corrupt("entry.leaf"))).transpose()
    }
}
