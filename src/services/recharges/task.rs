//! One recharge on its way: reserved, asked for, settled or released, whether anybody waits for it or not.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use super::super::caller::ServiceError;
use super::super::evidence::{Received, tell};
use super::{Answer, Progress, RechargeDeps, Stage};
use crate::domain::{Currency, Decline, EvidenceKind, Money, Operation, OperationKind, SystemName};
use crate::ledger::command::{Command, Evidence, Outcome, Request, Resolve, Source};
use crate::ports::{ChargingOutcome, RefillRequest};

/// One recharge on its way, detached from the request that asked for it.
pub(super) struct Task {
    pub deps: Arc<RechargeDeps>,
    pub currency: Currency,
    pub progress: watch::Sender<Progress>,
}

impl Task {
    /// Runs to the end whether anybody waits or not. The permit counts it as outstanding.
    pub async fn run(self, command: Command, permit: OwnedSemaphorePermit) {
        let span = tracing::debug_span!("recharge.reserve", reseller.id = tracing::field::Empty);
        let begun = Instant::now();
        let reserved = match self.deps.ledger.execute(command).instrument(span.clone()).await {
            Ok(outcome) => Answer::of(outcome),
            Err(error) => Err(error.into()),
        };
        if let Ok(Answer { operation, replayed }) = &reserved {
            span.record("reseller.id", tracing::field::display(operation.reseller));
            trace_state(&span, operation, *replayed, begun);
        }
        let ours = reserved.as_ref().ok().filter(|answer| !answer.replayed && answer.operation.status.is_open());
        let Some(operation) = ours.map(|answer| answer.operation.clone()) else {
            return self.report(reserved, Stage::Answered);
        };
        self.report(reserved, Stage::Waiting);
        let span = tracing::debug_span!("recharge.charge", reseller.id = %operation.reseller);
        self.charge(&operation).instrument(span).await;
        drop(permit);
    }

    /// Calls one charging system after the other, as long as each says that the line is not its own.
    async fn charge(&self, operation: &Arc<Operation>) {
        let mut next = Some(Arc::clone(operation));
        while let Some(operation) = next {
            next = self.ask(&operation).await;
        }
    }

    /// Calls the charging system that was written down and moves the operation by what it says, also when it says it late.
    /// Gives the operation when another system is to be asked, which is written down by then.
    async fn ask(&self, operation: &Operation) -> Option<Arc<Operation>> {
        let Some((recharge, request)) = operation.recharge().zip(refill_request(operation, self.currency)) else {
            tracing::error!(operation = %operation.id.uuid(), "a reserved recharge has no charging reference");
            return None;
        };
        let system = recharge.asked.last();
        let Some(charging) = self.deps.charging.get(system) else {
            // Written down a moment ago: only an installation without any charging system comes here.
            self.conclude(operation, system, ChargingOutcome::NotSent).await;
            return None;
        };
        let begun = Instant::now();
        // None when the reservation itself took too long: then nothing is sent any more.
        let left_ms = u64::try_from(request.submit_by.since_ms(self.deps.clock.now())).unwrap_or(0);
        let mut refill = charging.refill(&request);
        let in_time = timeout(Duration::from_millis(left_ms), &mut refill).await;
        metrics::histogram!("taabia_charging_seconds", "system" => system.to_string())
            .record(begun.elapsed().as_secs_f64());
        match in_time {
            Ok(ChargingOutcome::Declined(Decline::SubscriberUnknown)) => {
                let next = self.deps.charging.next(recharge.msisdn, &recharge.asked);
                // What cannot be written down is not asked. Then this answer stands: nobody else was asked.
                if let Some(next) = next
                    && let Some(operation) = self.send_on(operation, system, next).await
                {
                    return Some(operation);
                }
                self.conclude(operation, system, ChargingOutcome::Declined(Decline::SubscriberUnknown)).await;
            }
            Ok(outcome) => self.conclude(operation, system, outcome).await,
            Err(_) => {
                let silence = ChargingOutcome::Unknown("no answer before the deadline".into());
                self.conclude(operation, system, silence).await;
                match refill.await {
                    ChargingOutcome::Unknown(_) => {}
                    late => self.conclude(operation, system, late).await,
                }
            }
        }
        None
    }

