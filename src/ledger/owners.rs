//! What commissions read of a shard's memory: who stands above a reseller, and which accounts somebody has here.
//!
//! A reseller above a seller may have accounts in the seller's shard: what it earned by that shard's sales. Where the
//! reseller itself lives does not matter. Whatever moves a reseller in the network writes in every shard, so that no
//! memory of who stands above whom outlives it.

use std::collections::{HashMap, HashSet};

use crate::domain::{Account, AccountClass, AccountNumber, Ancestry, LevelName, ResellerId, Rung};

#[derive(Clone, Debug, Default)]
pub struct Owners {
    ancestries: HashMap<ResellerId, Ancestry>,
    numbers: HashMap<(ResellerId, AccountClass), AccountNumber>,
    /// All their accounts in this shard are in memory.
    complete: HashSet<ResellerId>,
}

impl Owners {
    /// The reseller and all above it; `None` when that was not loaded.
    #[must_use]
    pub fn ancestry(&self, reseller: ResellerId) -> Option<&Ancestry> {
        self.ancestries.get(&reseller)
    }

    /// The level of a reseller whose ancestry was loaded; else none, which only rules for all levels fit.
    #[must_use]
    pub fn level(&self, reseller: ResellerId) -> &str {
        self.ancestry(reseller).and_then(|ancestry| ancestry.first()).map_or("", |rung| rung.level.as_str())
    }

    /// The account of a class that somebody has in this shard, if all of its accounts are known.
    #[must_use]
    pub fn account(&self, owner: ResellerId, class: AccountClass) -> Option<AccountNumber> {
        self.numbers.get(&(owner, class)).copied()
    }

    #[must_use]
    pub fn knows_accounts_of(&self, owner: ResellerId) -> bool {
        self.complete.contains(&owner)
    }

    pub fn admit_ancestry(&mut self, ancestry: Ancestry) {
        if let Some(own) = ancestry.first() {
            self.ancestries.insert(own.reseller, ancestry.clone());
        }
    }

    pub(super) fn admit_account(&mut self, account: &Account) {
        if let Some(owner) = account.owner {
            self.numbers.insert((owner, account.class), account.number);
        }
    }

    /// The store was asked for all accounts of somebody, and what it has is admitted.
    pub fn complete(&mut self, owner: ResellerId) {
        self.complete.insert(owner);
    }

    /// A reseller was opened below a parent whose ancestry is known, or at the top.
    pub(super) fn open(&mut self, reseller: ResellerId, level: LevelName, parent: Option<ResellerId>) {
        let above = match parent.map(|parent| self.ancestries.get(&parent)) {
            None => None,
            Some(Some(above)) => Some(above),
            // Read from the store when it is asked for.
            Some(None) => return,
        };
        let own = Rung { reseller, level };
        let ancestry = std::iter::once(own).chain(above.into_iter().flat_map(|above| above.iter().cloned()));
        self.ancestries.insert(reseller, ancestry.collect());
    }

    /// Somebody moved in the network.
    pub fn forget_ancestries(&mut self) {
        self.ancestries.clear();
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
