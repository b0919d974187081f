//! What jobs and use cases of stock ask, beside the reads that everything shares.

use async_trait::async_trait;

use super::store::StoreError;
use crate::domain::{OperationId, Timestamp};

/// Named queries about stock; each sees what was committed before it began.
#[async_trait]
pub trait StockReads: Send + Sync {
    /// Proposals that nobody decided although their time was over at `due_by`, the oldest first.
    async fn overdue_proposals(&self, due_by: Timestamp, limit: u32) -> Result<Vec<OperationId>, StoreError>;
}
