//! An acquirer behind its circuit breaker, with metrics for every step.
//!
//! The breaker keeps authorisations back only: money that was authorised must be captured, voided, refunded or asked
//! for however ill the acquirer is. So only authorisations tell the breaker about health, too.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::AcquirerName;
use crate::domain::{Money, Timestamp};
use crate::exchange::breaker::{BreakerConfig, BreakerState, Gate, Health};
use crate::ports::acquirer::{
    Authorised, Done, Lookup, NotSent, NotificationError, NotificationReply, NotificationVerdict, Notified, Outcome,
    Payment, PaymentMethod, PaymentOrder, Received, RefundOrder, RefusalReason, SettlementProfile,
};
use crate::ports::{Acquirer, Clock};

pub(super) struct Guarded {
    name: AcquirerName,
    acquirer: Arc<dyn Acquirer>,
    gate: Gate,
}

impl Guarded {
    pub(super) fn new(
        name: AcquirerName,
        acquirer: Arc<dyn Acquirer>,
        breaker: BreakerConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let gate = Gate::new(name.as_str(), breaker, Arc::new(move || clock.now()), show);
        Self { name, acquirer, gate }
    }

    pub(super) fn name(&self) -> &AcquirerName {
        &self.name
    }

    pub(super) fn healthy(&self) -> bool {
        self.gate.would_admit()
    }

    pub(super) fn state(&self) -> BreakerState {
        self.gate.state()
    }

    /// Times a step and counts its outcome.
    async fn measured<T>(&self, step: &'static str, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        let began = Instant::now();
        let outcome = work.await;
        self.measure(step, outcome.name(), began);
        if let Outcome::Unknown { reason, .. } = &outcome {
            tracing::warn!(acquirer = %self.name, step, reason, "the outcome at the acquirer is unknown");
        }
        outcome
    }

    fn measure(&self, step: &'static str, outcome: &'static str, began: Instant) {
        let acquirer = self.name.to_string();
        metrics::histogram!("taabia_acquirer_seconds", "acquirer" => acquirer.clone(), "step" => step)
            .record(began.elapsed());
        metrics::counter!("taabia_acquirer_outcomes_total", "acquirer" => acquirer, "step" => step, "outcome" => outcome)
            .increment(1);
    }
}

/// What an authorisation says about the acquirer.
fn health(outcome: &Outcome<Authorised>) -> Health {
    match outcome {
        Outcome::Refused(refusal) => match refusal.reason {
            RefusalReason::Misconfigured | RefusalReason::AcquirerError => Health::Ill,
            _ => Health::Well,
        },
        Outcome::Done(_) => Health::Well,
        Outcome::Unknown { .. } | Outcome::NotSent(NotSent::Unreachable(_)) => Health::Ill,
        Outcome::NotSent(NotSent::TooLate | NotSent::BreakerOpen | NotSent::NotOffered) => Health::Unsaid,
    }
}

fn show(name: &str, state: BreakerState) {
    metrics::gauge!("taabia_acquirer_breaker_state", "acquirer" => name.to_owned()).set(f64::from(state.gauge()));
}

#[async_trait]
impl Acquirer for Guarded {
    fn kind(&self) -> &'static str {
        self.acquirer.kind()
    }

    fn offers(&self, method: &PaymentMethod) -> bool {
        self.acquirer.offers(method)
    }

    async fn authorise(&self, order: &PaymentOrder) -> Outcome<Authorised> {
        let Some(mut attempt) = self.gate.attempt() else {
            self.measure("authorise", "breaker_open", Instant::now());
            return Outcome::NotSent(NotSent::BreakerOpen);
        };
        let outcome = self.measured("authorise", self.acquirer.authorise(order)).await;
        attempt.health = health(&outcome);
        outcome
    }

    async fn capture(&self, payment: &Payment, amount: Money, submit_by: Timestamp) -> Outcome<Done> {
        self.measured("capture", self.acquirer.capture(payment, amount, submit_by)).await
    }

    async fn void(&self, payment: &Payment, submit_by: Timestamp) -> Outcome<Done> {
        self.measured("void", self.acquirer.void(payment, submit_by)).await
    }

    async fn refund(&self, order: &RefundOrder) -> Outcome<Done> {
        self.measured("refund", self.acquirer.refund(order)).await
    }

    async fn lookup(&self, payment: &Payment) -> Lookup {
        let began = Instant::now();
        let lookup = self.acquirer.lookup(payment).await;
        let word = match &lookup {
            Lookup::Known(_) => "known",
            Lookup::NotKnown => "not_known",
            Lookup::NotOffered => "not_offered",
            Lookup::Unknown(_) => "unknown",
        };
        self.measure("lookup", word, began);
        lookup
    }

    fn read_notification(&self, received: &Received<'_>) -> Result<Notified, NotificationError> {
        let read = self.acquirer.read_notification(received);
        let word = match &read {
            Ok(Notified::Of(_)) => "genuine",
            Ok(Notified::Irrelevant { .. }) => "irrelevant",
            Err(NotificationError::Unsigned | NotificationError::WrongSignature) => "forged",
            Err(NotificationError::Stale) => "stale",
            Err(NotificationError::Unreadable) => "unreadable",
        };
        metrics::counter!("taabia_acquirer_notifications_total", "acquirer" => self.name.to_string(), "kind" => word)
            .increment(1);
        read
    }

    fn reply(&self, verdict: NotificationVerdict) -> NotificationReply {
        self.acquirer.reply(verdict)
    }

    fn settlement_profile(&self) -> &SettlementProfile {
        self.acquirer.settlement_profile()
    }
}
