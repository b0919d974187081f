//! Where a partner wants to be told of events.

use serde::{Deserialize, Serialize};

use crate::domain::webhook::Disabling;
use crate::domain::{ClientId, EventType, RecordId, RecordKey, RecordKind, WebhookId};

/// An endpoint. It belongs to the API client that registered it, sees what that one sees, and is named by both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpoint {
    pub url: String,
    /// By their names; none stands for all.
    pub event_types: Vec<String>,
    pub description: Option<String>,
    pub state: EndpointState,
    /// In milliseconds since 1970 UTC. Nothing that was recorded before is sent unless it is asked for.
    pub created_at_ms: i64,
    /// Secrets are not stored: each is made of the installation's key, the endpoint and its version, from 1.
    pub secret_version: i64,
    /// Until then the secret before it signs as well.
    pub previous_until_ms: Option<i64>,
    /// Which key that is: 16 hexadecimal digits of a SHA-256. It opens nothing.
    pub key_fingerprint: String,
}

/// Whether events are sent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    Enabled,
    /// By the partner.
    Disabled,
    /// By us: it answered that it wants no more.
    Gone,
    /// By us: nothing came through for three days.
    Failing,
    Deleted,
}

impl From<Disabling> for EndpointState {
    fn from(why: Disabling) -> Self {
        match why {
            Disabling::Gone => Self::Gone,
            Disabling::Failing => Self::Failing,
        }
    }
}

impl EndpointState {
    pub const ALL: [Self; 5] = [Self::Enabled, Self::Disabled, Self::Gone, Self::Failing, Self::Deleted];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Gone => "gone",
            Self::Failing => "failing",
            Self::Deleted => "deleted",
        }
    }

    /// Whether it was us who ended it.
    #[must_use]
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Gone | Self::Failing)
    }
}

impl WebhookEndpoint {
    /// What the records of a client's endpoints begin with.
    #[must_use]
    pub fn prefix(client: ClientId) -> String {
        format!("{client}/")
    }

    #[must_use]
    pub fn key(client: ClientId, id: WebhookId) -> RecordKey {
        let text = format!("{}{id}", Self::prefix(client));
        let id: RecordId = text.parse().expect("two ids and a slash are short printable ASCII");
        RecordKey::of_operator(RecordKind::WebhookEndpoint, id)
    }

    /// Whose endpoint a record is, and which; `None` when it is no endpoint's.
    #[must_use]
    pub fn named(key: &RecordKey) -> Option<(ClientId, WebhookId)> {
        let (client, id) = key.id().as_str().split_once('/')?;
        Some((client.parse().ok()?, id.parse().ok()?))
    }

    /// Whether it asked for such events.
    #[must_use]
    pub fn wants(&self, event: EventType) -> bool {
        self.event_types.is_empty() || self.event_types.iter().any(|name| name == event.name())
    }
}
