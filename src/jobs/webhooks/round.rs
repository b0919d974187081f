//! One look at the log for one endpoint: first what waits and is due, then what is new.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::WebhookJob;
use crate::domain::records::WebhookEndpoint;
use crate::domain::webhook::{Attempted, Disabling, Health, Next};
use crate::domain::{EventId, Shard, Timestamp};
use crate::ledger::command::PutRecord;
use crate::ledger::{Command, Refusal, Request};
use crate::ports::{Attempt, AttemptOutcome, LedgerError, LoggedEvent, Notice, Progress, Sent, WaitingEvent};
use crate::services::webhooks::{Endpoint, begin};
use crate::services::{Caller, ServiceError};

/// Operations of one endpoint whose events are under way at once.
const AT_ONCE: usize = 8;
/// Events between two writes.
const CHUNK: usize = 16;
/// Entries of the log that are read at once.
const PAGE: u32 = 500;
/// Rows that one endpoint may leave: beyond them nothing new is begun.
const MAX_WAITING: usize = 1_000;
/// Entries that were none of the endpoint's business are passed without a write until they are so many.
const PASS_UNWRITTEN: i64 = 1_000;
/// After it the look ends, so that changes to the endpoint are honoured.
const SLICE: Duration = Duration::from_secs(20);

/// What is remembered of an endpoint.
#[derive(Default)]
pub struct Memory {
    pub(super) leased_until: Timestamp,
    pub(super) waiting: i64,
    pub(super) behind: i64,
    noticed: bool,
    /// Of which version of the endpoint the places are.
    version: i64,
    /// By shard: the cursor as it is stored, and how far the log was read.
    places: HashMap<Shard, (i64, i64)>,
}

impl Memory {
    pub(super) fn forget_places(&mut self) {
        self.places.clear();
    }

    /// Whether it is the first time.
    pub(super) fn notice_once(&mut self) -> bool {
        !std::mem::replace(&mut self.noticed, true)
    }
}

/// An event that was tried.
struct Tried {
    event: WaitingEvent,
    at: Timestamp,
    duration: Duration,
    /// `None`: it is none of the endpoint's business, or no longer.
    sent: Option<Sent>,
}

/// Events of one subject in their order: those that were tried, and those that were not because one failed.
type Group = (Vec<Tried>, Vec<WaitingEvent>);

/// A look.
pub(super) struct Round<'a> {
    job: &'a WebhookJob,
    endpoint: &'a Endpoint,
    caller: Caller,
    memory: &'a mut Memory,
    stop: &'a watch::Receiver<bool>,
    until: Instant,
    health: Health,
    waiting: BTreeMap<(Shard, i64), WaitingEvent>,
    disabled: Option<Disabling>,
}

impl<'a> Round<'a> {
    pub(super) async fn new(
        job: &'a WebhookJob,
        endpoint: &'a Endpoint,
        caller: Caller,
        memory: &'a mut Memory,
        stop: &'a watch::Receiver<bool>,
    ) -> Result<Self, ServiceError> {
        let limit = u32::try_from(MAX_WAITING + 2 * CHUNK).expect("it is small");
        let mut backlog = job.outbox.backlog(endpoint.id, limit).await?;
        if backlog.cursors.len() < usize::from(job.shards) {
            begin(&*job.outbox, &*job.movements, endpoint, job.shards).await?;
            backlog = job.outbox.backlog(endpoint.id, limit).await?;
        }
        if memory.version != endpoint.version {
            // What it did not want before it may want now.
            memory.forget_places();
            memory.version = endpoint.version;
        }
        for (shard, stored) in backlog.cursors {
            let place = memory.places.entry(shard).or_insert((stored, stored));
            if place.0 != stored {
                *place = (stored, stored);
            }
        }
        let waiting = backlog.waiting.into_iter().map(|event| ((event.id.shard, event.id.sequence), event));
        Ok(Self {
            job,
            endpoint,
            caller,
            stop,
            memory,
            until: Instant::now() + SLICE,
            health: backlog.health,
            waiting: waiting.collect(),
            disabled: None,
        })
    }

