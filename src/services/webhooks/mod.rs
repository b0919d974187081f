//! Partners' endpoints: where they want to be told of what happens to what is theirs. An endpoint belongs to the API
//! client that registered it and sees what that client sees, as long as the client may call.

mod endpoint;
mod messages;
mod secrets;

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::value::RawValue;

use super::caller::{Caller, ServiceError};
use crate::domain::ids::uuid_v7;
use crate::domain::records::{EndpointState, WebhookEndpoint};
use crate::domain::{EventId, EventType, RecordKind, ResellerId, Shard, Timestamp, WebhookId};
use crate::ledger::command::PutRecord;
use crate::ledger::{Command, Outcome, Request};
use crate::ports::{
    Attempt, Clock, Ledger, Movements, Notice, Notifier, Randomness, Reads, RecordQuery, Sent, StoreError,
    WebhookOutbox,
};
use crate::services::network::Expected;

pub use endpoint::{Endpoint, all_endpoints, scope_of};
pub use messages::{Messages, Representations, body};
pub use secrets::WebhookKey;

/// Endpoints that one client may have.
pub const MAX_ENDPOINTS: usize = 16;
/// How far back a replay goes.
const REPLAY_WITHIN_MS: i64 = 31 * 86_400_000;

/// Why an endpoint is not as somebody wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookRefusal {
    /// What was expected of its address.
    Url(&'static str),
    /// The client may not read what such events tell.
    EventType(EventType),
    TooMany,
    /// What was expected of where a replay begins.
    ReplayFrom(&'static str),
    /// The installation's key is not the one its secrets are made of.
    OtherKey,
}

/// What somebody wants to be told, and where.
#[derive(Clone, Debug)]
pub struct NewEndpoint {
    pub url: String,
    /// None stands for all.
    pub event_types: Vec<EventType>,
    pub description: Option<String>,
}

/// What changes; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    pub url: Option<String>,
    pub event_types: Option<Vec<EventType>>,
    pub description: Option<String>,
    pub enabled: Option<bool>,
}

/// Where a replay begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayFrom {
    Time(Timestamp),
    /// This one and all that was recorded at its time or later.
    Event(EventId),
}

/// The use cases of endpoints.
pub struct Webhooks {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub movements: Arc<dyn Movements>,
    pub outbox: Arc<dyn WebhookOutbox>,
    pub notifier: Arc<dyn Notifier>,
    pub key: Arc<WebhookKey>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub shards: u16,
    /// How long the secret before signs beside a new one.
    pub overlap_ms: i64,
}

fn refused(refusal: WebhookRefusal) -> ServiceError {
    ServiceError::Webhook(refusal)
}

/// Only what the client may read by itself.
fn check_events(caller: &Caller, events: &[EventType]) -> Result<Vec<String>, ServiceError> {
    let hidden = events.iter().find(|event| !scope_of(**event).is_none_or(|scope| caller.may(scope)));
    match hidden {
        Some(event) => Err(refused(WebhookRefusal::EventType(*event))),
        None => Ok(events.iter().map(|event| event.name().to_owned()).collect()),
    }
}

impl Webhooks {
    /// Registers an endpoint; its secret is shown this once.
    ///
    /// # Errors
    /// [`WebhookRefusal`]; nothing was written.
    pub async fn register(&self, caller: &Caller, new: NewEndpoint) -> Result<(Endpoint, SecretString), ServiceError> {
        self.notifier.check(&new.url).map_err(|expected| refused(WebhookRefusal::Url(expected)))?;
        let event_types = check_events(caller, &new.event_types)?;
        if self.of_client(caller).await?.len() >= MAX_ENDPOINTS {
            return Err(refused(WebhookRefusal::TooMany));
        }
        let now = self.clock.now();
        let mut random = [0; 10];
        self.randomness.fill(&mut random);
        let id = WebhookId::from_uuid(uuid_v7(now, random, Shard::OPERATOR));
        let body = WebhookEndpoint {
            url: new.url,
            event_types,
            description: new.description,
            state: EndpointState::Enabled,
            created_at_ms: now.unix_ms(),
            secret_version: 1,
            previous_until_ms: None,
            key_fingerprint: self.key.fingerprint().to_owned(),
        };
        let endpoint = self.put(caller, id, Some(0), body).await?;
        Ok((endpoint, self.key.secret(id, 1)))
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when it is unknown, deleted or another client's.
    pub async fn get(&self, caller: &Caller, id: WebhookId) -> Result<Endpoint, ServiceError> {
        let record = self.reads.record(Shard::OPERATOR, &WebhookEndpoint::key(caller.client, id)).await?;
        let endpoint = record.as_ref().and_then(Endpoint::read);
        endpoint.filter(|endpoint| endpoint.body.state != EndpointState::Deleted).ok_or(ServiceError::NotFound)
    }

    /// The caller's endpoints, the oldest first.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<Endpoint>, ServiceError> {
        Ok(self.of_client(caller).await?)
    }

