//! A charging system that does what the number's last digits say.

use async_trait::async_trait;
use taabia::domain::{Currency, Decline, Money, Msisdn, OperationId};
use taabia::ports::charging::{EventError, Told};
use taabia::ports::{
    BalanceOutcome, Charging, ChargingOutcome, LookupOutcome, RefillRequest, ReversalOutcome, ReversalRefusal,
    ReversalRequest,
};

/// Approves; `…00` never answers, `…02` is unknown.
pub struct Charger;

#[async_trait]
impl Charging for Charger {
    fn name(&self) -> &'static str {
        "test"
    }

    async fn refill(&self, request: &RefillRequest) -> ChargingOutcome {
        match request.msisdn.digits() % 100 {
            0 => std::future::pending().await,
            2 => ChargingOutcome::Declined(Decline::SubscriberUnknown),
            _ => ChargingOutcome::Approved,
        }
    }

    /// Takes back; on `…30` the credit is spent, on `…31` nothing is heard.
    async fn reverse(&self, request: &ReversalRequest) -> ReversalOutcome {
        match request.msisdn.digits() % 100 {
            30 => ReversalOutcome::Refused(ReversalRefusal::CreditSpent),
            31 => std::future::pending().await,
            _ => ReversalOutcome::Reversed,
        }
    }

    async fn balance(&self, msisdn: Msisdn) -> BalanceOutcome {
        match msisdn.digits() % 100 {
            0 => BalanceOutcome::Unknown("test".into()),
            2 => BalanceOutcome::SubscriberUnknown,
            _ => BalanceOutcome::Known(Money::from_minor(0, Currency::MAD)),
        }
    }

    async fn lookup(&self, _: i64) -> LookupOutcome {
        LookupOutcome::NotKnown
    }

    /// `rch_… REFERENCE applied`, or `barred` or `unknown`, with the secret `tell-me`.
    fn read_event(&self, authorization: &str, body: &[u8]) -> Result<Told, EventError> {
        if authorization != "Bearer tell-me" {
            return Err(EventError::Unsigned);
        }
        let text = String::from_utf8_lossy(body);
        let [id, reference, outcome] = *text.split(' ').collect::<Vec<_>>() else { return Err(EventError::Unreadable) };
        let outcome = match outcome {
            "applied" => LookupOutcome::Applied,
            "barred" => LookupOutcome::NotApplied(Decline::SubscriberBarred),
            "unknown" => LookupOutcome::NotApplied(Decline::SubscriberUnknown),
            _ => return Err(EventError::Irrelevant),
        };
        let operation = OperationId::parse(id, "rch_").ok_or(EventError::Unreadable)?;
        Ok(Told { operation, reference: reference.parse().map_err(|_| EventError::Unreadable)?, outcome })
    }
}
