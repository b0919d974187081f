//! An acquirer: the bank or payment provider that takes the money of a card.
//!
//! Card data never enters. A card is an opaque token that the acquirer gave out ([`CardToken`]), or the customer
//! types it on the acquirer's own page ([`CustomerAction`]).
//!
//! Our own id of the top-up ([`OrderId`]) goes with every step: it is the acquirer's order number or idempotency
//! key, and what we ask by when an answer was lost. Steps on one order are made one after the other by their
//! caller; the same step twice has one effect.

mod notification;
mod outcome;
mod settlement;

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;

use crate::domain::text::contains_card_number;
use crate::domain::{Money, Timestamp};

pub use crate::domain::DisputeStage;
pub use notification::{
    Event, Notification, NotificationError, NotificationReply, NotificationVerdict, Notified, Received,
};
pub use outcome::{
    Authorised, CustomerAction, DisputeState, Done, Lookup, NotSent, Outcome, PaymentStage, PaymentState, RefundStage,
    RefundState, Refusal, RefusalReason,
};
pub use settlement::{
    AmountForm, BadLine, BoundProfile, SettlementColumns, SettlementKind, SettlementLine, SettlementProfile,
};

macro_rules! plain_text {
    ($(#[$doc:meta])* $name:ident, $max:literal, $allowed:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let allowed: fn(u8) -> bool = $allowed;
                let fits = (1..=$max).contains(&text.len()) && text.bytes().all(allowed);
                if fits && !contains_card_number(text) { Ok(Self(text.into())) } else { Err($expected) }
            }
        }
    };
}

plain_text!(
    /// Our own id of a top-up, or of a refund, at an acquirer: 1 to 40 letters, digits, `-` and `_`. Stripe takes
    /// 255 characters, CMI 64; 40 leaves room for what an adapter adds.
    OrderId,
    40,
    |byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte),
    "expected 1 to 40 ASCII letters, digits, '-' or '_', and no card number"
);
plain_text!(
    /// The acquirer's own id of a payment, refund or dispute: 1 to 128 printable ASCII characters.
    AcquirerReference,
    128,
    |byte| byte.is_ascii_graphic(),
    "expected 1 to 128 printable ASCII characters, and no card number"
);
plain_text!(
    /// What stands for a card: given out by the acquirer, opaque to us. A card number is none. Never printed.
    CardToken,
    255,
    |byte| byte.is_ascii_graphic(),
    "expected a token of the acquirer: 1 to 255 printable ASCII characters, and no card number"
);

macro_rules! shown {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}
shown!(OrderId);
shown!(AcquirerReference);

impl fmt::Debug for CardToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardToken(…)")
    }
}

/// What the customer pays with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentMethod {
    Token(CardToken),
    /// The customer types the card on the acquirer's page.
    HostedPage,
}

/// Whether the money is taken together with its authorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureMode {
    Automatic,
    /// It is set aside, and taken by [`Acquirer::capture`].
    Manual,
}

/// Language of the acquirer's page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageLanguage {
    #[default]
    French,
    Arabic,
    English,
}

impl PageLanguage {
    /// ISO 639-1.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::Arabic => "ar",
            Self::English => "en",
        }
    }
}

/// A payment that is asked for.
#[derive(Clone, Debug)]
pub struct PaymentOrder {
    pub order: OrderId,
    pub amount: Money,
    pub method: PaymentMethod,
    pub capture: CaptureMode,
    /// Where the customer's browser comes back to; what it says then proves nothing.
    pub return_url: Option<Box<str>>,
    pub language: PageLanguage,
    /// Nothing is sent after it: the answer is then [`NotSent::TooLate`].
    pub submit_by: Timestamp,
}

/// A payment that an acquirer may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub order: OrderId,
    /// The acquirer's own id, where we were told it. Some acquirers find a payment faster or only by it.
    pub reference: Option<AcquirerReference>,
    /// What was authorised, or asked for.
    pub amount: Money,
}

/// A refund that is asked for.
#[derive(Clone, Debug)]
pub struct RefundOrder {
    pub payment: Payment,
    /// Our own id of this refund.
    pub refund: OrderId,
    pub amount: Money,
    pub submit_by: Timestamp,
}

/// An acquirer.
///
/// Every step that moves money is sent at most once per call. After [`Outcome::Unknown`] only [`Acquirer::lookup`],
/// a notification or the settlement file says what became of it (`domain.md` \[1\]).
#[async_trait]
pub trait Acquirer: Send + Sync + 'static {
    /// Kind of the adapter, in logs.
    fn kind(&self) -> &'static str;

    /// Whether a payment can be made this way here. Tokens are good at the acquirer that gave them out only; which
    /// one that is, callers know.
    fn offers(&self, method: &PaymentMethod) -> bool;

    /// Sets the money aside, takes it, or says what the customer must do first. The same order again gets the
    /// same answer. [`Outcome::NotSent`] speaks of this call alone: of an order that was in doubt before, it proves
    /// nothing, so such an order is only ever looked up.
    async fn authorise(&self, order: &PaymentOrder) -> Outcome<Authorised>;

    /// Takes authorised money, at most once; `amount` may be less than what was authorised, and the rest is then
    /// given back.
    async fn capture(&self, payment: &Payment, amount: Money, submit_by: Timestamp) -> Outcome<Done>;

    /// Gives authorised money back before it was taken, and ends a payment that waits for the customer.
    async fn void(&self, payment: &Payment, submit_by: Timestamp) -> Outcome<Done>;

    /// Gives taken money back, in whole or in part. The same [`RefundOrder::refund`] again has no effect.
    async fn refund(&self, order: &RefundOrder) -> Outcome<Done>;

    /// Asks how a payment stands, its refunds and disputes included.
    async fn lookup(&self, payment: &Payment) -> Lookup;

    /// Checks and reads what claims to be the acquirer's notification.
    ///
    /// # Errors
    /// [`NotificationError`] when it is not proven to be the acquirer's, or cannot be read.
    fn read_notification(&self, received: &Received<'_>) -> Result<Notified, NotificationError>;

    /// Answers a notification in the acquirer's own form.
    fn reply(&self, verdict: NotificationVerdict) -> NotificationReply;

    /// How its settlement files are written.
    fn settlement_profile(&self) -> &SettlementProfile;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that passes Luhn, put together here so that it stands nowhere.
    fn card_number() -> String {
        format!("4{}1", "1".repeat(14))
    }

    #[test]
    fn a_card_number_is_no_token_and_no_id() {
        assert!("tok_visa".parse::<CardToken>().is_ok());
        for wrong in [card_number(), format!("tok_{}", card_number()), String::new(), "a b".into()] {
            assert!(wrong.parse::<CardToken>().is_err());
            assert!(wrong.parse::<OrderId>().is_err());
            assert!(wrong.parse::<AcquirerReference>().is_err());
        }
        assert!("top_01939f3e-7c00-7000-8000-000000000000".parse::<OrderId>().is_ok());
        for wrong in ["a.b", "a/b", "é", &"a".repeat(41)] {
            assert!(wrong.parse::<OrderId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let token: CardToken = "tok_secret".parse().unwrap();
        assert!(!format!("{:?}", PaymentMethod::Token(token)).contains("secret"));
    }
}
