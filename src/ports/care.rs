//! What customer care asks of the store beside the named queries of others.

use async_trait::async_trait;
use uuid::Uuid;

use super::store::StoreError;
use super::webhooks::Attempt;
use crate::domain::{OperationId, Shard, WebhookId};

/// A part of a shard's journal: behind the one sequence, up to the other.
pub type Window = (i64, i64);

#[async_trait]
pub trait CareReads: Send + Sync {
    /// Sequences of the entries about `subjects` that stand in one of the windows, ascending. All of each window is
    /// looked at: no index leads from a subject to its entries.
    async fn entries_about(&self, shard: Shard, subjects: &[Uuid], windows: &[Window]) -> Result<Vec<i64>, StoreError>;

    /// Sequences of the entries that left a state of these top-ups, refunds and reversals, ascending.
    async fn states_of(&self, shard: Shard, operations: &[OperationId]) -> Result<Vec<i64>, StoreError>;

    /// Attempts to tell somebody of these entries of a shard, by time.
    async fn attempts_of(&self, shard: Shard, sequences: &[i64]) -> Result<Vec<(WebhookId, Attempt)>, StoreError>;
}
