//! A poster: gathers batches, drives their transactions, and answers after the commit.
//!
//! The memory of a shard is good only while the shard's row is the one that was written last; it is dropped on every failed or
//! unknown commit. A failure that is nobody's fault is tried again; one that a command causes is found by
//! running the batch's commands singly; a commit whose answer was lost is looked up, never guessed.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::batch::{Batch, Prepared, Results, Witness, shards_of};
use super::observe;
use super::shelf::Shelf;
use super::{EngineConfig, Envelope, RETRY_AFTER_S};
use crate::domain::Shard;
use crate::domain::encoding::Hash;
use crate::ledger::{Books, Command, Moment, Rules};
use crate::ports::{Clock, LedgerError, Session, Store, StoreError};

/// How often a transaction that lost against another is tried before its new business is refused.
const MAX_ATTEMPTS: u32 = 8;
const MIN_BACKOFF: Duration = Duration::from_millis(20);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// Why a batch has no results.
enum Failure {
    /// Nothing was written; another try may succeed.
    Conflict,
    /// Nothing was written, because memory was wrong: a key was taken for new, or another node has changed a shard. It
    /// was dropped, and the next try asks the store.
    Misremembered,
    /// Nothing was written; the store is out of reach.
    Unavailable,
    /// Nothing was written; some command makes the transaction fail.
    Poison,
}

/// Whether batches are decided by memory alone. Where another node writes to the same shards, a batch by memory is
/// done twice, so for a while after one was in vain every batch locks first.
#[derive(Default)]
struct Trust {
    /// Batches that still lock first.
    locked: u32,
    /// How many there will be after the next one in vain.
    penalty: u32,
}

impl Trust {
    const LEAST_PENALTY: u32 = 4;
    const GREATEST_PENALTY: u32 = 1_024;

    fn holds(&self) -> bool {
        self.locked == 0
    }

    fn betrayed(&mut self) {
        self.penalty = (self.penalty * 2).clamp(Self::LEAST_PENALTY, Self::GREATEST_PENALTY);
        self.locked = self.penalty;
    }

    fn regained(&mut self) {
        self.locked = self.locked.saturating_sub(1);
    }

    fn kept(&mut self) {
        self.penalty = self.penalty.saturating_sub(1);
    }
}

pub struct Poster {
    number: usize,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    rules: Arc<Rules>,
    config: EngineConfig,
    business: mpsc::Receiver<Envelope>,
    resolutions: mpsc::UnboundedReceiver<Envelope>,
    session: Option<Box<dyn Session>>,
    shelf: Arc<Shelf>,
    /// The shards of the batch that is under way.
    books: Books,
    trust: Trust,
    /// Resolutions that wait for the store to come back: never refused, tried until durable.
    carried: VecDeque<Envelope>,
    retry_at: Instant,
    backoff: Duration,
}

impl Poster {
    pub fn new(
        number: usize,
        (store, clock, rules): (Arc<dyn Store>, Arc<dyn Clock>, Arc<Rules>),
        (config, shelf): (EngineConfig, Arc<Shelf>),
        business: mpsc::Receiver<Envelope>,
        resolutions: mpsc::UnboundedReceiver<Envelope>,
    ) -> Self {
        Self {
            number,
            store,
            clock,
            rules,
            config,
            business,
            resolutions,
            session: None,
            shelf,
            books: Books::default(),
            trust: Trust::default(),
            carried: VecDeque::new(),
            retry_at: Instant::now(),
            backoff: MIN_BACKOFF,
        }
    }

    /// Works until both lanes are closed and empty.
    pub async fn run(mut self) {
        while let Some(batch) = self.gather().await {
            if !batch.is_empty() {
                self.execute(batch).await;
            }
        }
    }

    /// Waits for a first command, then takes whatever waits, up to the bound. No timer: the duration of the
    /// previous commit is the window.
    async fn gather(&mut self) -> Option<Vec<Envelope>> {
        let mut batch = Vec::with_capacity(self.config.max_batch.min(256));
        if self.carried.is_empty() {
            tokio::select! {
                biased;
                Some(envelope) = self.resolutions.recv() => batch.push(envelope),
                Some(envelope) = self.business.recv() => self.admit(envelope, &mut batch),
                else => return None,
            }
        } else {
            tokio::select! {
                Some(envelope) = self.business.recv() => self.admit(envelope, &mut batch),
                () = sleep_until(self.retry_at) => {}
            }
            batch.extend(self.carried.drain(..));
        }
        // Resolutions go first, but never crowd out all new business.
        let share = self.config.max_batch - self.config.max_batch / 4;
        while batch.len() < share
            && let Ok(envelope) = self.resolutions.try_recv()
        {
            batch.push(envelope);
        }
        while batch.len() < self.config.max_batch
            && let Ok(envelope) = self.business.try_recv()
        {
            self.admit(envelope, &mut batch);
        }
        while batch.len() < self.config.max_batch
            && let Ok(envelope) = self.resolutions.try_recv()
        {
            batch.push(envelope);
        }
        self.gauge_queues();
        Some(batch)
    }

