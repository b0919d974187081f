//! Cases of customer care: what is asked about them, and where their numbers are kept, which the journal has digests of.

use async_trait::async_trait;

use super::store::StoreError;
use crate::domain::{CaseNumbers, CaseStatus, ClientId, PartnerId, Record, RecordId, ResellerId, Timestamp};

/// A page of cases, newest first: those about resellers below the roots, and those of the partner about none.
#[derive(Clone, Debug)]
pub struct CaseQuery {
    pub roots: Vec<ResellerId>,
    pub partner: PartnerId,
    pub status: Option<CaseStatus>,
    pub owner: Option<ClientId>,
    /// Only those that nobody called back though the time for it was over then.
    pub overdue_at: Option<Timestamp>,
    /// Only what comes after this one in the list.
    pub after: Option<(Timestamp, RecordId)>,
    pub limit: u32,
}

#[async_trait]
pub trait CaseStore: Send + Sync {
    /// Keeps numbers under their digest, before a case names it. No decision reads them.
    async fn keep_numbers(&self, numbers: &CaseNumbers) -> Result<(), StoreError>;

    async fn cases(&self, query: &CaseQuery) -> Result<Vec<Record>, StoreError>;

    /// How many cases of all nobody called back though the time for it was over then.
    async fn overdue_cases(&self, at: Timestamp) -> Result<i64, StoreError>;
}