    async fn of_client(&self, caller: &Caller) -> Result<Vec<Endpoint>, StoreError> {
        const PAGE: u32 = 500;
        let prefix = WebhookEndpoint::prefix(caller.client);
        let mut after = prefix.parse().expect("an id and a slash are short printable ASCII");
        let mut found = Vec::new();
        loop {
            let query = RecordQuery {
                shard: Shard::OPERATOR,
                kind: RecordKind::WebhookEndpoint,
                owner: None,
                after: Some((ResellerId::OPERATOR, after)),
                limit: PAGE,
            };
            let page = self.reads.records(&query).await?;
            let own = page.iter().filter_map(Endpoint::read).take_while(|endpoint| endpoint.client == caller.client);
            found.extend(own.filter(|endpoint| endpoint.body.state != EndpointState::Deleted));
            match page.last() {
                Some(last) if page.len() == PAGE as usize && last.key().id().as_str().starts_with(&prefix) => {
                    after = last.key().id().clone();
                }
                _ => return Ok(found),
            }
        }
    }

    /// # Errors
    /// [`WebhookRefusal`], [`ServiceError::NotFound`], [`ServiceError::StaleVersion`]; nothing was written.
    pub async fn change(
        &self,
        caller: &Caller,
        id: WebhookId,
        expected: &Expected,
        change: EndpointChange,
    ) -> Result<Endpoint, ServiceError> {
        let before = self.get(caller, id).await?;
        expected.check(before.version)?;
        let mut body = before.body.clone();
        if let Some(url) = change.url {
            self.notifier.check(&url).map_err(|expected| refused(WebhookRefusal::Url(expected)))?;
            body.url = url;
        }
        if let Some(events) = change.event_types {
            body.event_types = check_events(caller, &events)?;
        }
        body.description = change.description.or(body.description);
        if let Some(enabled) = change.enabled {
            body.state = if enabled { EndpointState::Enabled } else { EndpointState::Disabled };
        }
        let begins_anew = body.state == EndpointState::Enabled && before.body.state != EndpointState::Enabled;
        let endpoint = self.put(caller, id, Some(before.version), body).await?;
        if begins_anew {
            self.outbox.revive(id, self.clock.now()).await?;
        }
        Ok(endpoint)
    }