    /// Takes new business into the batch unless it has waited too long or nobody waits for it any more.
    fn admit(&self, envelope: Envelope, batch: &mut Vec<Envelope>) {
        if envelope.answer.is_closed() {
            return;
        }
        if envelope.enqueued_at.elapsed() > Duration::from_millis(self.config.queue_deadline_ms) {
            metrics::counter!("taabia_engine_refused_total", "reason" => "queue_deadline").increment(1);
            envelope.answer(Err(LedgerError::Overloaded { retry_after_s: RETRY_AFTER_S }));
            return;
        }
        batch.push(envelope);
    }

    #[expect(clippy::cast_precision_loss, reason = "queue depths are far below 2^52")]
    fn gauge_queues(&self) {
        let poster = self.number.to_string();
        metrics::gauge!("taabia_engine_queue_depth", "poster" => poster.clone(), "lane" => "business")
            .set(self.business.len() as f64);
        metrics::gauge!("taabia_engine_queue_depth", "poster" => poster, "lane" => "resolutions")
            .set(self.resolutions.len() as f64);
    }

    /// Brings a batch to its end: every command is answered or, a resolution, carried.
    async fn execute(&mut self, batch: Vec<Envelope>) {
        for attempt in 1.. {
            let commands: Vec<&Command> = batch.iter().map(|envelope| &envelope.command).collect();
            match self.attempt(&commands).await {
                Ok(results) => {
                    self.backoff = MIN_BACKOFF;
                    for (envelope, result) in batch.into_iter().zip(results) {
                        envelope.answer(result.map_err(LedgerError::Refused));
                    }
                    return;
                }
                Err(Failure::Misremembered) if attempt < MAX_ATTEMPTS => {}
                Err(Failure::Conflict) if attempt < MAX_ATTEMPTS => {
                    tokio::time::sleep(Duration::from_millis(5) * attempt).await;
                }
                Err(Failure::Conflict | Failure::Unavailable) => return self.give_way(batch),
                Err(Failure::Poison | Failure::Misremembered) => return self.isolate(batch).await,
            }
        }
    }

    /// Runs the commands of a poisoned batch singly: the one that fails alone gets an error.
    async fn isolate(&mut self, batch: Vec<Envelope>) {
        if batch.len() > 1 {
            metrics::counter!("taabia_engine_poisoned_batches_total").increment(1);
            for envelope in batch {
                Box::pin(self.execute(vec![envelope])).await;
            }
            return;
        }
        for envelope in batch {
            envelope.answer(Err(LedgerError::Internal));
        }
    }

    /// The store is out of reach: new business is refused, resolutions wait.
    fn give_way(&mut self, batch: Vec<Envelope>) {
        for envelope in batch {
            if envelope.command.request.is_new_business() {
                envelope.answer(Err(LedgerError::Unavailable { retry_after_s: RETRY_AFTER_S }));
            } else {
                self.carried.push_back(envelope);
            }
        }
        self.retry_at = Instant::now() + self.backoff;
        self.backoff = (self.backoff * 2).min(MAX_BACKOFF);
    }

    /// One transaction, with a panic of a decision treated as poison.
    async fn attempt(&mut self, commands: &[&Command]) -> Result<Results, Failure> {
        let shards = shards_of(commands, self.store.shards());
        let taken = self.shelf.take(&shards, &mut self.books).await;
        let guarded = AssertUnwindSafe(self.transact(commands, &shards)).catch_unwind().await;
        match guarded {
            Ok(Ok(results)) => {
                taken.put_back(&mut self.books, self.config.cached_rows);
                Ok(results)
            }
            Ok(Err(error)) => {
                self.books.clear();
                Err(self.classify(error).await)
            }
            Err(_) => {
                tracing::error!(poster = self.number, "a decision panicked; its batch is run singly");
                self.session = None;
                self.books.clear();
                Err(Failure::Poison)
            }
        }
    }

