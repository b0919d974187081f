//! The operator's charging system: it credits a subscriber's line.

use async_trait::async_trait;

use crate::domain::{Decline, Money, Msisdn, OperationId, Timestamp};

/// What is asked of the charging system.
#[derive(Clone, Debug)]
pub struct RefillRequest {
    /// Our own numeric reference, one per attempt, at most 20 digits.
    pub reference: i64,
    /// The recharge that it is for.
    pub operation: OperationId,
    pub msisdn: Msisdn,
    pub amount: Money,
    pub product: Box<str>,
    /// After it the adapter refuses to send: the answer is then [`ChargingOutcome::NotSent`].
    pub submit_by: Timestamp,
}

/// What became of a refill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargingOutcome {
    Approved,
    /// An explicit, listed refusal.
    Declined(Decline),
    /// A timeout, a broken connection, a 5xx or an unlisted answer: unknown, not failure (`domain.md` \[1\]).
    Unknown(String),
    /// Provably never sent: `submit_by` had passed, or no connection could be opened.
    NotSent,
}

/// What the charging system knows of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupOutcome {
    /// It took effect.
    Applied,
    /// It was received and did not take effect, for this reason.
    NotApplied(Decline),
    /// The charging system does not know the reference. Proves nothing before its horizon (`domain.md` \[5\]).
    NotKnown,
    /// The inquiry itself failed.
    Unknown(String),
    /// This charging system cannot be asked: only other evidence ends a doubt there.
    NotOffered,
}

/// Credit that is to be taken back from a line.
#[derive(Clone, Debug)]
pub struct ReversalRequest {
    /// Our own numeric reference of the reversal, at most 20 digits.
    pub reference: i64,
    /// The reference of the refill that is reversed.
    pub of: i64,
    pub msisdn: Msisdn,
    pub amount: Money,
    /// Nothing leaves after it.
    pub submit_by: Timestamp,
}

/// What became of a reversal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReversalOutcome {
    Reversed,
    /// An explicit, listed refusal: the line keeps its credit.
    Refused(ReversalRefusal),
    /// As [`ChargingOutcome::Unknown`].
    Unknown(String),
    /// Provably never sent.
    NotSent,
    /// This charging system takes no credit back.
    NotOffered,
}

/// Why a charging system does not take credit back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReversalRefusal {
    /// The line has less left (`domain.md` \[16\]).
    CreditSpent,
    SubscriberUnknown,
    Other,
}

/// What a line has. A hint beside other evidence, never proof of a refill: the line is used meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BalanceOutcome {
    Known(Money),
    SubscriberUnknown,
    /// The inquiry itself failed.
    Unknown(String),
    NotOffered,
}

/// What a charging system tells by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The recharge that it says it is about.
    pub operation: OperationId,
    pub reference: i64,
    pub outcome: LookupOutcome,
}

/// Why nothing is learned from what somebody sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventError {
    /// This charging system tells nothing by itself, or is not configured to.
    NotOffered,
    /// The sender did not prove who it is.
    Unsigned,
    Unreadable,
    /// It is about nothing of ours.
    Irrelevant,
}

/// A charging system.
#[async_trait]
pub trait Charging: Send + Sync + 'static {
    /// Name in logs and metrics.
    fn name(&self) -> &'static str;

    /// Credits the line, once. The caller bounds the time; a caller that stopped waiting knows nothing.
    async fn refill(&self, request: &RefillRequest) -> ChargingOutcome;

    /// Asks what became of an earlier refill.
    async fn lookup(&self, reference: i64) -> LookupOutcome;

    /// Takes credit back, once.
    async fn reverse(&self, _: &ReversalRequest) -> ReversalOutcome {
        ReversalOutcome::NotOffered
    }

    /// Asks what became of an earlier reversal, by the reference of its own.
    async fn lookup_reversal(&self, _: i64) -> LookupOutcome {
        LookupOutcome::NotOffered
    }

    /// What a line has now.
    async fn balance(&self, _: Msisdn) -> BalanceOutcome {
        BalanceOutcome::NotOffered
    }
    /// Reads what somebody sent in the name of this charging system, with the header `Authorization` that came along.
    ///
    /// # Errors
    /// [`EventError`] when nothing is learned from it.
    fn read_event(&self, _authorization: &str, _body: &[u8]) -> Result<Told, EventError> {
        Err(EventError::NotOffered)
    }
}
