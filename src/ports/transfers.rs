//! What is asked of the store about transfers.

use async_trait::async_trait;

use super::store::StoreError;
use crate::domain::{Operation, OperationId, ResellerId, Status, Timestamp};

/// Whose operations a list shows: of transfers, whoever sent or receives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    Reseller(ResellerId),
    /// Anybody below these roots, the roots included.
    Below(Vec<ResellerId>),
}

/// A page of operations of one kind, newest first.
#[derive(Clone, Debug)]
pub struct PartyQuery {
    pub party: Party,
    pub status: Option<Status>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub to: Option<Timestamp>,
    /// Only what comes after this one in the list.
    pub after: Option<OperationId>,
    pub limit: u32,
}

/// Named queries; each sees what was committed before it began.
#[async_trait]
pub trait TransferReads: Send + Sync {
    /// Transfers and returns, ordered by id from the newest.
    async fn transfers(&self, query: &PartyQuery) -> Result<Vec<Operation>, StoreError>;

    /// Transfers that wait for acceptance and whose time was over at `due_by`, the longest due first.
    async fn overdue_transfers(&self, due_by: Timestamp, limit: u32) -> Result<Vec<Operation>, StoreError>;
}
