//! Named queries about stock over the committed rows.

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::{OperationId, Status, Timestamp};
use crate::ports::{StockReads, StoreError};

#[async_trait]
impl StockReads for MemoryStore {
    async fn overdue_proposals(&self, due_by: Timestamp, limit: u32) -> Result<Vec<OperationId>, StoreError> {
        let state = self.shared.state();
        let operations = state.books.iter().flat_map(|books| books.operations.values());
        let mut overdue: Vec<_> = operations
            .filter(|operation| operation.status == Status::PendingApproval)
            .filter_map(|operation| Some((operation.four_eyes()?.expires_at, operation.id)))
            .filter(|(expires_at, _)| *expires_at <= due_by)
            .collect();
        overdue.sort_unstable();
        Ok(overdue.into_iter().take(limit as usize).map(|(_, id)| id).collect())
    }
}
