//! Where resellers stand in the tree: what the authorisation by subtree asks.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use crate::domain::{ResellerId, Shard};
use crate::ports::Registry;

/// Looks resellers up. Positive answers are remembered for a few seconds.
pub struct Directory {
    registry: Arc<dyn Registry>,
    shards: u16,
}

/// A page of a caller's resellers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResellerPage {
    pub reseller_ids: Vec<ResellerId>,
    /// Where the next page begins.
    pub next: Option<ResellerId>,
}

impl Directory {
    #[must_use]
    pub fn new(registry: Arc<dyn Registry>, shards: u16) -> Self {
        Self { registry, shards }
    }

    #[must_use]
    pub fn shard_of(&self, reseller: ResellerId) -> Shard {
        Shard::of(reseller.uuid(), self.shards)
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when the reseller is unknown or outside the caller's subtrees.
    pub async fn authorise(&self, caller: &Caller, reseller: ResellerId) -> Result<(), ServiceError> {
        let ancestors = self.registry.ancestors(reseller).await?;
        if ancestors.iter().any(|ancestor| caller.roots.contains(ancestor)) {
            Ok(())
        } else {
            Err(ServiceError::NotFound)
        }
    }

    /// The caller's resellers: all below its roots, by id.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn page(
        &self,
        caller: &Caller,
        after: Option<ResellerId>,
        limit: u32,
    ) -> Result<ResellerPage, ServiceError> {
        let mut found = self.registry.subtree(&caller.roots, after, limit + 1).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let reseller_ids: Vec<_> = found.iter().map(|registration| registration.id).collect();
        let next = if more { reseller_ids.last().copied() } else { None };
        Ok(ResellerPage { reseller_ids, next })
    }
}
