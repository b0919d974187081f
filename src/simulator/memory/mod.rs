//! The books in memory: the store's semantics without a disk. Used by property tests, the seeded
//! simulation and benchmarks.
//!
//! As in the databases, a transaction begins by locking its shards' rows, ascending, and waits there for
//! every other session that holds one of them; what it writes is seen by itself alone until it commits;
//! dropping its session discards it; after an error it takes nothing but a rollback. Where a database
//! would let a poster get away with a mistake (writing in a shard it did not lock), this store refuses.

mod audit;
mod care;
mod cases;
mod movements;
mod network;
mod notifications;
mod reads;
mod registry;
mod session;
mod settlement;
mod state;
mod stock;
mod topups;
mod transaction;
mod transfers;
mod webhooks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::domain::Shard;
use crate::ports::{Session, Store, StoreError};
use session::MemorySession;
pub use state::{Books, Network, State, StoredEntry};
pub use webhooks::EndpointRows;

/// A handle on books in memory; clones are handles on the same books.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// The row locks, by shard.
    locks: Vec<Arc<tokio::sync::Mutex<()>>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryStore {
    /// Empty books of `shards` shards, with their system accounts.
    #[must_use]
    pub fn new(shards: u16) -> Self {
        let state = State::new(shards);
        let locks = state.books.iter().map(|_| Arc::default()).collect();
        Self { shared: Arc::new(Shared { state: Mutex::new(state), locks }) }
    }

    /// The committed rows, past every lock and check: for tests that look, or tamper.
    pub fn with_raw<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.shared.state())
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn dialect(&self) -> &'static str {
        "memory"
    }

    fn shards(&self) -> u16 {
        u16::try_from(self.shared.locks.len()).expect("at most 256 shards")
    }

    fn max_posters(&self) -> usize {
        self.shared.locks.len()
    }

    async fn session(&self) -> Result<Box<dyn Session>, StoreError> {
        Ok(Box::new(MemorySession::new(Arc::clone(&self.shared))))
    }
}

fn refused(text: impl Into<String>) -> StoreError {
    StoreError::Refused(text.into())
}

fn no_such_shard(shard: Shard) -> StoreError {
    refused(format!("there is no shard {shard}"))
}
