//! What is asked of the store about top-ups.

use async_trait::async_trait;

use super::store::StoreError;
use super::transfers::TransferQuery;
use crate::domain::{Operation, Timestamp};

/// Named queries; each sees what was committed before it began.
#[async_trait]
pub trait TopupReads: Send + Sync {
    /// Top-ups of the party, ordered by id from the newest.
    async fn topups(&self, query: &TransferQuery) -> Result<Vec<Operation>, StoreError>;

    /// Top-ups that are not at their end and began at or before `since`, the oldest first.
    async fn open_topups(&self, since: Timestamp, limit: u32) -> Result<Vec<Operation>, StoreError>;
}
