//! Events for partners: what is read of the log and kept about sending it, and the way out. No decision reads it.

use async_trait::async_trait;
use secrecy::SecretString;
use uuid::Uuid;

use super::store::StoreError;
use crate::domain::webhook::Health;
use crate::domain::{EntryKind, EventId, ResellerId, Shard, Timestamp, WebhookId};

/// An entry of the log, as far as it matters for whom it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    pub id: EventId,
    pub kind: EntryKind,
    pub subject: Uuid,
    /// The reseller that acts, and the other end where the operation has one; none where it is about no operation of
    /// this shard.
    pub reseller: Option<ResellerId>,
    pub counterparty: Option<ResellerId>,
}

/// An event that could not be delivered yet, or waits behind one of the same subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingEvent {
    pub id: EventId,
    pub kind: EntryKind,
    pub subject: Uuid,
    /// How often it was tried in vain.
    pub failed: u32,
    pub first_at: Timestamp,
    pub due_at: Timestamp,
}

/// What an endpoint has before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub health: Health,
    /// Up to which entry each shard's log was read. A shard that is missing was not begun.
    pub cursors: Vec<(Shard, i64)>,
    /// By shard and sequence.
    pub waiting: Vec<WaitingEvent>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    Delivered,
    /// It is tried again.
    Failed,
    /// It is not tried again by itself.
    GaveUp,
    /// The endpoint was disabled after it.
    Disabled,
}

impl AttemptOutcome {
    pub const ALL: [Self; 4] = [Self::Delivered, Self::Failed, Self::GaveUp, Self::Disabled];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GaveUp => "gave_up",
            Self::Disabled => "disabled",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// One attempt, as the partner's delivery log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub at: Timestamp,
    pub event: EventId,
    /// The entry that it tells.
    pub kind: EntryKind,
    /// From 1.
    pub number: u32,
    pub outcome: AttemptOutcome,
    pub status: Option<u16>,
    pub failure: Option<SendFailure>,
    pub duration_ms: i64,
    pub next_at: Option<Timestamp>,
}

/// What came of a step, written in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub endpoint: WebhookId,
    /// How far each shard's log was read: from where, to where.
    pub cursors: Vec<(Shard, i64, i64)>,
    /// Waits from now on, or waits longer.
    pub waits: Vec<WaitingEvent>,
    /// Waits no longer.
    pub done: Vec<EventId>,
    pub attempts: Vec<Attempt>,
    /// `None`: nothing was tried.
    pub health: Option<Health>,
    /// What waits is due now: the endpoint is up again.
    pub wake_at: Option<Timestamp>,
}

/// The log as partners' endpoints read it, and how far each has come. What is kept here decides when something is sent
/// again, never whether it is right.
#[async_trait]
pub trait WebhookOutbox: Send + Sync {
    /// The entries of a shard behind `after`, by sequence.
    async fn logged_events(&self, shard: Shard, after: i64, limit: u32) -> Result<Vec<LoggedEvent>, StoreError>;

    /// At most `limit` of the events that wait.
    async fn backlog(&self, endpoint: WebhookId, limit: u32) -> Result<Backlog, StoreError>;

    /// Gives an endpoint its cursors, where it has none.
    async fn begin(&self, endpoint: WebhookId, cursors: &[(Shard, i64)]) -> Result<(), StoreError>;

    /// Takes cursors back to where they are told, unless they stand before it.
    async fn rewind(&self, endpoint: WebhookId, cursors: &[(Shard, i64)]) -> Result<(), StoreError>;

    /// Makes `node` the one that works for an endpoint, unless another one is until later than `now`. It saves work;
    /// nothing is lost or wrong when two work at once.
    async fn lease(
        &self,
        endpoint: WebhookId,
        node: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Writes what came of a step. `false`: a cursor stands no longer where the step found it, and nothing was written.
    async fn progress(&self, progress: &Progress) -> Result<bool, StoreError>;

    /// Lets an endpoint begin anew: it counts as well, and what waits is due now, as if it had never been tried.
    async fn revive(&self, endpoint: WebhookId, now: Timestamp) -> Result<(), StoreError>;

    /// Attempts, newest first, beginning after one.
    async fn attempts(
        &self,
        endpoint: WebhookId,
        after: Option<(Timestamp, EventId)>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError>;

    /// Deletes attempts of before; gives how many.
    async fn forget_attempts(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// What is sent.
pub struct Notice {
    pub url: String,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub sent_at: Timestamp,
    /// Each signs.
    pub secrets: Vec<SecretString>,
    pub body: String,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendFailure {
    /// The name has no address.
    Unresolved,
    /// An address that is not the public Internet's, or no https.
    RefusedAddress,
    Timeout,
    /// No connection, or it broke.
    Connection,
}

impl SendFailure {
    pub const ALL: [Self; 4] = [Self::Unresolved, Self::RefusedAddress, Self::Timeout, Self::Connection];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::RefusedAddress => "refused_address",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.name() == name)
    }
}

/// What came of sending: an HTTP status or none.
pub type Sent = Result<u16, SendFailure>;

/// Sends notices, each once.
#[async_trait]
pub trait Notifier: Send + Sync {
    async fn send(&self, notice: &Notice) -> Sent;

    /// # Errors
    /// What was expected of an address, when nothing would ever be sent to this one.
    fn check(&self, url: &str) -> Result<(), &'static str>;
}
