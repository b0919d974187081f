//! The clients as they stand, re-read every few seconds: what makes a revocation count although tokens
//! live for minutes.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::domain::{ClientId, PartnerId, ResellerId};
use crate::ports::{Client, Registry};
use crate::services::Scope;

/// How fresh the state of a client must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientFreshness {
    /// Re-read when older.
    pub refresh_after: Duration,
    /// With the store out of reach the last known state is used up to this age, then nobody gets in.
    pub usable_for: Duration,
    /// The store is out of reach when it has not answered by then.
    pub answer_within: Duration,
}

impl Default for ClientFreshness {
    fn default() -> Self {
        Self {
            refresh_after: Duration::from_secs(2),
            usable_for: Duration::from_mins(1),
            answer_within: Duration::from_secs(1),
        }
    }
}

/// A client that is not revoked.
pub(super) struct ActiveClient {
    pub(super) id: ClientId,
    pub(super) partner: PartnerId,
    pub(super) name: Arc<str>,
    pub(super) scopes: Arc<[Scope]>,
    pub(super) roots: Arc<[ResellerId]>,
    pub(super) rate_limit_per_s: Option<u32>,
    limiter: Option<Arc<DefaultDirectRateLimiter>>,
}

impl ActiveClient {
    /// `None` when it is revoked. A limiter with the same rate goes on where it stood.
    fn from_registry(client: Client, before: Option<&Self>) -> Option<Self> {
        if client.revoked_at.is_some() {
            return None;
        }
        let limiter = client.rate_limit_per_s.and_then(NonZeroU32::new).map(|rate| {
            let kept = before.filter(|before| before.rate_limit_per_s == client.rate_limit_per_s);
            kept.and_then(|before| before.limiter.clone())
                .unwrap_or_else(|| Arc::new(RateLimiter::direct(Quota::per_second(rate))))
        });
        Some(Self {
            id: client.id,
            partner: client.partner,
            name: client.name.into(),
            scopes: client.scopes.iter().filter_map(|name| Scope::from_name(name)).collect(),
            roots: client.roots.into(),
            rate_limit_per_s: client.rate_limit_per_s,
            limiter,
        })
    }

    /// Seconds to wait when the client's rate is used up.
    pub(super) fn admit(&self) -> Result<(), u32> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check().map_err(|refused| {
            let wait_ms = refused.wait_time_from(DefaultClock::default().now()).as_millis();
            u32::try_from(wait_ms.div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
        })
    }
}

/// A client as it was read.
#[derive(Clone)]
struct Reading {
    at: Instant,
    /// `None` when it was unknown to the registry or revoked.
    client: Option<Arc<ActiveClient>>,
}

/// What is known of one client.
#[derive(Default)]
struct Known {
    state: RwLock<Option<Reading>>,
    /// Held by the one request that re-reads.
    reading: Mutex<()>,
}

/// Remembers clients. Only ids out of tokens that we signed come here, so it holds no more than there are
/// clients.
pub(super) struct KnownClients {
    registry: Arc<dyn Registry>,
    freshness: ClientFreshness,
    known: RwLock<HashMap<ClientId, Arc<Known>>>,
}

/// The store is out of reach, and has been for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfReach;

impl KnownClients {
    pub(super) fn new(registry: Arc<dyn Registry>, freshness: ClientFreshness) -> Self {
        Self { registry, freshness, known: RwLock::default() }
    }

    /// The client as it stood a few seconds ago at most; `None` when it is unknown or revoked.
    pub(super) async fn current(&self, id: ClientId) -> Result<Option<Arc<ActiveClient>>, OutOfReach> {
        let known = self.entry(id);
        if let Some(reading) = known.younger_than(self.freshness.refresh_after) {
            return Ok(reading.client);
        }
        // One request re-reads. Others go on with what is known, or wait when nothing is.
        let _reading = match known.reading.try_lock() {
            Ok(reading) => reading,
            Err(_) => match known.younger_than(self.freshness.refresh_after + self.freshness.answer_within) {
                Some(reading) => return Ok(reading.client),
                None => known.reading.lock().await,
            },
        };
        if let Some(reading) = known.younger_than(self.freshness.refresh_after) {
            return Ok(reading.client);
        }
        match timeout(self.freshness.answer_within, self.registry.client(id)).await {
            Ok(Ok(client)) => Ok(known.replace(client)),
            Ok(Err(error)) => {
                tracing::warn!(client.id = %id, %error, "the client's state could not be read");
                known.last(self.freshness.usable_for)
            }
            Err(_) => {
                tracing::warn!(client.id = %id, "the client's state could not be read in time");
                known.last(self.freshness.usable_for)
            }
        }
    }

    fn entry(&self, id: ClientId) -> Arc<Known> {
        if let Some(known) = self.known.read().expect("no holder of this lock panics").get(&id) {
            return Arc::clone(known);
        }
        Arc::clone(self.known.write().expect("no holder of this lock panics").entry(id).or_default())
    }
}

impl Known {
    fn younger_than(&self, age: Duration) -> Option<Reading> {
        let state = self.state.read().expect("no holder of this lock panics");
        state.as_ref().filter(|reading| reading.at.elapsed() < age).cloned()
    }

    fn last(&self, usable_for: Duration) -> Result<Option<Arc<ActiveClient>>, OutOfReach> {
        self.younger_than(usable_for).map(|reading| reading.client).ok_or(OutOfReach)
    }

    fn replace(&self, client: Option<Client>) -> Option<Arc<ActiveClient>> {
        let mut state = self.state.write().expect("no holder of this lock panics");
        let before = state.as_ref().and_then(|reading| reading.client.as_deref());
        let client = client.and_then(|client| ActiveClient::from_registry(client, before)).map(Arc::new);
        *state = Some(Reading { at: Instant::now(), client: client.clone() });
        client
    }
}
