//! A charging system behind its circuit breaker.
//!
//! The breaker keeps new refills back only: what was sent is asked for, and credit is taken back, however ill the system
//! is. So only refills tell the breaker about health.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::{Msisdn, SystemName};
use crate::exchange::breaker::{BreakerConfig, BreakerState, Gate, Health};
use crate::ports::charging::{EventError, Told};
use crate::ports::{
    BalanceOutcome, Charging, ChargingOutcome, Clock, LookupOutcome, RefillRequest, ReversalOutcome, ReversalRequest,
};

pub(super) struct Guarded {
    charging: Arc<dyn Charging>,
    gate: Gate,
    clock: Arc<dyn Clock>,
}

impl Guarded {
    pub(super) fn new(
        name: SystemName,
        charging: Arc<dyn Charging>,
        breaker: BreakerConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let now = Arc::clone(&clock);
        Self { charging, gate: Gate::new(name.as_str(), breaker, Arc::new(move || now.now()), show), clock }
    }

    pub(super) fn state(&self) -> BreakerState {
        self.gate.state()
    }
}

fn show(name: &str, state: BreakerState) {
    metrics::gauge!("taabia_charging_breaker_state", "system" => name.to_owned()).set(f64::from(state.gauge()));
}

#[async_trait]
impl Charging for Guarded {
    fn name(&self) -> &'static str {
        self.charging.name()
    }

    async fn refill(&self, request: &RefillRequest) -> ChargingOutcome {
        let Some(mut attempt) = self.gate.attempt() else { return ChargingOutcome::NotSent };
        let outcome = self.charging.refill(request).await;
        attempt.health = match &outcome {
            ChargingOutcome::Approved | ChargingOutcome::Declined(_) => Health::Well,
            // Our own time was over.
            ChargingOutcome::NotSent if self.clock.now() > request.submit_by => Health::Unsaid,
            ChargingOutcome::Unknown(_) | ChargingOutcome::NotSent => Health::Ill,
        };
        outcome
    }

    async fn lookup(&self, reference: i64) -> LookupOutcome {
        self.charging.lookup(reference).await
    }

    async fn reverse(&self, request: &ReversalRequest) -> ReversalOutcome {
        self.charging.reverse(request).await
    }

    async fn lookup_reversal(&self, reference: i64) -> LookupOutcome {
        self.charging.lookup_reversal(reference).await
    }

    async fn balance(&self, msisdn: Msisdn) -> BalanceOutcome {
        self.charging.balance(msisdn).await
    }

    fn read_event(&self, authorization: &str, body: &[u8]) -> Result<Told, EventError> {
        self.charging.read_event(authorization, body)
    }
}
