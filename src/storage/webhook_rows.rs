//! What is kept about sending events to partners, as rows.

use uuid::Uuid;

use super::rows::{corrupt, read_at, read_entry_kind, read_shard, shard_number};
use crate::domain::webhook::Health;
use crate::domain::{EventId, ResellerId, Shard, Timestamp};
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