    async fn transact(&mut self, commands: &[&Command], shards: &[Shard]) -> Result<Results, StoreError> {
        let begun = Instant::now();
        if self.session.is_none() {
            self.session = Some(self.store.session().await?);
        }
        let session = self.session.as_mut().expect("it was just opened");
        let moment = Moment { now: self.clock.now(), rules: &self.rules };
        let mut batch =
            Batch { session: session.as_mut(), books: &mut self.books, shard_count: self.store.shards(), moment };
        let by_memory = if self.trust.holds() { batch.prepare_by_memory(commands, shards) } else { None };
        let (prepared, committed) = match by_memory {
            Some(prepared) => {
                let posted = batch.post(&prepared.changes).await;
                if posted.is_ok() {
                    self.trust.kept();
                }
                (prepared, posted)
            }
            None => {
                let prepared = batch.prepare_locked(commands, shards).await?;
                self.trust.regained();
                if prepared.changes.is_empty() {
                    session.rollback().await?;
                    return Ok(prepared.results);
                }
                let committing = Instant::now();
                let committed = session.commit().await;
                metrics::histogram!("taabia_engine_commit_seconds").record(committing.elapsed().as_secs_f64());
                (prepared, committed)
            }
        };
        self.settle(&prepared, committed).await?;
        observe::evidence(&prepared.changes);
        metrics::histogram!("taabia_engine_batch_seconds").record(begun.elapsed().as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a batch has at most some thousand commands")]
        metrics::histogram!("taabia_engine_batch_size").record(commands.len() as f64);
        Ok(prepared.results)
    }

    /// Makes sure of a commit whose answer was lost.
    async fn settle(&mut self, prepared: &Prepared, committed: Result<(), StoreError>) -> Result<(), StoreError> {
        match (committed, prepared.witness()) {
            (Err(StoreError::CommitUnknown(error)), Some(witness)) => {
                tracing::warn!(poster = self.number, error, "a commit was sent and not answered");
                self.recover(witness).await
            }
            (committed, _) => committed,
        }
    }

    /// Finds out whether a transaction was committed: over a new connection it takes the same shard's lock,
    /// which waits for the orphan to end, and looks for an entry that only that transaction wrote.
    ///
    /// `Ok` when it was committed; [`StoreError::Conflict`], to be tried again, when it was not.
    async fn recover(&mut self, (shard, sequence, leaf): Witness) -> Result<(), StoreError> {
        self.books.clear();
        let mut pause = MIN_BACKOFF;
        loop {
            self.session = None;
            match self.look_for(shard, sequence).await {
                Ok(found) => {
                    let committed = found == Some(leaf);
                    metrics::counter!("taabia_engine_unknown_commits_total", "committed" => committed.to_string())
                        .increment(1);
                    tracing::warn!(poster = self.number, committed, "the unknown commit is resolved");
                    let lost = || StoreError::Conflict("the transaction was not committed".into());
                    return if committed { Ok(()) } else { Err(lost()) };
                }
                Err(error) => {
                    tracing::warn!(poster = self.number, error = %error, "an unknown commit cannot be looked up yet");
                    self.refuse_waiting();
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(MAX_BACKOFF);
                }
            }
        }
    }

    async fn look_for(&mut self, shard: Shard, sequence: i64) -> Result<Option<Hash>, StoreError> {
        let mut session = self.store.session().await?;
        session.lock(&[shard]).await?;
        let found = session.leaf(shard, sequence).await?;
        session.rollback().await?;
        self.session = Some(session);
        Ok(found)
    }

    /// While the store is away, waiting business is told at once.
    fn refuse_waiting(&mut self) {
        while let Ok(envelope) = self.business.try_recv() {
            envelope.answer(Err(LedgerError::Unavailable { retry_after_s: RETRY_AFTER_S }));
        }
    }

    async fn classify(&mut self, error: StoreError) -> Failure {
        let failure = match &error {
            StoreError::Unavailable(_) | StoreError::CommitUnknown(_) => Failure::Unavailable,
            StoreError::Conflict(_) => Failure::Conflict,
            StoreError::KeyTaken(_) | StoreError::Stale(_) => Failure::Misremembered,
            StoreError::Refused(_) | StoreError::Corrupt(_) => Failure::Poison,
        };
        if matches!(failure, Failure::Misremembered) {
            metrics::counter!("taabia_engine_misremembered_total").increment(1);
            tracing::debug!(poster = self.number, error = %error, "a batch is decided again");
            self.trust.betrayed();
        } else {
            tracing::warn!(poster = self.number, error = %error, "a batch was not written");
        }
        // A session may go on after an error that the store itself reported, if it can roll back.
        let usable = match (&failure, self.session.as_mut()) {
            (Failure::Unavailable, _) | (_, None) => false,
            (Failure::Conflict | Failure::Poison | Failure::Misremembered, Some(session)) => {
                session.rollback().await.is_ok()
            }
        };
        if !usable {
            self.session = None;
        }
        failure
    }
}

impl Envelope {
    /// Nobody may wait any more; then the outcome stands all the same.
    fn answer(self, result: Result<crate::ledger::Outcome, LedgerError>) {
        let _ = self.answer.send(result);
    }
}
