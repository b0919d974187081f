//! What is kept about sending events to partners, as rows.

use uuid::Uuid;

use super::rows::{corrupt, read_at, read_entry_kind, read_shard, shard_number};
use crate::domain::webhook::Health;
use crate::domain::{EventId, ResellerId, Shard, Timestamp, WebhookId};
use crate::ports::{Attempt, AttemptOutcome, LoggedEvent, SendFailure, StoreError, WaitingEvent};

#[derive(sqlx::FromRow)]
pub(super) struct EventRow {
    sequence: i64,
    entry_kind: i16,
    subject: Uuid,
    recorded_at: i64,
    reseller: Option<Uuid>,
    counterparty: Option<Uuid>,
}

impl EventRow {
    pub(super) fn read(self, shard: Shard) -> Result<LoggedEvent, StoreError> {
        Ok(LoggedEvent {
            id: EventId { recorded_at: read_at(self.recorded_at), shard, sequence: self.sequence },
            kind: read_entry_kind(self.entry_kind)?,
            subject: self.subject,
            reseller: self.reseller.map(ResellerId::from_uuid),
            counterparty: self.counterparty.map(ResellerId::from_uuid),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct HealthRow {
    failures: i64,
    failing_since: Option<i64>,
    last_failed_at: Option<i64>,
}

impl From<HealthRow> for Health {
    fn from(row: HealthRow) -> Self {
        let (failing_since, last_failed_at) = (row.failing_since.map(read_at), row.last_failed_at.map(read_at));
        Self { failures: row.failures, failing_since, last_failed_at }
    }
}

/// The place of an event, as columns.
pub(super) fn place(id: EventId) -> (i16, i64) {
    (shard_number(id.shard), id.sequence)
}

/// The place in front of which a page begins.
pub(super) fn before(after: Option<(Timestamp, EventId)>) -> (i64, i16, i64) {
    after.map_or((i64::MAX, 0, 0), |(at, id)| (at.unix_ms(), shard_number(id.shard), id.sequence))
}

/// A count of attempts as a column.
pub(super) fn count(attempts: u32) -> i32 {
    i32::try_from(attempts).unwrap_or(i32::MAX)
}

/// A status as a column: HTTP has three digits.
pub(super) fn status(status: Option<u16>) -> Option<i16> {
    status.and_then(|status| i16::try_from(status).ok())
}

#[derive(sqlx::FromRow)]
pub(super) struct WaitingRow {
    shard: i16,
    sequence: i64,
    entry_kind: i16,
    subject: Uuid,
    recorded_at: i64,
    failed: i32,
    first_at: i64,
    due_at: i64,
}

impl TryFrom<WaitingRow> for WaitingEvent {
    type Error = StoreError;

    fn try_from(row: WaitingRow) -> Result<Self, StoreError> {
        let (recorded_at, shard) = (read_at(row.recorded_at), read_shard(row.shard)?);
        Ok(Self {
            id: EventId { recorded_at, shard, sequence: row.sequence },
            kind: read_entry_kind(row.entry_kind)?,
            subject: row.subject,
            failed: u32::try_from(row.failed).map_err(|_| corrupt("webhook_waiting.failed"))?,
            first_at: read_at(row.first_at),
            due_at: read_at(row.due_at),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct AttemptRow {
    at: i64,
    shard: i16,
    sequence: i64,
    entry_kind: i16,
    recorded_at: i64,
    number: i32,
    outcome: String,
    status: Option<i16>,
    failure: Option<String>,
    duration_ms: i64,
    next_at: Option<i64>,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        let failure = |name: String| SendFailure::from_name(&name).ok_or_else(|| corrupt("webhook_attempt.failure"));
        let (recorded_at, shard) = (read_at(row.recorded_at), read_shard(row.shard)?);
        Ok(Self {
            at: read_at(row.at),
            event: EventId { recorded_at, shard, sequence: row.sequence },
            kind: read_entry_kind(row.entry_kind)?,
            number: u32::try_from(row.number).map_err(|_| corrupt("webhook_attempt.number"))?,
            outcome: AttemptOutcome::from_name(&row.outcome).ok_or_else(|| corrupt("webhook_attempt.outcome"))?,
            status: row.status.map(u16::try_from).transpose().map_err(|_| corrupt("webhook_attempt.status"))?,
            failure: row.failure.map(failure).transpose()?,
            duration_ms: row.duration_ms,
            next_at: row.next_at.map(read_at),
        })
    }
}

/// What is written within one transaction, by the statements of the dialect in whose module it stands.
macro_rules! webhook_writes {
    ($connection:ty) => {
        async fn put_health(
            connection: &mut $connection,
            endpoint: WebhookId,
            health: &Health,
        ) -> Result<(), StoreError> {
            let query = sqlx::query(sql::WEBHOOK_HEALTH_PUT)
                .bind(endpoint.uuid())
                .bind(health.failures)
                .bind(health.failing_since.map(Timestamp::unix_ms))
                .bind(health.last_failed_at.map(Timestamp::unix_ms));
            query.execute(connection).await.map(drop).map_err(store_error)
        }

        async fn wait(
            connection: &mut $connection,
            endpoint: WebhookId,
            waiting: &WaitingEvent,
        ) -> Result<(), StoreError> {
            let (shard, sequence) = place(waiting.id);
            let query = sqlx::query(sql::WEBHOOK_WAIT)
                .bind(endpoint.uuid())
                .bind(shard)
                .bind(sequence)
                .bind(waiting.kind.code())
                .bind(waiting.subject)
                .bind(waiting.id.recorded_at.unix_ms())
                .bind(count(waiting.failed))
                .bind(waiting.first_at.unix_ms())
                .bind(waiting.due_at.unix_ms());
            query.execute(connection).await.map(drop).map_err(store_error)
        }

        async fn note(connection: &mut $connection, endpoint: WebhookId, attempt: &Attempt) -> Result<(), StoreError> {
            let (shard, sequence) = place(attempt.event);
            let query = sqlx::query(sql::WEBHOOK_ATTEMPT)
                .bind(endpoint.uuid())
                .bind(attempt.at.unix_ms())
                .bind(shard)
                .bind(sequence)
                .bind(attempt.kind.code())
                .bind(attempt.event.recorded_at.unix_ms())
                .bind(count(attempt.number))
                .bind(attempt.outcome.name())
                .bind(status(attempt.status))
                .bind(attempt.failure.map(SendFailure::name))
                .bind(attempt.duration_ms)
                .bind(attempt.next_at.map(Timestamp::unix_ms));
            query.execute(connection).await.map(drop).map_err(store_error)
        }

        /// `false` when a cursor moved meanwhile.
        async fn advance(connection: &mut $connection, progress: &Progress) -> Result<bool, StoreError> {
            let subscriber = progress.endpoint.to_string();
            for (shard, from, to) in &progress.cursors {
                let query =
                    sqlx::query(sql::WEBHOOK_ADVANCE).bind(&subscriber).bind(shard_number(*shard)).bind(from).bind(to);
                if query.execute(&mut *connection).await.map_err(store_error)?.rows_affected() == 0 {
                    return Ok(false);
                }
            }
            Ok(true)
        }

        async fn write(connection: &mut $connection, progress: &Progress) -> Result<(), StoreError> {
            let endpoint = progress.endpoint;
            for waiting in &progress.waits {
                wait(connection, endpoint, waiting).await?;
            }
            for id in &progress.done {
                let (shard, sequence) = place(*id);
                let query = sqlx::query(sql::WEBHOOK_DONE).bind(endpoint.uuid()).bind(shard).bind(sequence);
                query.execute(&mut *connection).await.map_err(store_error)?;
            }
            for attempt in &progress.attempts {
                note(connection, endpoint, attempt).await?;
            }
            if let Some(health) = &progress.health {
                put_health(connection, endpoint, health).await?;
            }
            if let Some(now) = progress.wake_at {
                let query = sqlx::query(sql::WEBHOOK_WAKE).bind(endpoint.uuid()).bind(now.unix_ms());
                query.execute(connection).await.map_err(store_error)?;
            }
            Ok(())
        }
    };
}

pub(super) use webhook_writes;

/// An attempt with the endpoint that was to be told.
#[derive(sqlx::FromRow)]
pub(super) struct ToldRow {
    endpoint: Uuid,
    #[sqlx(flatten)]
    attempt: AttemptRow,
}

impl ToldRow {
    pub(super) fn read_all(rows: Vec<Self>) -> Result<Vec<(WebhookId, Attempt)>, StoreError> {
        rows.into_iter().map(|row| Ok((WebhookId::from_uuid(row.endpoint), row.attempt.try_into()?))).collect()
    }
}
