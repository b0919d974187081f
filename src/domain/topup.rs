//! Top-ups: stock that a reseller buys with a bank card.
//!
//! The stock is set aside before the card is asked, and moves when, and only when, the money was taken
//! (`domain.md` \[10\], \[11\]).

use serde::{Deserialize, Serialize};

use super::allocation::Price;
use super::card_recharge::{CardRecharge, CardRechargeStage};
use super::dispute::{Dispute, DisputeStage};
use super::encoding::{Encoder, Hash};
use super::ids::ResellerId;
use super::operation::{Operation, Status};
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
    /// The shares of refunds, done and under way, and of disputes that were not won.
    pub taken_back: Share,
    /// What a subscriber pays for with its own card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recharge: Option<Box<CardRecharge>>,
    /// In the order in which they were told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<Dispute>,
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
    /// Of it, what the cardholder's bank took back: in disputes that are open or lost.
    pub charged_back_minor: i64,
    /// Of it, what is on its way back to the card.
    pub refunding_minor: i64,
    /// All that disputes ever took, also what was won again: settlement files tell of both.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub disputed_minor: i64,
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
            ("recharge", self.recharges_the_same(other)),
        ];
        fields.iter().find(|(_, same)| !same).map(|(name, _)| *name)
    }

    fn recharges_the_same(&self, other: &Self) -> bool {
        match (&self.recharge, &other.recharge) {
            (Some(one), Some(other)) => one.asks_the_same(other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }

    /// The recharge that its stock is for and that is not at its end.
    #[must_use]
    pub fn waiting_recharge(&self) -> Option<&CardRecharge> {
        self.recharge.as_deref().filter(|recharge| recharge.stage() == CardRechargeStage::Waits)
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
            disputed_minor,
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
        if let Some(recharge) = &self.recharge {
            recharge.encode(encoder);
        }
        if !self.disputes.is_empty() {
            encoder.text("disputes").int(*disputed_minor);
            self.disputes.iter().for_each(|dispute| dispute.encode(encoder));
        }
    }

    /// The dispute that the acquirer knows by this id.
    #[must_use]
    pub fn dispute(&self, reference: &str) -> Option<&Dispute> {
        self.disputes.iter().find(|dispute| &*dispute.reference == reference)
    }

    /// Whether its stock came.
    #[must_use]
    pub fn was_credited(&self) -> bool {
        self.balance_after.is_some()
    }

    /// What may be taken back of what is left: stock that is still to come back after a dispute was won is not there.
    #[must_use]
    pub fn free_minor(&self) -> i64 {
        self.payment.left_minor() - self.disputes.iter().map(|dispute| dispute.awaited.money_minor()).sum::<i64>()
    }

    /// What cardholders' banks have and is not booked.
    #[must_use]
    pub fn uncovered_minor(&self) -> i64 {
        self.disputes.iter().map(Dispute::uncovered_minor).sum()
    }

    /// What the money has come to; `None` before it was taken.
    #[must_use]
    pub fn outcome(&self) -> Option<Status> {
        if self.payment.captured_minor == 0 {
            return None;
        }
        let of = |stage| {
            let disputes = self.disputes.iter().filter(move |dispute| dispute.stage == stage);
            disputes.map(|dispute| dispute.booked_minor).sum::<i64>()
        };
        let gone = self.payment.left_minor() + self.payment.refunding_minor + of(DisputeStage::Open) == 0;
        Some(match (gone, of(DisputeStage::Lost) > 0) {
            (true, true) => Status::ChargedBack,
            (true, false) => Status::Refunded,
            (false, _) if self.was_credited() => Status::Credited,
            (false, _) => Status::Captured,
        })
    }

    /// Whether something of its disputes can be moved on: booked, given to the operator, or back to the reseller.
    #[must_use]
    pub fn wants_tending(&self) -> bool {
        let moves = |dispute: &Dispute| {
            (dispute.stage == DisputeStage::Lost && dispute.set_aside_minor > 0) || dispute.awaited != Share::default()
        };
        (self.uncovered_minor() > 0 && self.free_minor() > 0) || self.disputes.iter().any(moves)
    }

    #[must_use]
    pub fn is_disputed(&self) -> bool {
        self.disputes.iter().any(|dispute| dispute.stage == DisputeStage::Open)
    }
}

impl Operation {
    /// Whether the job looks after it: its payment waits, what it is for does, or a dispute of it is open or left
    /// something to be done.
    #[must_use]
    pub fn is_looked_after(&self) -> bool {
        let disputed = self.topup().is_some_and(|topup| topup.is_disputed() || topup.wants_tending());
        disputed || self.waits_for_payment() || self.waits_for_recharge() || self.is_reversal_under_way()
    }

    /// Whether the stock came and the recharge that it is for has no outcome, or its money has not been given back.
    #[must_use]
    pub fn waits_for_recharge(&self) -> bool {
        let waits = matches!(self.status, Status::Credited | Status::Refunded | Status::ChargedBack);
        waits && self.topup().is_some_and(|topup| topup.waiting_recharge().is_some())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(minor: &i64) -> bool {
    *minor == 0
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
