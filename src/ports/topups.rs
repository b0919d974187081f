//! What is asked of the store about top-ups.

use async_trait::async_trait;

use super::store::StoreError;
use super::transfers::PartyQuery;
use crate::domain::{Operation, OperationId, OperationKind, ResellerId, Status, Timestamp};

/// Operations of one kind and one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationSum {
    pub kind: OperationKind,
    pub status: Status,
    pub count: i64,
    pub amount_minor: i64,
}

/// Named queries; each sees what was committed before it began.
#[async_trait]
pub trait TopupReads: Send + Sync {
    /// Top-ups of the party, ordered by id from the newest.
    async fn topups(&self, query: &PartyQuery) -> Result<Vec<Operation>, StoreError>;

    /// Reversals in whole subtrees, in the same way; below `roots`, whatever the query names.
    async fn reversals_below(&self, roots: &[ResellerId], query: &PartyQuery) -> Result<Vec<Operation>, StoreError>;

    /// Refunds of a top-up, or reversals of a recharge, ordered by id from the newest, before `before` where that is given.
    async fn refunds(
        &self,
        topup: OperationId,
        before: Option<OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError>;

    /// What recharges, top-ups and reversals of whole subtrees that began within a time sum to, by kind and status.
    async fn sums_below(
        &self,
        roots: &[ResellerId],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<OperationSum>, StoreError>;

    /// Top-ups and refunds that are not at their end, by id, the oldest first, beginning after `after`.
    async fn open_topups(&self, after: OperationId, limit: u32) -> Result<Vec<Operation>, StoreError>;

    /// Reversals that are not at their end, in the same way.
    async fn open_reversals(&self, after: OperationId, limit: u32) -> Result<Vec<Operation>, StoreError>;
}
