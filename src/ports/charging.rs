//! The operator's charging system: it credits a subscriber's line.

use async_trait::async_trait;

use crate::domain::{Decline, Money, Msisdn, Timestamp};

/// What is asked of the charging system.
#[derive(Clone, Debug)]
pub struct RefillRequest {
    /// Our own numeric reference, one per attempt, at most 20 digits.
    pub reference: i64,
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
}
