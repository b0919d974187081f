//! What jobs and use cases of stock ask, beside the reads that everything shares.

use async_trait::async_trait;

use super::store::StoreError;
use crate::domain::{Decline, Line, OperationId, ResellerId, RunTotals, Shard, Standing, Status, Timestamp};

/// A line of a run beside its allocation, once there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineState {
    pub line: Line,
    pub allocation: Option<LineOutcome>,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineOutcome {
    pub operation: OperationId,
    pub status: Status,
    pub decline: Option<Decline>,
    pub amount_minor: i64,
}

/// What a decision about an allocation would read of its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverStock {
    pub reseller: ResellerId,
    pub standing: Standing,
    pub available_minor: i64,
}

/// Named queries about stock; each sees what was committed before it began.
#[async_trait]
pub trait StockReads: Send + Sync {
    /// Proposals that nobody decided although their time was over at `due_by`, the oldest first.
    async fn overdue_proposals(&self, due_by: Timestamp, limit: u32) -> Result<Vec<OperationId>, StoreError>;

    /// Runs that are not finished, the oldest first.
    async fn running_runs(&self) -> Result<Vec<OperationId>, StoreError>;

    /// Lines of a run by their number, beginning after `after`; `only_open` leaves out what was carried out and what
    /// never can be.
    async fn run_lines(
        &self,
        run: OperationId,
        after: i64,
        limit: u32,
        only_open: bool,
    ) -> Result<Vec<LineState>, StoreError>;

    /// What a run has come to so far; refused are those whose allocation was declined.
    async fn run_progress(&self, run: OperationId) -> Result<RunTotals, StoreError>;

    /// Resellers by code or id, with their codes, as far as they lie below `roots`.
    async fn receivers(
        &self,
        codes: &[&str],
        ids: &[ResellerId],
        roots: &[ResellerId],
    ) -> Result<Vec<(ResellerId, String)>, StoreError>;

    /// The resellers that nobody stands above.
    async fn tops(&self) -> Result<Vec<ResellerId>, StoreError>;

    /// Standing and available stock of the resellers that exist.
    async fn stocks(&self, resellers: &[(Shard, ResellerId)]) -> Result<Vec<ReceiverStock>, StoreError>;

    /// What is available in the operator's stock, in minor units.
    async fn operator_stock(&self) -> Result<i64, StoreError>;
}
