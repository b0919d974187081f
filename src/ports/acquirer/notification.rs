//! What an acquirer tells by itself: at least once, in any order, and by anybody who knows the address, until the
//! signature over the raw body proves whose it is.

use super::{AcquirerReference, OrderId, Refusal};
use crate::domain::{Money, Timestamp};

/// A request as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Names and values as they came; names in any case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The raw body: signatures are over it.
    pub body: &'a [u8],
    pub at: Timestamp,
}

impl<'a> Received<'a> {
    /// The header, if it stands there once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut found = self.headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

/// What a genuine request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notified {
    Of(Notification),
    /// Genuine, and nothing that concerns us; acknowledged and forgotten.
    Irrelevant {
        kind: Box<str>,
    },
}

impl Notified {
    /// Keeps the acquirer's word for it only where it is harmless to show.
    #[must_use]
    pub fn irrelevant(kind: &str) -> Self {
        let plain = kind.len() <= 64 && kind.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte));
        Self::Irrelevant { kind: if plain { kind.into() } else { "not_shown".into() } }
    }
}

/// A genuine notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The same for repetitions of one notification, different for others of this acquirer: at most 128 characters.
    pub key: Box<str>,
    /// Our id. Missing where the acquirer only tells its own.
    pub order: Option<OrderId>,
    pub reference: Option<AcquirerReference>,
    /// When it happened, by the acquirer's clock.
    pub occurred_at: Option<Timestamp>,
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Money is set aside.
    Authorised {
        amount: Money,
        /// The acquirer takes the money when it is answered with [`NotificationVerdict::Take`]; else it is taken by
        /// a capture of ours.
        captured_by_reply: bool,
    },
    Captured {
        amount: Money,
    },
    /// Rejections may precede an acceptance for the same order (`domain.md` \[10\]).
    Refused(Refusal),
    Voided,
    /// A refund was carried out; `total` is all that was given back so far, where it is told.
    Refunded {
        refund: Option<OrderId>,
        reference: Option<AcquirerReference>,
        amount: Option<Money>,
        total: Option<Money>,
    },
    RefundFailed {
        refund: Option<OrderId>,
        reference: Option<AcquirerReference>,
    },
    DisputeOpened {
        dispute: AcquirerReference,
        amount: Money,
    },
    /// The money stays with us, or comes back to us.
    DisputeWon {
        dispute: AcquirerReference,
        amount: Money,
    },
    DisputeLost {
        dispute: AcquirerReference,
        amount: Money,
    },
}

/// Why a request is no notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    #[error("no signature")]
    Unsigned,
    #[error("the signature is not the acquirer's")]
    WrongSignature,
    /// Signed too long ago, or in the future: it may be recorded and sent again by somebody.
    #[error("signed outside the tolerated time")]
    Stale,
    /// Signed, yet not in the acquirer's form, or for another merchant.
    #[error("genuine, but not readable")]
    Unreadable,
}

/// What we make of a notification, and tell the acquirer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationVerdict {
    /// Recorded; where the acquirer captures by the answer, it shall.
    Take,
    /// Recorded, or of no interest; nothing follows at the acquirer.
    Keep,
    /// Not genuine, or not of a payment that we know as told: nothing shall be captured.
    Refuse,
    /// It could not be recorded: the acquirer shall send it again.
    Later,
}

/// An answer to a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationReply {
    /// HTTP status.
    pub status: u16,
    pub content_type: &'static str,
    pub body: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_stands_twice_is_none() {
        let headers = [("Signature", "a"), ("other", "b"), ("OTHER", "c")];
        let received = Received { headers: &headers, body: b"", at: Timestamp::EPOCH };
        assert_eq!(received.header("signature"), Some("a"));
        assert_eq!(received.header("Other"), None);
        assert_eq!(received.header("missing"), None);
    }
}
