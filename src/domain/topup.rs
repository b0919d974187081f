//! Top-ups: stock that a reseller buys with a bank card.
//!
//! The stock is set aside before the card is asked, and moves when, and only when, the money was taken
//! (`domain.md` \[10\], \[11\]).

use serde::{Deserialize, Serialize};

use super::allocation::Price;
use super::encoding::{Encoder, Hash};
use super::ids::ResellerId;
use super::refund::Share;

/// What is bought, and how the payment stands.
///
/// Each step of a top-up has this state as a row of its own, by the sequence of its journal entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topup {
    /// The acquirer that the caller named; `None` leaves the choice to the rules.
    pub named: Option<Box<str>>,
    /// Digest of the token that stands for the card; `None` is the acquirer's own page. Tells a replay from another
    /// request; the token itself is not kept.
    pub method: Option<Hash>,
    /// Where the customer's browser comes back to.
    pub return_url: Option<Box<str>>,
    /// What is paid, taken apart; the fee comes on top.
    pub price: Price,
    pub fee_minor: i64,
    /// From here on a payment that nobody made is given up. Milliseconds since 1970 UTC.
    pub quote_until_ms: i64,
    pub payment: CardPayment,
    /// Face value that is set aside for it.
    pub reserved_minor: i64,
    /// What the reseller's available stock was after it came.
    pub balance_after: Option<i64>,
    /// The shares of refunds, done and under way.
    pub taken_back: Share,
}

/// What is known of a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardPayment {
    /// The acquirer that was asked for the money, written down before it was.
    pub acquirer: Option<Box<str>>,
    /// The acquirer's own id.
    pub reference: Option<Box<str>>,
    /// Where the customer must go.
    pub action_url: Option<Box<str>>,
    /// What was taken from the card. Never less than zero.
    pub captured_minor: i64,
    /// Of it, what was given back.
    pub refunded_minor: i64,
    /// Of it, what the cardholder's bank took back.
    pub charged_back_minor: i64,
    /// Of it, what is on its way back to the card.
    pub refunding_minor: i64,
}

impl CardPayment {
    /// What may still be refunded.
    #[must_use]
    pub fn left_minor(&self) -> i64 {
        self.captured_minor - self.refunded_minor - self.charged_back_minor - self.refunding_minor
    }
}

impl Topup {
    /// What the card is asked for: the price and the fee.
    #[must_use]
    pub fn due_minor(&self) -> i64 {
        self.price.owed_minor() + self.fee_minor
    }

    /// The first field in which a later request with the same key differs, by its name in the contract. What the
    /// server itself chose is not compared.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let fields = [
            ("acquirer", self.named == other.named),
            ("payment_method", self.method == other.method),
            ("return_url", self.return_url == other.return_url),
        ];
        fields.iter().find(|(_, same)| !same).map(|(name, _)| *name)
    }

    pub(super) fn encode(&self, encoder: &mut Encoder) {
        let text = |e: &mut Encoder, text: &str| {
            e.text(text);
        };
        encoder
            .optional(self.named.as_deref(), text)
            .optional(self.method, |e, digest| {
                e.bytes(&digest);
            })
            .optional(self.return_url.as_deref(), text);
        self.price.encode(encoder);
        let CardPayment {
            acquirer,
            reference,
            action_url,
            captured_minor,
            refunded_minor,
            charged_back_minor,
            refunding_minor,
        } = &self.payment;
        encoder
            .int(self.fee_minor)
            .int(self.quote_until_ms)
            .optional(acquirer.as_deref(), text)
            .optional(reference.as_deref(), text)
            .optional(action_url.as_deref(), text)
            .int(*captured_minor)
            .int(*refunded_minor)
            .int(*charged_back_minor)
            .int(*refunding_minor)
            .int(self.reserved_minor)
            .optional(self.balance_after, |e, minor| {
                e.int(minor);
            });
        self.taken_back.encode(encoder);
    }
}

/// Under which owner the money stands that an acquirer took: an id made of its name.
///
/// # Panics
/// Never: a digest is long enough.
#[must_use]
pub fn acquirer_owner(name: &str) -> ResellerId {
    let digest = Encoder::new("taabia/acquirer/1").text(name).sha256();
    let (bytes, _) = digest.split_first_chunk::<16>().expect("a digest has 32 bytes");
    ResellerId::from_uuid(uuid::Builder::from_custom_bytes(*bytes).into_uuid())
}

/// The digest by which a token is compared.
#[must_use]
pub fn method_digest(token: &str) -> Hash {
    Encoder::new("taabia/payment method/1").text(token).sha256()
}
