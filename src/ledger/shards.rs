//! What a poster has in memory: shards, and what the batch knows of the network.

use std::collections::BTreeMap;

use super::books::ShardBooks;
use super::tree::Tree;
use crate::domain::Shard;

/// The shards that a poster has in memory.
#[derive(Clone, Debug, Default)]
pub struct Books {
    shards: BTreeMap<Shard, ShardBooks>,
    tree: Tree,
}

impl Books {
    /// What the batch knows of the network's tree.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    pub fn tree_mut(&mut self) -> &mut Tree {
        &mut self.tree
    }

    #[must_use]
    pub fn get(&self, shard: Shard) -> Option<&ShardBooks> {
        self.shards.get(&shard)
    }

    /// # Panics
    /// When the shard is not in memory: the engine loads it before deciding.
    #[must_use]
    pub fn shard(&self, shard: Shard) -> &ShardBooks {
        self.shards.get(&shard).expect("the engine locked and loaded the shard")
    }

    /// # Panics
    /// When the shard is not in memory: the engine loads it before deciding.
    #[must_use]
    pub fn shard_mut(&mut self, shard: Shard) -> &mut ShardBooks {
        self.shards.get_mut(&shard).expect("the engine locked and loaded the shard")
    }

    pub fn insert(&mut self, books: ShardBooks) {
        self.shards.insert(books.shard(), books);
    }

    pub fn remove(&mut self, shard: Shard) -> Option<ShardBooks> {
        self.shards.remove(&shard)
    }

    pub fn clear(&mut self) {
        self.shards.clear();
        self.tree.clear();
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut ShardBooks> {
        self.shards.values_mut()
    }
}
