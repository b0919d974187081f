//! What the suite shares: a clock that is moved by hand, reproducible randomness, and books on every store.

pub mod api;
pub mod bank;
pub mod care;
pub mod charger;
pub mod contents;
pub mod database;
pub mod partners;
pub mod postgres;
pub mod program;
pub mod proxy;
pub mod reversals;
pub mod script;
pub mod topups;
pub mod transfers;
pub mod webhooks;
pub mod world;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use taabia::domain::Timestamp;
use taabia::ports::{AuditReader, Clock, Randomness};
use taabia::simulator::memory::MemoryStore;
use world::Books;

/// A clock that stands still until it is moved.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn at(text: &str) -> Self {
        Self(AtomicI64::new(Timestamp::parse(text).unwrap().unix_ms()))
    }

    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// The clock of the machine.
pub struct RealClock;

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "a test against real servers needs the real time")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap())
    }
}

/// Bytes from a counter: distinct and reproducible (splitmix64).
pub struct SeededRandomness(AtomicU64);

impl SeededRandomness {
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Registers a test for every kind of store: `on_every_store!(name, async |books| { … })`.
macro_rules! on_every_store {
    ($name:ident, $test:expr) => {
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_memory() {
                ($test)($crate::support::in_memory(3)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let database = $crate::support::database::Database::sqlite().await;
                ($test)($crate::support::books_of(&database)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                let database = $crate::support::database::Database::postgres().await;
                ($test)($crate::support::books_of(&database)).await;
            }
        }
    };
}
pub(crate) use on_every_store;

pub fn in_memory(shards: u16) -> Books {
    in_memory_on(&MemoryStore::new(shards))
}

/// Books that the test can look behind.
pub fn in_memory_on(store: &MemoryStore) -> Books {
    let store = std::sync::Arc::new(store.clone());
    Books {
        store: store.clone(),
        registry: store.clone(),
        network: store.clone(),
        audit: store.clone(),
        stock: store.clone(),
        movements: store.clone(),
        topups: store.clone(),
        settlement: store.clone(),
        notifications: store.clone(),
        webhooks: store.clone(),
        care: store.clone(),
        cases: store,
    }
}

pub fn books_of(database: &database::Database) -> Books {
    database.storage.clone().into()
}

/// The books stand: the auditors' verification finds nothing.
pub async fn must_verify(audit: &dyn AuditReader) {
    let options = taabia::reports::verify::Options::default();
    taabia::reports::verify::verify(audit, &options, &mut |_| {}).await.unwrap();
}

/// A number from the environment, for campaigns longer than the everyday run.
#[expect(clippy::disallowed_methods, reason = "how long a campaign lasts is said from outside")]
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}