    /// Writes down that another charging system is asked.
    async fn send_on(&self, operation: &Operation, from: SystemName, next: SystemName) -> Option<Arc<Operation>> {
        count(from, "not_ours");
        let source = Source::answer(self.deps.clock.now());
        let resolve = Resolve { operation: operation.id, evidence: Evidence::NotOurs { next }, source };
        let command = Command { actor: "system:charging".into(), request: Request::Resolve(resolve) };
        let id = OperationKind::Recharge.render(operation.id);
        match self.deps.ledger.execute(command).await {
            Ok(Outcome::Decided(operation)) => {
                tracing::debug!(recharge.id = id, %from, %next, "sent on to another charging system");
                Some(operation)
            }
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(recharge.id = id, %error, "not sent on to another charging system");
                None
            }
        }
    }

    async fn conclude(&self, operation: &Operation, system: SystemName, outcome: ChargingOutcome) {
        count(system, outcome_name(&outcome));
        let (evidence, kept) = match outcome {
            ChargingOutcome::Approved => (Evidence::Applied, "approved"),
            ChargingOutcome::Declined(decline) => (Evidence::NotApplied(decline), decline.code()),
            ChargingOutcome::NotSent => (Evidence::NotApplied(Decline::ChargingDeclined), "not sent"),
            ChargingOutcome::Unknown(why) => {
                tracing::info!(recharge.id = %OperationKind::Recharge.render(operation.id), %system, why, "recharge in doubt");
                (Evidence::NoAnswer, "")
            }
        };
        let begun = Instant::now();
        let now = self.deps.clock.now();
        let received = Received::about(operation, EvidenceKind::LateAnswer, evidence, now, kept);
        // When it could not be, the operation stays as it is: one that is open is the doubt job's.
        if let Ok(operation) = tell(&*self.deps.ledger, "system:charging".into(), received).await {
            trace_state(&tracing::Span::current(), &operation, false, begun);
            self.report(Ok(Answer { operation, replayed: false }), Stage::Answered);
        }
    }

    fn report(&self, reached: Result<Answer, ServiceError>, stage: Stage) {
        self.progress.send_replace(Some(reached.map(|answer| (answer, stage))));
    }
}

/// One line per durable step, for whoever follows a recharge; never a subscriber's number.
fn trace_state(span: &tracing::Span, operation: &Operation, replayed: bool, begun: Instant) {
    tracing::debug!(
        parent: span,
        recharge.id = %OperationKind::Recharge.render(operation.id),
        status = operation.status.name(),
        decline = operation.decline.map_or("", Decline::code),
        amount.minor = operation.amount_minor,
        replayed,
        duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "recharge"
    );
}

/// What is asked of the charging system for a reserved recharge.
fn refill_request(operation: &Operation, currency: Currency) -> Option<RefillRequest> {
    let recharge = operation.recharge()?;
    Some(RefillRequest {
        reference: recharge.charging_reference?,
        operation: operation.id,
        msisdn: recharge.msisdn,
        amount: Money::from_minor(operation.amount_minor, currency),
        product: recharge.product.clone(),
        submit_by: recharge.submit_by,
    })
}

fn count(system: SystemName, outcome: &'static str) {
    metrics::counter!("taabia_charging_outcomes_total", "system" => system.to_string(), "outcome" => outcome)
        .increment(1);
}

fn outcome_name(outcome: &ChargingOutcome) -> &'static str {
    match outcome {
        ChargingOutcome::Approved => "approved",
        ChargingOutcome::Declined(_) => "declined",
        ChargingOutcome::Unknown(_) => "unknown",
        ChargingOutcome::NotSent => "not_sent",
    }
}
