//! What is kept about sending events to partners.

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::store_error;
use super::{PostgresStore, sql};
use crate::domain::webhook::Health;
use crate::domain::{EventId, Shard, Timestamp, WebhookId};
use crate::ports::{Attempt, Backlog, LoggedEvent, Progress, SendFailure, StoreError, WaitingEvent, WebhookOutbox};
use crate::storage::movements::read_cursors;
use crate::storage::rows::shard_number;
use crate::storage::webhook_rows::{
    AttemptRow, EventRow, HealthRow, WaitingRow, before, count, place, status, webhook_writes,
};

webhook_writes!(PgConnection);

impl PostgresStore {
    /// A statement of (subscriber, shard, sequence) for each cursor, in one transaction.
    async fn place_cursors(
        &self,
        statement: &'static str,
        endpoint: WebhookId,
        cursors: &[(Shard, i64)],
    ) -> Result<(), StoreError> {
        let subscriber = endpoint.to_string();
        let mut transaction = self.reads.begin().await.map_err(store_error)?;
        for (shard, sequence) in cursors {
            let query = sqlx::query(statement).bind(&subscriber).bind(shard_number(*shard)).bind(sequence);
            query.execute(&mut *transaction).await.map_err(store_error)?;
        }
        transaction.commit().await.map_err(store_error)
    }
}

#[async_trait]
impl WebhookOutbox for PostgresStore {
    async fn logged_events(&self, shard: Shard, after: i64, limit: u32) -> Result<Vec<LoggedEvent>, StoreError> {
        let query = sqlx::query_as::<_, EventRow>(sql::WEBHOOK_EVENTS)
            .bind(shard_number(shard))
            .bind(after)
            .bind(i64::from(limit));
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(|row| row.read(shard)).collect()
    }

    async fn backlog(&self, endpoint: WebhookId, limit: u32) -> Result<Backlog, StoreError> {
        let query = sqlx::query_as::<_, HealthRow>(sql::WEBHOOK_HEALTH).bind(endpoint.uuid());
        let health = query.fetch_optional(&self.reads).await.map_err(store_error)?;
        let query = sqlx::query_as(sql::AUDIT_CURSORS).bind(endpoint.to_string());
        let cursors = read_cursors(query.fetch_all(&self.reads).await.map_err(store_error)?)?;
        let query = sqlx::query_as::<_, WaitingRow>(sql::WEBHOOK_WAITING).bind(endpoint.uuid()).bind(i64::from(limit));
        let waiting = query.fetch_all(&self.reads).await.map_err(store_error)?;
        let waiting = waiting.into_iter().map(WaitingEvent::try_from).collect::<Result<_, _>>()?;
        Ok(Backlog { health: health.map(Health::from).unwrap_or_default(), cursors, waiting })
    }

    async fn begin(&self, endpoint: WebhookId, cursors: &[(Shard, i64)]) -> Result<(), StoreError> {
        self.place_cursors(sql::WEBHOOK_BEGIN, endpoint, cursors).await
    }

    async fn rewind(&self, endpoint: WebhookId, cursors: &[(Shard, i64)]) -> Result<(), StoreError> {
        self.place_cursors(sql::WEBHOOK_REWIND, endpoint, cursors).await
    }

    async fn lease(
        &self,
        endpoint: WebhookId,
        node: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.reads.begin().await.map_err(store_error)?;
        let query =
            sqlx::query(sql::WEBHOOK_LEASE).bind(endpoint.uuid()).bind(node).bind(now.unix_ms()).bind(until.unix_ms());
        let leased = query.execute(&mut *transaction).await.map_err(store_error)?.rows_affected() > 0;
        transaction.commit().await.map_err(store_error)?;
        Ok(leased)
    }

    async fn progress(&self, progress: &Progress) -> Result<bool, StoreError> {
        let mut transaction = self.reads.begin().await.map_err(store_error)?;
        // Dropped without a commit, it rolls back.
        if !advance(&mut transaction, progress).await? {
            return Ok(false);
        }
        write(&mut transaction, progress).await?;
        transaction.commit().await.map_err(store_error)?;
        Ok(true)
    }

    async fn revive(&self, endpoint: WebhookId, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.reads.begin().await.map_err(store_error)?;
        put_health(&mut transaction, endpoint, &Health::default()).await?;
        let query = sqlx::query(sql::WEBHOOK_REVIVE).bind(endpoint.uuid()).bind(now.unix_ms());
        query.execute(&mut *transaction).await.map_err(store_error)?;
        transaction.commit().await.map_err(store_error)
    }

    async fn attempts(
        &self,
        endpoint: WebhookId,
        after: Option<(Timestamp, EventId)>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        let (at, shard, sequence) = before(after);
        let query = sqlx::query_as::<_, AttemptRow>(sql::WEBHOOK_ATTEMPTS)
            .bind(endpoint.uuid())
            .bind(at)
            .bind(shard)
            .bind(sequence)
            .bind(i64::from(limit));
        let rows = query.fetch_all(&self.reads).await.map_err(store_error)?;
        rows.into_iter().map(Attempt::try_from).collect()
    }

    async fn forget_attempts(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut transaction = self.reads.begin().await.map_err(store_error)?;
        let query = sqlx::query(sql::WEBHOOK_FORGET).bind(before.unix_ms());
        let forgotten = query.execute(&mut *transaction).await.map_err(store_error)?.rows_affected();
        transaction.commit().await.map_err(store_error)?;
        Ok(forgotten)
    }
}
