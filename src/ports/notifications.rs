//! What acquirers told by themselves, as it is kept beside the books. No decision reads it.

use async_trait::async_trait;

use super::store::StoreError;
use crate::domain::encoding::Hash;
use crate::domain::{OperationId, Timestamp};

/// What became of a genuine notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationOutcome {
    /// It moved a top-up.
    Applied,
    /// What it says was known, or comes too late to matter.
    NoChange,
    /// No top-up of ours is what it is about.
    UnknownOrder,
    /// Of a top-up, and not as that stands: money that it does not account for, another acquirer. Somebody must look.
    Unexpected,
    /// Money of another currency, which no account of ours is kept in.
    OtherCurrency,
    /// It could not be written down; the acquirer was told to send it again.
    Failed,
}

impl NotificationOutcome {
    pub const ALL: [Self; 6] =
        [Self::Applied, Self::NoChange, Self::UnknownOrder, Self::Unexpected, Self::OtherCurrency, Self::Failed];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NoChange => "no_change",
            Self::UnknownOrder => "unknown_order",
            Self::Unexpected => "unexpected",
            Self::OtherCurrency => "other_currency",
            Self::Failed => "failed",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Whether somebody has to match it.
    #[must_use]
    pub fn is_kept(self) -> bool {
        !matches!(self, Self::Applied | Self::NoChange)
    }
}

/// A notification without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptNotification {
    pub acquirer: Box<str>,
    /// The same for repetitions, different for others of this acquirer.
    pub key: Box<str>,
    /// The first time it came.
    pub received_at: Timestamp,
    /// How often it came.
    pub times: i64,
    /// Word for the event, such as `captured`.
    pub kind: Box<str>,
    pub order: Option<Box<str>>,
    pub reference: Option<Box<str>>,
    /// In minor units of `currency`, where it is about money.
    pub amount_minor: Option<i64>,
    pub currency: Option<Box<str>>,
    /// SHA-256 of the raw body.
    pub digest: Hash,
    pub outcome: NotificationOutcome,
}

/// Each call sees what was committed before it began.
#[async_trait]
pub trait NotificationLog: Send + Sync {
    /// Keeps a notification, or counts that it came again and how that ended.
    async fn keep_notification(&self, notification: &KeptNotification) -> Result<(), StoreError>;

    /// Those that somebody has to match, the oldest first.
    async fn kept_notifications(&self, limit: u32) -> Result<Vec<KeptNotification>, StoreError>;

    /// Those of one acquirer, the newest first, before the time and the key of `before` where they are given.
    async fn kept_notifications_of(
        &self,
        acquirer: &str,
        before: Option<&(Timestamp, Box<str>)>,
        limit: u32,
    ) -> Result<Vec<KeptNotification>, StoreError>;

    /// The top-up that an acquirer knows by its own id.
    async fn topup_of_reference(&self, acquirer: &str, reference: &str) -> Result<Option<OperationId>, StoreError>;
}
