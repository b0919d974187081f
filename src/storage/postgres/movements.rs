//! Statements: named queries, and the writing out, which several nodes may try at once.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::beside::complete;
use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::{AccountClass, AccountNumber, RecordKind, Shard, Side, Timestamp};
use crate::ports::{Flows, LogPlace, Movement, MovementPlace, MovementQuery, Movements, StoreError, WatchedStock};
use crate::storage::movements::{
    MovementRow, PlaceRow, SUBSCRIBER, Source, TailRow, WatchedRow, WrittenRow, no_such_shard, parts, read_flows,
};
use crate::storage::rows::shard_number;

async fn write(connection: &mut PgConnection, shard: Shard, after: i64, up_to: i64) -> Result<(), StoreError> {
    let query = sqlx::query(sql::MOVEMENTS_WRITE)
        .bind(shard_number(shard))
        .bind(after)
        .bind(up_to)
        .bind(AccountNumber::FIRST_OWN.0)
        .bind(AccountClass::Delivered.system_account().0);
    query.execute(connection).await.map(drop).map_err(store_error)
}

async fn read_place(connection: &mut PgConnection, shard: Shard) -> Result<LogPlace, StoreError> {
    let query = sqlx::query_as::<_, PlaceRow>(sql::STATEMENT_PLACE).bind(shard_number(shard)).bind(SUBSCRIBER);
    let row = query.fetch_optional(connection).await.map_err(store_error)?;
    row.map(LogPlace::from).ok_or_else(|| no_such_shard(shard))
}

/// The cursor, which other nodes then leave alone; `None` when one of them has it.
async fn take(connection: &mut PgConnection, shard: Shard) -> Result<Option<i64>, StoreError> {
    let query = sqlx::query_scalar(sql::CURSOR_TAKE).bind(SUBSCRIBER).bind(shard_number(shard));
    query.fetch_optional(connection).await.map_err(store_error)
}

impl PostgresStore {
    async fn movement_page(
        &self,
        query: &MovementQuery,
        (source, after, before): (Source, MovementPlace, MovementPlace),
        limit: usize,
    ) -> Result<Vec<Movement>, StoreError> {
        let statement = match (source, query.oldest_first) {
            (Source::Written, true) => sql::STATEMENT_WRITTEN_OLDEST,
            (Source::Written, false) => sql::STATEMENT_WRITTEN_NEWEST,
            (Source::Tail, true) => sql::STATEMENT_TAIL_OLDEST,
            (Source::Tail, false) => sql::STATEMENT_TAIL_NEWEST,
        };
        let query = sqlx::query_as::<_, MovementRow>(statement)
            .bind(shard_number(query.shard))
            .bind(query.account.0)
            .bind(after.sequence)
            .bind(after.line)
            .bind(before.sequence)
            .bind(before.line)
            .bind(i64::try_from(limit).expect("a page is short"));
        let mut connection = self.reads.acquire().await.map_err(store_error)?;
        let mut rows = query.fetch_all(&mut *connection).await.map_err(store_error)?;
        complete(&mut connection, rows.iter_mut().filter_map(MovementRow::operation_mut)).await?;
        rows.into_iter().map(MovementRow::read).collect()
    }
}

#[async_trait]
impl Movements for PostgresStore {
    async fn log_place(&self, shard: Shard) -> Result<LogPlace, StoreError> {
        let query = sqlx::query_as::<_, PlaceRow>(sql::STATEMENT_PLACE).bind(shard_number(shard)).bind(SUBSCRIBER);
        let row = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        row.map(LogPlace::from).ok_or_else(|| no_such_shard(shard))
    }

    async fn last_before(&self, shard: Shard, at: Timestamp, head: i64) -> Result<i64, StoreError> {
        let query =
            sqlx::query_scalar(sql::STATEMENT_LAST_BEFORE).bind(shard_number(shard)).bind(at.unix_ms()).bind(head);
        query.fetch_one(&self.reads).await.map_err(store_error)
    }

    async fn flows(
        &self,
        place: &LogPlace,
        shard: Shard,
        (account, normal_side): (AccountNumber, Side),
        up_to: i64,
    ) -> Result<Flows, StoreError> {
        let query = sqlx::query_as::<_, WrittenRow>(sql::STATEMENT_WRITTEN)
            .bind(shard_number(shard))
            .bind(account.0)
            .bind(up_to.min(place.written));
        let written = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        let mut tail = None;
        if up_to > place.written {
            let query = sqlx::query_as::<_, TailRow>(sql::STATEMENT_TAIL)
                .bind(shard_number(shard))
                .bind(account.0)
                .bind(place.written)
                .bind(up_to)
                .bind(AccountClass::Delivered.system_account().0);
            tail = Some(query.fetch_one(&self.reads).await.map_err(store_error)?);
        }
        Ok(read_flows(written, tail, normal_side == Side::Credit))
    }

    async fn movements(&self, place: &LogPlace, query: &MovementQuery) -> Result<Vec<Movement>, StoreError> {
        let mut found = Vec::new();
        for part in parts(query, place.written) {
            let left = query.limit as usize - found.len();
            if left > 0 {
                found.extend(self.movement_page(query, part, left).await?);
            }
        }
        Ok(found)
    }

    async fn watched_stock(&self, shard: Shard) -> Result<Vec<WatchedStock>, StoreError> {
        let rows: Vec<WatchedRow> = sqlx::query_as(sql::WATCHED_STOCK)
            .bind(shard_number(shard))
            .bind(RecordKind::StockWatch.code())
            .bind(RecordKind::StockAlert.code())
            .bind(AccountClass::ResellerStock.code())
            .fetch_all(&self.reads)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(WatchedRow::read).collect()
    }

    async fn write_out(&self, shard: Shard, limit: u32) -> Result<i64, StoreError> {
        let mut transaction = self.reads.begin().await.map_err(store_error)?;
        let query = sqlx::query(sql::CURSOR_ADD).bind(SUBSCRIBER).bind(shard_number(shard));
        query.execute(&mut *transaction).await.map_err(store_error)?;
        let Some(cursor) = take(&mut transaction, shard).await? else {
            return Ok(read_place(&mut transaction, shard).await?.written);
        };
        let place = read_place(&mut transaction, shard).await?;
        let up_to = place.head.min(cursor + i64::from(limit));
        if up_to > cursor {
            write(&mut transaction, shard, cursor, up_to).await?;
            let query = sqlx::query(sql::CURSOR_MOVE).bind(SUBSCRIBER).bind(shard_number(shard)).bind(up_to);
            query.execute(&mut *transaction).await.map_err(store_error)?;
        }
        transaction.commit().await.map_err(store_error)?;
        Ok(up_to)
    }

    async fn write_again(&self, shard: Shard) -> Result<i64, StoreError> {
        /// Entries of one statement.
        const PART: i64 = 50_000;
        let mut transaction = self.audits.begin().await.map_err(store_error)?;
        let Some(cursor) = take(&mut transaction, shard).await? else { return Ok(0) };
        let query = sqlx::query(sql::MOVEMENTS_FORGET).bind(shard_number(shard));
        query.execute(&mut *transaction).await.map_err(store_error)?;
        for after in (0..cursor).step_by(usize::try_from(PART).expect("it is positive")) {
            write(&mut transaction, shard, after, cursor.min(after + PART)).await?;
        }
        transaction.commit().await.map_err(store_error)?;
        Ok(cursor)
    }
}
