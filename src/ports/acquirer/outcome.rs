//! What became of a step at an acquirer, and how a payment stands there.

use super::{AcquirerReference, OrderId};
use crate::domain::{DisputeStage, Money};

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    Done(T),
    /// An explicit, listed refusal: nothing was moved.
    Refused(Refusal),
    /// A timeout, a broken connection, a 5xx or an unlisted answer: unknown, not failure (`domain.md` \[1\]).
    Unknown {
        /// The acquirer's id, where it was told before doubt began.
        reference: Option<AcquirerReference>,
        /// For people; never quotes the acquirer.
        reason: String,
    },
    /// Provably, nothing that moves money was sent.
    NotSent(NotSent),
}

impl<T> Outcome<T> {
    /// Unknown, and nothing else is known.
    #[must_use]
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown { reference: None, reason: reason.into() }
    }

    #[must_use]
    pub fn refused(reason: RefusalReason, code: &str) -> Self {
        Self::Refused(Refusal::new(reason, code))
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(done) => Outcome::Done(change(done)),
            Self::Refused(refusal) => Outcome::Refused(refusal),
            Self::Unknown { reference, reason } => Outcome::Unknown { reference, reason },
            Self::NotSent(why) => Outcome::NotSent(why),
        }
    }

    /// Word in metrics and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Refused(_) => "refused",
            Self::Unknown { .. } => "unknown",
            Self::NotSent(_) => "not_sent",
        }
    }
}

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// `submit_by` had passed.
    TooLate,
    /// No connection, no turn, or an answer that ended the attempt before any money could move.
    Unreachable(String),
    /// The circuit breaker is open.
    BreakerOpen,
    /// The acquirer has no such step over the wire: it is made by hand in the acquirer's own office.
    NotOffered,
}

impl NotSent {
    /// Whether another acquirer may be tried: none was asked for the money yet, and there is time.
    #[must_use]
    pub fn may_fail_over(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::BreakerOpen | Self::NotOffered)
    }
}

/// A listed refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: RefusalReason,
    /// The acquirer's own code, where it is harmless to show.
    pub code: Box<str>,
}

impl Refusal {
    /// Keeps at most 64 characters of `code`, and those only if they are plain.
    #[must_use]
    pub fn new(reason: RefusalReason, code: &str) -> Self {
        let plain = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        let harmless = plain && !crate::domain::text::contains_card_number(code);
        Self { reason, code: if harmless { code.into() } else { "not_shown".into() } }
    }
}

/// Why an acquirer refuses, as a reseller or our own people can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// By the bank of the card, without a reason that may be told.
    CardDeclined,
    InsufficientFunds,
    CardExpired,
    /// The customer did not prove to be the holder (3-D Secure), or gave up.
    AuthenticationFailed,
    /// The acquirer does not know the token, or not any more.
    TokenUnknown,
    /// Below or above what the acquirer or the card takes.
    AmountOutOfRange,
    /// The payment does not stand so that this step is possible: captured twice, voided before, refunded above the rest.
    WrongStage,
    /// The acquirer does not know the payment.
    PaymentUnknown,
    /// The order has been used with other content.
    OtherContent,
    /// Ended by a void.
    Cancelled,
    /// Our key or our request is refused: someone must repair the configuration.
    Misconfigured,
    /// The method of payment, such as a page of the acquirer's, is not offered.
    MethodNotOffered,
    /// The acquirer's own system refuses.
    AcquirerError,
}

/// A step that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Of the payment, or of the refund.
    pub reference: AcquirerReference,
    pub amount: Money,
    /// False: accepted, and told later by notification or look-up (a bank may take days for a refund).
    pub settled: bool,
}

/// How an authorisation ended that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorised {
    /// Set aside, not taken.
    Held { reference: AcquirerReference, amount: Money },
    /// Taken.
    Captured { reference: AcquirerReference, amount: Money },
    /// The customer must act; the outcome comes by notification or look-up.
    NeedsCustomer { reference: Option<AcquirerReference>, action: CustomerAction },
    /// Accepted; the outcome comes by notification or look-up.
    Pending { reference: AcquirerReference },
}

/// What the customer's browser must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerAction {
    Redirect {
        url: Box<str>,
    },
    /// Post these fields, in this order, encoded as a form in UTF-8.
    Form {
        url: Box<str>,
        fields: Vec<(Box<str>, Box<str>)>,
    },
}

/// What the acquirer knows of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    Known(PaymentState),
    /// It does not know the order. Proves nothing before its horizon (`domain.md` \[5\]).
    NotKnown,
    /// There is no way to ask over the wire.
    NotOffered,
    /// The inquiry itself failed.
    Unknown(String),
}

/// How a payment stands at the acquirer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentState {
    pub order: OrderId,
    pub reference: AcquirerReference,
    pub stage: PaymentStage,
    /// What was asked for.
    pub amount: Money,
    /// Taken from the card, refunds not subtracted.
    pub captured: Money,
    /// Given back, of what was taken.
    pub refunded: Money,
    /// Refunds one by one, where the acquirer tells them.
    pub refunds: Vec<RefundState>,
    pub dispute: Option<DisputeState>,
}

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentStage {
    /// Nothing was asked of the card yet, or the acquirer still works on it.
    Pending,
    NeedsCustomer(Option<CustomerAction>),
    Authorised,
    /// Taken, in whole or in part; refunds and disputes stand beside it.
    Captured,
    Voided,
    Refused(Refusal),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundState {
    /// Our own id, where the refund was ours.
    pub refund: Option<OrderId>,
    pub reference: AcquirerReference,
    pub amount: Money,
    pub stage: RefundStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStage {
    Pending,
    Done,
    Failed,
}

/// A charge-back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeState {
    pub reference: AcquirerReference,
    pub amount: Money,
    pub stage: DisputeStage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_codes_are_kept() {
        let shown = |code: &str| Refusal::new(RefusalReason::CardDeclined, code).code;
        assert_eq!(&*shown("insufficient_funds"), "insufficient_funds");
        let number = format!("4{}1", "1".repeat(14));
        for hidden in ["<html>", "a b", &number, &"x".repeat(65)] {
            assert_eq!(&*shown(hidden), "not_shown");
        }
    }

    #[test]
    fn fail_over_needs_proof_and_time() {
        assert!(NotSent::BreakerOpen.may_fail_over());
        assert!(NotSent::Unreachable("refused".into()).may_fail_over());
        assert!(!NotSent::TooLate.may_fail_over());
    }
}
