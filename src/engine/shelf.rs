//! The memory of shards between batches. It belongs to the process, not to a poster: a command that touches the shards
//! of several posters leaves all of them as well remembered as before.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::domain::Shard;
use crate::ledger::{Books, ShardBooks};

/// One place for each shard.
pub struct Shelf(Vec<Arc<Mutex<Option<ShardBooks>>>>);

/// Places that nobody else can reach. Dropped without putting anything back, they are empty: what was taken is forgotten.
pub struct Taken(Vec<(Shard, OwnedMutexGuard<Option<ShardBooks>>)>);

impl Shelf {
    pub fn new(shards: u16) -> Self {
        Self(Shard::all(shards).map(|_| Arc::default()).collect())
    }

    /// Moves what is remembered of the shards into `books`, and waits for posters that are at work on one of them. The
    /// shards ascend, as the locks of their rows do, so that no two wait for each other.
    pub async fn take(&self, shards: &[Shard], books: &mut Books) -> Taken {
        let mut taken = Vec::with_capacity(shards.len());
        for shard in shards {
            let mut place = self.0[shard.index()].clone().lock_owned().await;
            if let Some(remembered) = place.take() {
                books.insert(remembered);
            }
            taken.push((*shard, place));
        }
        Taken(taken)
    }
}

impl Taken {
    /// Puts the shards back, each with at most so many rows of a kind.
    pub fn put_back(self, books: &mut Books, cached_rows: usize) {
        for (shard, mut place) in self.0 {
            *place = books.remove(shard).map(|mut remembered| {
                remembered.forget(cached_rows);
                remembered
            });
        }
    }
}