    /// Sends nothing there from now on, for good.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn delete(&self, caller: &Caller, id: WebhookId) -> Result<(), ServiceError> {
        let deleted = |body: WebhookEndpoint| WebhookEndpoint { state: EndpointState::Deleted, ..body };
        self.update(caller, id, deleted).await.map(drop)
    }

    /// Changes it as it stands, whoever changes it meanwhile.
    async fn update(
        &self,
        caller: &Caller,
        id: WebhookId,
        change: impl Fn(WebhookEndpoint) -> WebhookEndpoint,
    ) -> Result<Endpoint, ServiceError> {
        const TRIES: u32 = 5;
        for _ in 1..TRIES {
            let before = self.get(caller, id).await?;
            match self.put(caller, id, Some(before.version), change(before.body)).await {
                Err(ServiceError::StaleVersion) => {}
                outcome => return outcome,
            }
        }
        Err(ServiceError::Unavailable { retry_after_s: 1 })
    }

    /// A new secret, shown this once; the one before signs as well for the overlap.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn rotate(&self, caller: &Caller, id: WebhookId) -> Result<(Endpoint, SecretString), ServiceError> {
        let until = self.clock.now().plus_ms(self.overlap_ms).unix_ms();
        let rotated = |body: WebhookEndpoint| WebhookEndpoint {
            secret_version: body.secret_version + 1,
            // A secret that another key made cannot sign.
            previous_until_ms: Some(until).filter(|_| body.key_fingerprint == self.key.fingerprint()),
            key_fingerprint: self.key.fingerprint().to_owned(),
            ..body
        };
        let endpoint = self.update(caller, id, rotated).await?;
        let version = endpoint.body.secret_version;
        Ok((endpoint, self.key.secret(id, version)))
    }

    /// Attempts to deliver, newest first, and whether there are more.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn deliveries(
        &self,
        caller: &Caller,
        id: WebhookId,
        after: Option<(Timestamp, EventId)>,
        limit: u32,
    ) -> Result<(Vec<Attempt>, bool), ServiceError> {
        self.get(caller, id).await?;
        let mut attempts = self.outbox.attempts(id, after, limit + 1).await?;
        let more = attempts.len() > limit as usize;
        attempts.truncate(limit as usize);
        Ok((attempts, more))
    }

    /// Sends what was recorded since then once more, in the order of the log, before what is new.
    ///
    /// # Errors
    /// [`WebhookRefusal::ReplayFrom`]; [`ServiceError::NotFound`] for an endpoint or an event that is unknown.
    pub async fn replay(&self, caller: &Caller, id: WebhookId, from: ReplayFrom) -> Result<Timestamp, ServiceError> {
        let endpoint = self.get(caller, id).await?;
        let at = match from {
            ReplayFrom::Time(at) => at,
            ReplayFrom::Event(event) => event.recorded_at,
        };
        let now = self.clock.now();
        if at > now || now.since_ms(at) > REPLAY_WITHIN_MS {
            return Err(refused(WebhookRefusal::ReplayFrom("expected a time of the last 31 days")));
        }
        if let ReplayFrom::Event(event) = from {
            let known = u16::from(event.shard.number()) < self.shards;
            let found =
                if known { self.outbox.logged_events(event.shard, event.sequence - 1, 1).await? } else { Vec::new() };
            if found.first().map(|logged| logged.id) != Some(event) {
                return Err(ServiceError::NotFound);
            }
        }
        begin(&*self.outbox, &*self.movements, &endpoint, self.shards).await?;
        let cursors = cursors_at(&*self.movements, at, Shard::all(self.shards)).await?;
        self.outbox.rewind(id, &cursors).await?;
        Ok(at)
    }

    /// Sends an event that tells of nothing but the endpoint, at once and once.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`WebhookRefusal::OtherKey`].
    pub async fn test(
        &self,
        caller: &Caller,
        id: WebhookId,
        data: impl FnOnce(&Endpoint) -> Option<Box<RawValue>>,
    ) -> Result<(EventId, Sent), ServiceError> {
        let endpoint = self.get(caller, id).await?;
        let now = self.clock.now();
        let secrets = endpoint.secrets(&self.key, now);
        if secrets.is_empty() {
            return Err(refused(WebhookRefusal::OtherKey));
        }
        let mut random = [0; 8];
        self.randomness.fill(&mut random);
        let sequence = i64::from_be_bytes(random) & (i64::MAX >> 1);
        let event = EventId { recorded_at: now, shard: Shard::OPERATOR, sequence };
        let data = data(&endpoint).ok_or(ServiceError::Internal)?;
        let body = body(EventType::Test, now, 0, &data);
        let notice = Notice { url: endpoint.body.url, id: event.to_string(), sent_at: now, secrets, body };
        Ok((event, self.notifier.send(&notice).await))
    }

    async fn put(
        &self,
        caller: &Caller,
        id: WebhookId,
        expected: Option<i64>,
        body: WebhookEndpoint,
    ) -> Result<Endpoint, ServiceError> {
        let put = PutRecord { key: WebhookEndpoint::key(caller.client, id), expected, content: body.into() };
        let command = Command { actor: caller.actor(), request: Request::PutRecord(put) };
        match self.ledger.execute(command).await? {
            Outcome::Put(record) => Endpoint::read(&record).ok_or(ServiceError::Internal),
            _ => Err(ServiceError::Internal),
        }
    }
}

/// Sequences of the last entries of shards that were recorded before a time.
///
/// # Errors
/// When the store cannot be read.
pub async fn cursors_at(
    movements: &dyn Movements,
    at: Timestamp,
    shards: impl Iterator<Item = Shard>,
) -> Result<Vec<(Shard, i64)>, StoreError> {
    let mut cursors = Vec::new();
    for shard in shards {
        let head = movements.log_place(shard).await?.head;
        cursors.push((shard, movements.last_before(shard, at, head).await?));
    }
    Ok(cursors)
}

/// Gives an endpoint its cursors, at the time of its registration: late or again, they are the same, so nothing that
/// was recorded since is missed.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn begin(
    outbox: &dyn WebhookOutbox,
    movements: &dyn Movements,
    endpoint: &Endpoint,
    shards: u16,
) -> Result<(), StoreError> {
    let known = outbox.backlog(endpoint.id, 0).await?.cursors;
    let missing = Shard::all(shards).filter(|shard| !known.iter().any(|(known, _)| known == shard));
    let cursors = cursors_at(movements, endpoint.created_at(), missing).await?;
    if cursors.is_empty() { Ok(()) } else { outbox.begin(endpoint.id, &cursors).await }
}
