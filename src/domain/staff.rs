//! What people do to the configuration and to the network (`domain.md` \[24\]): who, from where and why, what was
//! there before and what after. It is part of the journal entry that carries the action out and of its leaf.

use std::sync::Arc;

use uuid::Uuid;

use super::encoding::{Encoder, Hash};
use super::entry::EntryKind;
use super::ids::ResellerId;
use super::time::Timestamp;

/// The way in that an action took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum Via {
    Api = 1,
    CommandLine = 2,
    /// The program itself, by a policy of the operator's.
    Policy = 3,
}

impl Via {
    pub const ALL: &'static [Self] = &[Self::Api, Self::CommandLine, Self::Policy];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::CommandLine => "command_line",
            Self::Policy => "policy",
        }
    }

    /// The number the store keeps.
    #[must_use]
    pub fn code(self) -> i16 {
        self as i16
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|via| via.code() == code)
    }
}

/// From where an action comes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub via: Via,
    /// Of the API the peer's address; of the command line the user of the operating system and the machine.
    pub address: Option<Box<str>>,
    /// The name of the request (`X-Request-Id`), by which logs find it.
    pub request: Option<Box<str>>,
    pub reason: Option<Box<str>>,
}

/// One action, as auditors read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffAction {
    /// That of the entry, as are kind, subject and actor.
    pub recorded_at: Timestamp,
    pub kind: EntryKind,
    pub subject: Uuid,
    pub actor: Arc<str>,
    pub origin: Arc<Origin>,
    /// Whom it concerns; [`ResellerId::OPERATOR`] when no single reseller.
    pub reseller: ResellerId,
    /// JSON, without secrets; `None` when there was nothing.
    pub before: Option<Box<str>>,
    pub after: Box<str>,
}

impl StaffAction {
    /// What the entry's leaf holds of it.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut encoder = Encoder::new("taabia/staff-action/1");
        let optional = |encoder: &mut Encoder, text: Option<&str>| {
            encoder.optional(text, |e, text| {
                e.text(text);
            });
        };
        encoder.int(self.recorded_at.unix_ms()).text(self.kind.name()).bytes(self.subject.as_bytes());
        encoder.text(&self.actor).text(self.origin.via.name());
        optional(&mut encoder, self.origin.address.as_deref());
        optional(&mut encoder, self.origin.request.as_deref());
        optional(&mut encoder, self.origin.reason.as_deref());
        encoder.bytes(self.reseller.uuid().as_bytes());
        optional(&mut encoder, self.before.as_deref());
        encoder.text(&self.after).sha256()
    }
}
