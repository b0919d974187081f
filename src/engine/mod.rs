//! The posting engine: commands in, durable outcomes out (`design.md` §4).
//!
//! Each poster is a detached task with a connection of its own and a fixed set of shards. It drains whatever
//! waits, locks the shards, decides everything in memory by the pure functions of [`crate::ledger`], writes it
//! with a handful of statements, commits once and then answers. Nothing queues inside the database, and a
//! caller that goes away changes nothing.

mod batch;
mod gate;
mod observe;
mod poster;
mod shelf;
mod wants;

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::ledger::{Command, Outcome, Rules};
use crate::ports::{Clock, Ledger, LedgerError, Store};
pub use gate::SalesGate;
use poster::Poster;
use shelf::Shelf;

/// How the engine is sized.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Posters; never more than the store has writers or the installation has shards.
    pub posters: usize,
    /// Commands of one transaction at most.
    pub max_batch: usize,
    /// New business that may wait for one poster.
    pub queue_capacity: usize,
    /// New business that has waited longer is refused as overload.
    pub queue_deadline_ms: u64,
    /// Rows of a kind that one shard keeps in memory between batches.
    pub cached_rows: usize,
    /// Gives each poster a thread of its own, so that its round trips do not queue behind the requests that the
    /// last commit woke up. Off where the whole must run in one runtime, as in the simulation.
    pub own_threads: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            posters: 2,
            max_batch: 1_024,
            queue_capacity: 8_192,
            queue_deadline_ms: 2_000,
            cached_rows: 100_000,
            own_threads: false,
        }
    }
}

/// What an overloaded or unavailable engine tells its callers to wait.
const RETRY_AFTER_S: u32 = 1;
/// A recovery is the work of people.
const RETRY_AFTER_RECOVERY_S: u32 = 60;

/// A command on its way to a poster.
struct Envelope {
    command: Command,
    enqueued_at: Instant,
    answer: oneshot::Sender<Result<Outcome, LedgerError>>,
}

/// The two ways to a poster. Only new business can be refused; what moves an open operation on travels in a
/// lane of its own, as long as there are open operations.
struct Lanes {
    business: mpsc::Sender<Envelope>,
    resolutions: mpsc::UnboundedSender<Envelope>,
}

/// A running engine.
pub struct Engine {
    /// One pair per poster; empty once the engine is closed.
    lanes: RwLock<Vec<Lanes>>,
    posters: tokio::sync::Mutex<Vec<oneshot::Receiver<()>>>,
    shards: u16,
    gate: Arc<SalesGate>,
}

impl Engine {
    /// Starts the posters.
    #[must_use]
    pub fn start(store: Arc<dyn Store>, clock: Arc<dyn Clock>, rules: Arc<Rules>, config: &EngineConfig) -> Arc<Self> {
        let shards = store.shards();
        let count = config.posters.clamp(1, store.max_posters().min(usize::from(shards)).max(1));
        let shelf = Arc::new(Shelf::new(shards));
        let mut lanes = Vec::with_capacity(count);
        let mut posters = Vec::with_capacity(count);
        for number in 0..count {
            let (business, business_receiver) = mpsc::channel(config.queue_capacity.max(1));
            let (resolutions, resolutions_receiver) = mpsc::unbounded_channel();
            let poster = Poster::new(
                number,
                (store.clone(), clock.clone(), rules.clone()),
                (config.clone(), shelf.clone()),
                business_receiver,
                resolutions_receiver,
            );
            posters.push(spawn(poster, config.own_threads));
            lanes.push(Lanes { business, resolutions });
        }
        Arc::new(Self {
            lanes: RwLock::new(lanes),
            posters: tokio::sync::Mutex::new(posters),
            shards,
            gate: Arc::default(),
        })
    }

    /// What lets sales through. Open until somebody closes it.
    #[must_use]
    pub fn gate(&self) -> &Arc<SalesGate> {
        &self.gate
    }

    /// Takes no more commands, lets the posters finish what waits, and ends them.
    pub async fn close(&self) {
        self.lanes.write().unwrap_or_else(PoisonError::into_inner).clear();
        for poster in self.posters.lock().await.drain(..) {
            if poster.await.is_err() {
                tracing::error!("a poster ended abnormally");
            }
        }
    }

    fn send(&self, command: Command) -> Result<oneshot::Receiver<Result<Outcome, LedgerError>>, LedgerError> {
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        if lanes.is_empty() {
            return Err(LedgerError::Unavailable { retry_after_s: RETRY_AFTER_S });
        }
        if command.request.is_sale() && self.gate.refused_since().is_some() {
            return Err(LedgerError::Recovering { retry_after_s: RETRY_AFTER_RECOVERY_S });
        }
        // The poster of the lowest shard: locks are always taken in ascending order.
        let home = command.request.home(self.shards);
        let others = command.request.other_shards(self.shards);
        let lowest = others.into_iter().fold(home, Ord::min);
        let lane = &lanes[lowest.index() % lanes.len()];
        let (answer, receiver) = oneshot::channel();
        let new_business = command.request.is_new_business();
        let envelope = Envelope { command, enqueued_at: Instant::now(), answer };
        if new_business {
            lane.business.try_send(envelope).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => LedgerError::Overloaded { retry_after_s: RETRY_AFTER_S },
                mpsc::error::TrySendError::Closed(_) => LedgerError::Unavailable { retry_after_s: RETRY_AFTER_S },
            })?;
        } else {
            let closed = lane.resolutions.send(envelope).is_err();
            if closed {
                return Err(LedgerError::Unavailable { retry_after_s: RETRY_AFTER_S });
            }
        }
        Ok(receiver)
    }
}

/// Starts a poster; what it gives back is answered when the poster has ended in order.
fn spawn(poster: Poster, own_thread: bool) -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    let work = async move {
        poster.run().await;
        let _ = ended.send(());
    };
    if own_thread {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a thread can have a runtime").block_on(work);
        });
    } else {
        tokio::spawn(work);
    }
    end
}

#[async_trait]
impl Ledger for Engine {
    async fn execute(&self, command: Command) -> Result<Outcome, LedgerError> {
        let receiver = self.send(command)?;
        // A poster that ended without answering: what it wrote, only the store knows.
        receiver.await.unwrap_or(Err(LedgerError::Internal))
    }
}
