//! What people did to configuration and network, for auditors.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::domain::{EntryKind, ResellerId, Shard, Timestamp};
use crate::ports::{Reads, RecordedAction, StaffActionQuery};

/// Which actions a page shows.
#[derive(Clone, Debug)]
pub struct AuditFilter {
    pub reseller: Option<ResellerId>,
    pub actor: Option<String>,
    pub kind: Option<EntryKind>,
    /// Recorded at or after.
    pub from: Option<Timestamp>,
    /// Recorded before.
    pub to: Option<Timestamp>,
    /// Only what comes after this one in the list.
    pub after: Option<(Timestamp, Shard, i64)>,
    pub limit: u32,
}

/// A page of actions, newest first.
#[derive(Clone, Debug)]
pub struct AuditPage {
    pub items: Vec<RecordedAction>,
    /// Whether there are more.
    pub more: bool,
}

/// The use cases of auditors.
pub struct Audit {
    pub directory: Arc<Directory>,
    pub reads: Arc<dyn Reads>,
}

impl Audit {
    /// Actions about the caller's resellers, and those that concern no single one.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a reseller that is unknown or outside the caller's subtrees.
    pub async fn list(&self, caller: &Caller, filter: AuditFilter) -> Result<AuditPage, ServiceError> {
        if let Some(reseller) = filter.reseller {
            self.directory.authorise(caller, reseller).await?;
        }
        let query = StaffActionQuery {
            roots: caller.roots.to_vec(),
            reseller: filter.reseller,
            actor: filter.actor,
            kind: filter.kind,
            from: filter.from,
            to: filter.to,
            after: filter.after,
            limit: filter.limit + 1,
        };
        let mut items = self.reads.staff_actions(&query).await?;
        let more = items.len() > filter.limit as usize;
        items.truncate(filter.limit as usize);
        Ok(AuditPage { items, more })
    }
}