    pub(super) async fn work(mut self) -> Result<(), ServiceError> {
        self.retry().await?;
        let mut behind = 0;
        for shard in Shard::all(self.job.shards) {
            behind += self.read_on(shard).await?;
        }
        self.memory.behind = behind;
        self.memory.waiting = i64::try_from(self.waiting.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.disabled.is_some() || *self.stop.borrow() || self.until <= Instant::now()
    }

    /// Tries what waits and is due; what waits behind it comes along.
    async fn retry(&mut self) -> Result<(), ServiceError> {
        let now = self.job.clock.now();
        let mut groups = by_subject(self.waiting.values().cloned());
        groups.retain(|group| group[0].due_at <= now);
        groups.sort_by_key(|group| group[0].due_at);
        for chunk in groups.chunks(AT_ONCE) {
            if self.is_over() {
                return Ok(());
            }
            self.deliver(chunk.to_vec(), None).await?;
        }
        Ok(())
    }

    /// Reads the log of a shard on; gives how many entries it left for later.
    async fn read_on(&mut self, shard: Shard) -> Result<i64, ServiceError> {
        let (_, mut place) = self.memory.places[&shard];
        let mut page: VecDeque<LoggedEvent> = VecDeque::new();
        loop {
            if self.is_over() {
                return Ok(self.job.beyond(shard, place).await?);
            }
            let mut fresh = Vec::new();
            let mut ended = false;
            while fresh.len() < CHUNK {
                if page.is_empty() {
                    page = self.job.outbox.logged_events(shard, place, PAGE).await?.into();
                }
                let Some(next) = page.front() else {
                    ended = true;
                    break;
                };
                let is_known = self.waiting.contains_key(&(shard, next.id.sequence));
                if !is_known && self.job.messages.concerns(&self.caller, self.endpoint, next).await? {
                    if !self.has_room(&fresh) {
                        ended = true;
                        break;
                    }
                    fresh.push(self.begun(next));
                }
                place = next.id.sequence;
                page.pop_front();
            }
            let (stored, _) = self.memory.places[&shard];
            if !fresh.is_empty() || place - stored >= PASS_UNWRITTEN {
                // What is behind one that waits goes where that is.
                let blocked = self.blocked();
                let (behind, free): (Vec<_>, Vec<_>) =
                    fresh.into_iter().partition(|event| blocked.contains(&(event.id.shard, event.subject)));
                self.deliver(by_subject(free.into_iter()), Some(((shard, stored, place), behind))).await?;
            } else {
                self.memory.places.insert(shard, (stored, place));
            }
            if ended {
                return Ok(if page.is_empty() { 0 } else { self.job.beyond(shard, place).await? });
            }
        }
    }

    /// An endpoint that is down is probed with one event at a time.
    fn has_room(&self, fresh: &[WaitingEvent]) -> bool {
        let is_probe = fresh.is_empty() && self.health.probe_due_at() <= self.job.clock.now();
        self.waiting.len() + fresh.len() < MAX_WAITING && (!self.health.is_down() || is_probe)
    }

    fn begun(&self, logged: &LoggedEvent) -> WaitingEvent {
        let now = self.job.clock.now();
        WaitingEvent {
            id: logged.id,
            kind: logged.kind,
            subject: logged.subject,
            failed: 0,
            first_at: now,
            due_at: now,
        }
    }

    fn blocked(&self) -> HashSet<(Shard, Uuid)> {
        self.waiting.values().map(|event| (event.id.shard, event.subject)).collect()
    }

    /// Sends groups side by side, then writes what came of them.
    async fn deliver(
        &mut self,
        groups: Vec<Vec<WaitingEvent>>,
        fresh: Option<((Shard, i64, i64), Vec<WaitingEvent>)>,
    ) -> Result<(), ServiceError> {
        let sent: Vec<Group> =
            stream::iter(groups).map(|group| self.send_group(group)).buffer_unordered(AT_ONCE).try_collect().await?;
        let was_down = self.health.is_down();
        let mut progress = Progress {
            endpoint: self.endpoint.id,
            cursors: Vec::new(),
            waits: Vec::new(),
            done: Vec::new(),
            attempts: Vec::new(),
            health: None,
            wake_at: None,
        };
        let mut tried = Vec::new();
        for (of_group, rest) in sent {
            tried.extend(of_group);
            progress.waits.extend(rest);
        }
        tried.sort_by_key(|tried| (tried.at, tried.event.id));
        for tried in tried {
            self.take_in(tried, &mut progress);
        }
        if let Some((cursor, behind)) = fresh {
            progress.cursors.push(cursor);
            progress.waits.extend(behind);
        }
        if was_down && !self.health.is_down() {
            progress.wake_at = Some(self.job.clock.now());
        }
        self.write(progress).await?;
        if let Some(why) = self.disabled {
            self.disable(why).await;
        }
        Ok(())
    }

    /// Sends events of one subject in their order, up to the first that fails.
    async fn send_group(&self, group: Vec<WaitingEvent>) -> Result<Group, ServiceError> {
        let (mut tried, mut rest) = (Vec::new(), group.into_iter());
        for event in rest.by_ref() {
            let (at, begun) = (self.job.clock.now(), Instant::now());
            let sent = self.send(&event, at).await?;
            let failed = sent.is_some_and(|sent| attempted(sent) != Attempted::Delivered);
            tried.push(Tried { event, at, duration: begun.elapsed(), sent });
            if failed {
                break;
            }
        }
        Ok((tried, rest.collect()))
    }

    async fn send(&self, event: &WaitingEvent, now: Timestamp) -> Result<Option<Sent>, ServiceError> {
        let told = (event.id, event.kind, event.subject);
        let Some(body) = self.job.messages.of(&self.caller, self.endpoint, told).await? else { return Ok(None) };
        let notice = Notice {
            url: self.endpoint.body.url.clone(),
            id: event.id.to_string(),
            sent_at: now,
            secrets: self.endpoint.secrets(&self.job.key, now),
            body,
        };
        Ok(Some(self.job.notifier.send(&notice).await))
    }

    /// What follows an attempt, as rows.
    fn take_in(&mut self, tried: Tried, progress: &mut Progress) {
        let Tried { mut event, at, duration, sent } = tried;
        let Some(sent) = sent else {
            progress.done.push(event.id);
            return;
        };
        let mut jitter = [0];
        self.job.randomness.fill(&mut jitter);
        let next = self.health.after(attempted(sent), (event.first_at, event.failed), at, jitter[0]);
        let (outcome, next_at) = match next {
            Next::Done => (AttemptOutcome::Delivered, None),
            Next::GiveUp => (AttemptOutcome::GaveUp, None),
            Next::RetryAt(due_at) => (AttemptOutcome::Failed, Some(due_at)),
            Next::Disable(why) => {
                self.disabled = Some(why);
                (AttemptOutcome::Disabled, None)
            }
        };
        metrics::counter!("taabia_webhook_deliveries_total", "outcome" => outcome.name()).increment(1);
        metrics::histogram!("taabia_webhook_delivery_seconds").record(duration.as_secs_f64());
        progress.health = Some(self.health);
        progress.attempts.push(Attempt {
            at,
            event: event.id,
            kind: event.kind,
            number: event.failed + 1,
            outcome,
            status: sent.ok(),
            failure: sent.err(),
            duration_ms: i64::try_from(duration.as_millis()).unwrap_or(i64::MAX),
            next_at,
        });
        match next {
            Next::Done | Next::GiveUp => progress.done.push(event.id),
            Next::RetryAt(_) | Next::Disable(_) => {
                event.failed += 1;
                event.due_at = next_at.unwrap_or(at);
                progress.waits.push(event);
            }
        }
    }

    async fn write(&mut self, mut progress: Progress) -> Result<(), ServiceError> {
        let place = |id: &EventId| (id.shard, id.sequence);
        // What never had a row needs none deleted; what waits as before needs none written.
        progress.done.retain(|id| self.waiting.contains_key(&place(id)));
        progress.waits.retain(|event| self.waiting.get(&place(&event.id)) != Some(event));
        if !self.job.outbox.progress(&progress).await? {
            // A replay, or another node: what was sent is sent again.
            tracing::info!(endpoint = %self.endpoint.id, "its cursor moved meanwhile");
            return Err(ServiceError::StaleVersion);
        }
        for id in &progress.done {
            self.waiting.remove(&place(id));
        }
        self.waiting.extend(progress.waits.into_iter().map(|event| (place(&event.id), event)));
        if let Some(now) = progress.wake_at {
            self.waiting.values_mut().for_each(|event| event.due_at = event.due_at.min(now));
        }
        for (shard, _, to) in progress.cursors {
            self.memory.places.insert(shard, (to, to));
        }
        Ok(())
    }

    /// From the version that was sent to: what its owner did meanwhile stands.
    async fn disable(&self, why: Disabling) {
        let content = WebhookEndpoint { state: why.into(), ..self.endpoint.body.clone() };
        let key = WebhookEndpoint::key(self.endpoint.client, self.endpoint.id);
        let put = PutRecord { key, expected: Some(self.endpoint.version), content: content.into() };
        let command = Command { actor: "system:webhooks".into(), request: Request::PutRecord(put) };
        match self.job.ledger.execute(command).await {
            Ok(_) => tracing::warn!(endpoint = %self.endpoint.id, why = why.name(), "it is disabled"),
            Err(LedgerError::Refused(Refusal::StaleVersion { .. })) => {}
            Err(error) => tracing::warn!(%error, endpoint = %self.endpoint.id, "it is not disabled yet"),
        }
    }
}

/// Any status but these three says that it is not done: redirects are not followed.
fn attempted(sent: Sent) -> Attempted {
    match sent {
        Ok(200..=299) => Attempted::Delivered,
        Ok(410) => Attempted::Gone,
        Ok(_) | Err(_) => Attempted::Failed,
    }
}

/// Events by what they are about, each group in the order of the log.
fn by_subject(events: impl Iterator<Item = WaitingEvent>) -> Vec<Vec<WaitingEvent>> {
    let mut groups: BTreeMap<(Shard, Uuid), Vec<WaitingEvent>> = BTreeMap::new();
    for event in events {
        groups.entry((event.id.shard, event.subject)).or_default().push(event);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    for group in &mut groups {
        group.sort_by_key(|event| event.id.sequence);
    }
    groups
}
