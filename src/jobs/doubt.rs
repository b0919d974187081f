//! The doubt job: recharges whose deadline has passed without an outcome are resolved by inquiry.
//!
//! It works on every node, from the holds in the store, so that doubt begins by deadline and never by a
//! restart. Inquiries back off; several nodes asking at once do no harm, since the engine moves an operation
//! once. A miss counts only after `submit_by` plus the charging system's horizon (`domain.md` \[5\]).

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::timeout;

use super::pace::Paces;
use crate::charging::ChargingSystems;
use crate::domain::{Decline, Operation, OperationId, OperationKind, Status, Timestamp};
use crate::ledger::command::{Command, Evidence, Request, Resolve};
use crate::ports::{Clock, Ledger, LookupOutcome, Reads, StoreError};

/// How the doubt job works.
#[derive(Clone, Debug)]
pub struct DoubtConfig {
    pub poll_interval_ms: u64,
    /// How long after `submit_by` a request may still be on its way inside the charging system.
    pub lookup_horizon_ms: i64,
    pub lookup_timeout_ms: u64,
    /// First pause between two inquiries about one operation; it doubles up to the longest.
    pub min_backoff_ms: u64,
    pub max_backoff_ms: u64,
    /// Inquiries at the same time.
    pub concurrency: usize,
}

impl Default for DoubtConfig {
    fn default() -> Self {
        Self {
            poll_interval_ms: 1_000,
            lookup_horizon_ms: 10_000,
            lookup_timeout_ms: 3_000,
            min_backoff_ms: 1_000,
            max_backoff_ms: 30_000,
            concurrency: 32,
        }
    }
}

/// What the job needs of the world.
pub struct DoubtJob {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub charging: Arc<ChargingSystems>,
    pub clock: Arc<dyn Clock>,
    pub config: DoubtConfig,
}

/// Sweeps between two looks at how much is in doubt.
const GAUGE_EVERY: u64 = 5;
/// Rows of one page of due operations.
const PAGE: u32 = 500;

impl DoubtJob {
    /// Sweeps until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let DoubtConfig { min_backoff_ms, max_backoff_ms, .. } = self.config;
        let mut paces = Paces::new(Duration::from_millis(min_backoff_ms), Duration::from_millis(max_backoff_ms));
        for sweep in 0_u64.. {
            if let Err(error) = self.sweep(sweep, &mut paces).await {
                tracing::warn!(error = %error, "the doubt job cannot read the store");
            }
            let pause = Duration::from_millis(self.config.poll_interval_ms);
            if timeout(pause, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
        }
    }

    /// One pass over all due operations.
    async fn sweep(&self, sweep: u64, paces: &mut Paces<OperationId>) -> Result<(), StoreError> {
        let now = self.clock.now();
        if sweep.is_multiple_of(GAUGE_EVERY) {
            self.gauge(now).await?;
        }
        let mut after = None;
        loop {
            let page = self.reads.due(now, after, PAGE).await?;
            let complete = page.len() < PAGE as usize;
            after = page.last().map(|operation| (due_at(operation), operation.id));
            let ready: Vec<_> = page.into_iter().filter(|operation| paces.is_due(operation.id)).collect();
            futures::stream::iter(ready)
                .for_each_concurrent(self.config.concurrency, |operation| async move { self.inquire(&operation).await })
                .await;
            if complete {
                break;
            }
        }
        paces.swept();
        Ok(())
    }

    async fn inquire(&self, operation: &Operation) {
        let Some((recharge, reference)) = operation.recharge().and_then(|r| r.charging_reference.map(|it| (r, it)))
        else {
            return tracing::error!(operation = %operation.id.uuid(), "a hold stands for something that was never sent");
        };
        if operation.status == Status::Submitted {
            self.resolve(operation, Evidence::NoAnswer).await;
        }
        let bound = Duration::from_millis(self.config.lookup_timeout_ms);
        // The one that was written down before it was asked. One that is not configured any more cannot be asked.
        let found = match self.charging.get(recharge.asked.last()) {
            Some(charging) => timeout(bound, charging.lookup(reference)).await,
            None => Ok(LookupOutcome::NotOffered),
        };
        let horizon = recharge.submit_by.plus_ms(self.config.lookup_horizon_ms);
        let (name, evidence) = match found {
            Ok(LookupOutcome::Applied) => ("applied", Some(Evidence::Applied)),
            Ok(LookupOutcome::NotApplied(decline)) => ("not_applied", Some(Evidence::NotApplied(decline))),
            Ok(LookupOutcome::NotKnown) if self.clock.now() > horizon => {
                ("not_known", Some(Evidence::NotApplied(Decline::ChargingDeclined)))
            }
            Ok(LookupOutcome::NotKnown) => ("not_known_yet", None),
            Ok(LookupOutcome::NotOffered) => ("not_offered", None),
            Ok(LookupOutcome::Unknown(_)) | Err(_) => ("unknown", None),
        };
        metrics::counter!("taabia_doubt_inquiries_total", "answer" => name).increment(1);
        if let Some(evidence) = evidence {
            self.resolve(operation, evidence).await;
        }
    }

    async fn resolve(&self, operation: &Operation, evidence: Evidence) {
        let resolve = Resolve { operation: operation.id, evidence };
        let command = Command { actor: "system:doubt".into(), request: Request::Resolve(resolve) };
        if let Err(error) = self.ledger.execute(command).await {
            let id = OperationKind::Recharge.render(operation.id);
            tracing::warn!(recharge.id = id, %error, "doubt not resolved yet");
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and ages are far below 2^52")]
    async fn gauge(&self, now: Timestamp) -> Result<(), StoreError> {
        let (count, oldest) = self.reads.doubt(now).await?;
        metrics::gauge!("taabia_doubt_operations").set(count as f64);
        let age_ms = oldest.map_or(0, |oldest| now.since_ms(oldest));
        metrics::gauge!("taabia_doubt_oldest_seconds").set(age_ms as f64 / 1_000.0);
        Ok(())
    }
}

fn due_at(operation: &Operation) -> Timestamp {
    operation.recharge().map_or(operation.created_at, |recharge| recharge.submit_by)
}
