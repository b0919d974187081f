//! How a recharge stands and what proves it, for others to check.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use super::recharges::Recharges;
use crate::domain::{Effect, Operation, OperationId};
use crate::ledger::Head;
use crate::ports::{AuditReader, AuditedEntry, RecordedEvidence};

/// What a certificate is made of.
#[derive(Clone, Debug)]
pub struct Standing {
    pub operation: Operation,
    /// In its order.
    pub evidence: Vec<RecordedEvidence>,
    /// The entry that brought the outcome or, without one, the last about the recharge.
    pub entry: AuditedEntry,
    /// Of the entry's shard, with it.
    pub head: Head,
}

/// The use case of certificates.
pub struct Certificates {
    pub recharges: Arc<Recharges>,
    pub audit: Arc<dyn AuditReader>,
}

impl Certificates {
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn standing(&self, caller: &Caller, id: OperationId) -> Result<Standing, ServiceError> {
        let operation = self.recharges.get(caller, id).await?;
        let evidence = self.recharges.evidence(&[id]).await?;
        let decided = evidence.iter().find(|recorded| recorded.item.effect == Effect::Decided);
        let sequence = decided.map_or(operation.last_sequence, |recorded| recorded.sequence);
        let entries = self.audit.entries(id.shard(), sequence - 1, sequence, 1).await?;
        let entry = entries.into_iter().next().ok_or(ServiceError::Internal)?;
        // Read last, so that the entry stands in it.
        let head = self.audit.heads().await?.into_iter().find(|head| head.shard == id.shard());
        Ok(Standing { operation, evidence, entry, head: head.ok_or(ServiceError::Internal)? })
    }
}
