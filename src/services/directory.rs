//! Where resellers stand in the tree: what the authorisation by subtree asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::caller::{Caller, ServiceError};
use crate::domain::{Relation, ResellerId, Shard};
use crate::ports::Registry;

/// How long an answer is good: a moved subtree is honoured after it at the latest.
const TTL: Duration = Duration::from_secs(10);
/// Resellers remembered at most.
const CAPACITY: usize = 100_000;

/// A reseller's line of ancestors, itself first.
type Ancestors = Arc<[ResellerId]>;

/// Looks resellers up and remembers their ancestors for a few seconds.
pub struct Directory {
    registry: Arc<dyn Registry>,
    shards: u16,
    known: Mutex<HashMap<ResellerId, (Instant, Ancestors)>>,
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
        Self { registry, shards, known: Mutex::default() }
    }

    #[must_use]
    pub fn shard_of(&self, reseller: ResellerId) -> Shard {
        Shard::of(reseller.uuid(), self.shards)
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when the reseller is unknown or outside the caller's subtrees.
    pub async fn authorise(&self, caller: &Caller, reseller: ResellerId) -> Result<(), ServiceError> {
        let ancestors = self.ancestors(reseller).await?;
        let inside = ancestors.iter().any(|ancestor| caller.roots.contains(ancestor));
        if inside { Ok(()) } else { Err(ServiceError::NotFound) }
    }

    /// A subtree moved: what is remembered is asked again.
    pub fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How `to` stands to `from` in the network, as it was seconds ago at most.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn relation(&self, from: ResellerId, to: ResellerId) -> Result<Relation, ServiceError> {
        Ok(Relation::between(&self.ancestors(from).await?, &self.ancestors(to).await?))
    }

    /// The reseller, then who stands above it, up to the top, as it was seconds ago at most.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn line(&self, reseller: ResellerId) -> Result<Vec<ResellerId>, ServiceError> {
        Ok(self.ancestors(reseller).await?.to_vec())
    }

    /// Who stands directly above, as it was seconds ago at most; `None` at the top.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn parent(&self, reseller: ResellerId) -> Result<Option<ResellerId>, ServiceError> {
        Ok(self.ancestors(reseller).await?.get(1).copied())
    }

    async fn ancestors(&self, reseller: ResellerId) -> Result<Ancestors, ServiceError> {
        let now = Instant::now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&reseller).cloned();
        if let Some((until, ancestors)) = known
            && now < until
        {
            return Ok(ancestors);
        }
        let ancestors: Ancestors = self.registry.ancestors(reseller).await?.into();
        // Unknown resellers are not remembered: a guesser cannot fill the memory, a new one is seen at once.
        if !ancestors.is_empty() {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= CAPACITY {
                known.clear();
            }
            known.insert(reseller, (now + TTL, ancestors.clone()));
        }
        Ok(ancestors)
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
