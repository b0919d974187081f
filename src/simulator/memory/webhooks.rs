//! What is kept about sending events to partners.

use std::collections::BTreeMap;

use async_trait::async_trait;
use uuid::Uuid;

use super::{MemoryStore, no_such_shard};
use crate::domain::webhook::Health;
use crate::domain::{Details, EventId, Operation, OperationId, ResellerId, Shard, Timestamp, WebhookId};
use crate::ports::{Attempt, Backlog, LoggedEvent, Progress, StoreError, WaitingEvent, WebhookOutbox};

/// The rows of one endpoint.
#[derive(Clone, Debug, Default)]
pub struct EndpointRows {
    health: Health,
    lease: Option<(Uuid, Timestamp)>,
    pub cursors: BTreeMap<Shard, i64>,
    pub waiting: BTreeMap<(Shard, i64), WaitingEvent>,
    attempts: BTreeMap<(Timestamp, Shard, i64), Attempt>,
}

impl EndpointRows {
    pub(super) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.values()
    }
}

fn counterparty(operation: &Operation) -> Option<ResellerId> {
    match &operation.details {
        Details::CommissionPayout { to, .. } => Some(*to),
        Details::Transfer(transfer) => transfer.to,
        Details::Allocation(allocation) => Some(allocation.to),
        _ => None,
    }
}

#[async_trait]
impl WebhookOutbox for MemoryStore {
    async fn logged_events(&self, shard: Shard, after: i64, limit: u32) -> Result<Vec<LoggedEvent>, StoreError> {
        let state = self.shared.state();
        let books = state.books(shard).ok_or_else(|| no_such_shard(shard))?;
        let read = |(sequence, stored): (&i64, &super::StoredEntry)| {
            let entry = &stored.entry;
            let operation = books.operations.get(&OperationId::from_uuid(entry.subject));
            LoggedEvent {
                id: EventId { recorded_at: entry.recorded_at, shard, sequence: *sequence },
                kind: entry.kind,
                subject: entry.subject,
                reseller: operation.map(|operation| operation.reseller),
                counterparty: operation.and_then(counterparty),
            }
        };
        Ok(books.entries.range(after + 1..).take(limit as usize).map(read).collect())
    }

    async fn backlog(&self, endpoint: WebhookId, limit: u32) -> Result<Backlog, StoreError> {
        let state = self.shared.state();
        let Some(rows) = state.webhooks.get(&endpoint) else { return Ok(Backlog::default()) };
        Ok(Backlog {
            health: rows.health,
            cursors: rows.cursors.iter().map(|(shard, sequence)| (*shard, *sequence)).collect(),
            waiting: rows.waiting.values().take(limit as usize).cloned().collect(),
        })
    }

    async fn begin(&self, endpoint: WebhookId, cursors: &[(Shard, i64)]) -> Result<(), StoreError> {
        let mut state = self.shared.state();
        let rows = state.webhooks.entry(endpoint).or_default();
        for (shard, sequence) in cursors {
            rows.cursors.entry(*shard).or_insert(*sequence);
        }
        Ok(())
    }

    async fn rewind(&self, endpoint: WebhookId, cursors: &[(Shard, i64)]) -> Result<(), StoreError> {
        let mut state = self.shared.state();
        let rows = state.webhooks.entry(endpoint).or_default();
        for (shard, sequence) in cursors {
            if let Some(cursor) = rows.cursors.get_mut(shard) {
                *cursor = (*cursor).min(*sequence);
            }
        }
        Ok(())
    }

    async fn lease(
        &self,
        endpoint: WebhookId,
        node: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.shared.state();
        let rows = state.webhooks.entry(endpoint).or_default();
        let free = rows.lease.is_none_or(|(holder, until)| holder == node || until <= now);
        if free {
            rows.lease = Some((node, until));
        }
        Ok(free)
    }

    async fn progress(&self, progress: &Progress) -> Result<bool, StoreError> {
        let mut state = self.shared.state();
        let rows = state.webhooks.entry(progress.endpoint).or_default();
        if progress.cursors.iter().any(|(shard, from, _)| rows.cursors.get(shard) != Some(from)) {
            return Ok(false);
        }
        rows.cursors.extend(progress.cursors.iter().map(|(shard, _, to)| (*shard, *to)));
        let place = |id: &EventId| (id.shard, id.sequence);
        rows.waiting.extend(progress.waits.iter().map(|waiting| (place(&waiting.id), waiting.clone())));
        for id in &progress.done {
            rows.waiting.remove(&place(id));
        }
        for attempt in &progress.attempts {
            let (shard, sequence) = place(&attempt.event);
            rows.attempts.entry((attempt.at, shard, sequence)).or_insert_with(|| attempt.clone());
        }
        rows.health = progress.health.unwrap_or(rows.health);
        if let Some(now) = progress.wake_at {
            rows.waiting.values_mut().for_each(|waiting| waiting.due_at = waiting.due_at.min(now));
        }
        Ok(true)
    }

    async fn revive(&self, endpoint: WebhookId, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.shared.state();
        let rows = state.webhooks.entry(endpoint).or_default();
        rows.health = Health::default();
        for waiting in rows.waiting.values_mut() {
            (waiting.failed, waiting.first_at, waiting.due_at) = (0, now, now);
        }
        Ok(())
    }

    async fn attempts(
        &self,
        endpoint: WebhookId,
        after: Option<(Timestamp, EventId)>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        let state = self.shared.state();
        let Some(rows) = state.webhooks.get(&endpoint) else { return Ok(Vec::new()) };
        let before = after.map(|(at, id)| (at, id.shard, id.sequence));
        let newest = rows.attempts.iter().rev().filter(|(place, _)| before.is_none_or(|before| **place < before));
        Ok(newest.take(limit as usize).map(|(_, attempt)| attempt.clone()).collect())
    }

    async fn forget_attempts(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut state = self.shared.state();
        let mut forgotten = 0;
        for rows in state.webhooks.values_mut() {
            let count = rows.attempts.len();
            rows.attempts.retain(|(at, ..), _| *at >= before);
            forgotten += count - rows.attempts.len();
        }
        Ok(forgotten as u64)
    }
}
