//! Sends events to partners' endpoints, out of the one log.
//!
//! Each endpoint has a cursor per shard: what is behind it was delivered, is none of its business, or waits in a row of
//! its own. An event is sent first and written down after, so a node that dies in between sends it again: at least once.
//! Events of one operation go in their order, one after the other; one that fails holds back those behind it of the same
//! operation and no others. Memory holds a page of the log and one chunk of events per endpoint; the log itself is the
//! queue, so an endpoint that is down costs rows for what was tried, not for what happens meanwhile.

mod round;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use self::round::{Memory, Round};
use crate::domain::{Shard, WebhookId};
use crate::ports::{Clock, Ledger, Movements, Notifier, Randomness, Reads, StoreError, WebhookOutbox};
use crate::services::ServiceError;
use crate::services::webhooks::{Endpoint, Messages, WebhookKey, all_endpoints};

/// Endpoints worked for at the same time; each has a few events under way.
const ENDPOINTS_AT_ONCE: usize = 64;
/// How often the delivery log is cut.
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// How the job works.
#[derive(Clone, Copy, Debug)]
pub struct WebhookConfig {
    /// Pause between two looks at the log.
    pub poll_interval_ms: u64,
    /// How long attempts are kept.
    pub log_days: u32,
}

/// What the job needs of the world.
pub struct WebhookJob {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub movements: Arc<dyn Movements>,
    pub outbox: Arc<dyn WebhookOutbox>,
    pub notifier: Arc<dyn Notifier>,
    pub messages: Messages,
    pub key: Arc<WebhookKey>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub shards: u16,
    /// What tells this node from others.
    pub node: Uuid,
    pub config: WebhookConfig,
    pub known: Known,
}

/// What the job remembers of endpoints between two looks. All of it can be lost.
#[derive(Default)]
pub struct Known(Mutex<HashMap<WebhookId, Memory>>);

impl Known {
    fn all(&self) -> MutexGuard<'_, HashMap<WebhookId, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WebhookJob {
    /// Sends until `stop` turns true or its sender is gone. An endpoint that is slow keeps no other waiting.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let (job, mut tasks) = (Arc::new(self), JoinSet::new());
        let (mut busy, mut forget_at) = (HashMap::new(), Instant::now());
        loop {
            while let Some(ended) = tasks.try_join_next_with_id() {
                busy.remove(&ended.map_or_else(|error| error.id(), |(task, ())| task));
            }
            match all_endpoints(&*job.reads).await {
                Ok(endpoints) => {
                    job.forget_all_but(&endpoints);
                    for endpoint in endpoints.into_iter().filter(Endpoint::is_enabled) {
                        if busy.len() < ENDPOINTS_AT_ONCE && !busy.values().any(|id| *id == endpoint.id) {
                            let (id, job, stop) = (endpoint.id, job.clone(), stop.clone());
                            let task = tasks.spawn(async move { job.work_for(&endpoint, &stop).await });
                            busy.insert(task.id(), id);
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "endpoints of partners are not read for now"),
            }
            if forget_at <= Instant::now() {
                forget_at += FORGET_EVERY;
                job.forget_attempts().await;
            }
            let pause = Duration::from_millis(job.config.poll_interval_ms);
            if timeout(pause, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
        }
    }

    /// One look at the log for every endpoint.
    ///
    /// # Errors
    /// When the endpoints cannot be read.
    pub async fn sweep(&self, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
        let endpoints = all_endpoints(&*self.reads).await?;
        let enabled = endpoints.iter().filter(|endpoint| endpoint.is_enabled());
        stream::iter(enabled).for_each_concurrent(ENDPOINTS_AT_ONCE, |endpoint| self.work_for(endpoint, stop)).await;
        Ok(())
    }

    async fn work_for(&self, endpoint: &Endpoint, stop: &watch::Receiver<bool>) {
        let mut memory = self.known.all().remove(&endpoint.id).unwrap_or_default();
        if let Err(error) = self.round(endpoint, &mut memory, stop).await {
            memory.forget_places();
            tracing::warn!(?error, endpoint = %endpoint.id, "events are not sent for now");
        }
        self.known.all().insert(endpoint.id, memory);
        self.measure();
    }

    async fn round(
        &self,
        endpoint: &Endpoint,
        memory: &mut Memory,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), ServiceError> {
        if endpoint.body.key_fingerprint != self.key.fingerprint() {
            if memory.notice_once() {
                tracing::error!(endpoint = %endpoint.id, "its secrets are made of another key; nothing is sent");
            }
            return Ok(());
        }
        // Whoever may no longer call is no longer told.
        let Some(caller) = self.messages.client(endpoint.client).await? else { return Ok(()) };
        if !self.lease(endpoint.id, memory).await? {
            return Ok(());
        }
        Round::new(self, endpoint, caller, memory, stop).await?.work().await
    }

    /// What is told of one shard to nobody is no reason to keep its place.
    fn forget_all_but(&self, endpoints: &[Endpoint]) {
        let live: HashSet<WebhookId> = endpoints.iter().map(|endpoint| endpoint.id).collect();
        self.known.all().retain(|id, _| live.contains(id));
    }

    async fn forget_attempts(&self) {
        let before = self.clock.now().plus_ms(-i64::from(self.config.log_days) * 86_400_000);
        if let Err(error) = self.outbox.forget_attempts(before).await {
            tracing::warn!(%error, "the delivery log is not cut for now");
        }
    }

    fn measure(&self) {
        let (mut waiting, mut behind) = (0, 0);
        for memory in self.known.all().values() {
            waiting += memory.waiting;
            behind = behind.max(memory.behind);
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        {
            metrics::gauge!("taabia_webhook_waiting_events").set(waiting as f64);
            metrics::gauge!("taabia_webhook_behind_entries").set(behind as f64);
        }
    }

    async fn lease(&self, endpoint: WebhookId, memory: &mut Memory) -> Result<bool, StoreError> {
        /// Long enough for a chunk of events that all time out.
        const LEASE_MS: i64 = 60_000;
        let now = self.clock.now();
        if now.plus_ms(LEASE_MS / 2) < memory.leased_until {
            return Ok(true);
        }
        let until = now.plus_ms(LEASE_MS);
        let leased = self.outbox.lease(endpoint, self.node, now, until).await?;
        if leased {
            memory.leased_until = until;
        }
        Ok(leased)
    }

    /// How far a log goes beyond a place.
    async fn beyond(&self, shard: Shard, place: i64) -> Result<i64, StoreError> {
        Ok(self.movements.log_place(shard).await?.head.saturating_sub(place))
    }
}
