//! What customer care asks of the store beside the named queries of others.

use async_trait::async_trait;
use uuid::Uuid;

use super::store::StoreError;
use super::transfers::PartyQuery;
use super::webhooks::Attempt;
use crate::domain::{MaskedNumber, Operation, OperationId, Shard, WebhookId};

/// A part of a shard's journal: behind the one sequence, up to the other.
pub type Window = (i64, i64);

/// A page of recharges for numbers of which some digits are known.
#[derive(Clone, Debug)]
pub struct MaskedQuery {
    /// Whose, and of what time; of a party below some roots.
    pub page: PartyQuery,
    pub number: MaskedNumber,
    /// Operations of a shard that are looked through at most.
    pub looked_through: u32,
}

#[async_trait]
pub trait CareReads: Send + Sync {
    /// Sequences of the entries about `subjects` that stand in one of the windows, ascending. All of each window is
    /// looked at: no index leads from a subject to its entries.
    async fn entries_about(&self, shard: Shard, subjects: &[Uuid], windows: &[Window]) -> Result<Vec<i64>, StoreError>;

    /// Sequences of the entries that left a state of these top-ups, refunds and reversals, ascending.
    async fn states_of(&self, shard: Shard, operations: &[OperationId]) -> Result<Vec<i64>, StoreError>;

    /// Attempts to tell somebody of these entries of a shard, by time.
    async fn attempts_of(&self, shard: Shard, sequences: &[i64]) -> Result<Vec<(WebhookId, Attempt)>, StoreError>;

    /// Recharges from the newest, and where the search ended because it had looked through enough: whatever is newer is
    /// among them, up to the page's limit.
    async fn recharges_like(&self, query: &MaskedQuery) -> Result<(Vec<Operation>, Option<OperationId>), StoreError>;
}
