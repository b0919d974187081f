//! The doubt job: recharges whose deadline has passed without an outcome are resolved by inquiry.
//!
//! It works on every node, from the holds in the store, so that doubt begins by deadline and never by a
//! restart. Inquiries back off; several nodes asking at once do no harm, since the engine moves an operation
//! once. What each inquiry says is evidence; what it is worth is the ledger's decision (`ledger::evidence`).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::timeout;

use super::pace::Paces;
use crate::charging::ChargingSystems;
use crate::domain::{EvidenceKind, Operation, OperationId, OperationKind, Says, Status, Timestamp};
use crate::ledger::command::Evidence;
use crate::ledger::evidence::EvidenceRules;
use crate::ports::{Clock, Ledger, LookupOutcome, Reads, StoreError};
use crate::services::evidence::{Received, of_lookup, tell};

/// How the doubt job works.
#[derive(Clone, Debug)]
pub struct DoubtConfig {
    pub poll_interval_ms: u64,
    /// What ends a doubt: an inquiry that says again what was said is told to the ledger only when it would decide.
    pub evidence: EvidenceRules,
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
            evidence: EvidenceRules::default(),
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

/// What inquiries said last, of what is still in doubt.
#[derive(Default)]
struct Told(Mutex<HashMap<OperationId, Evidence>>);

impl Told {
    fn is_news(&self, operation: OperationId, evidence: Evidence) -> bool {
        self.map().insert(operation, evidence) != Some(evidence)
    }

    fn keep(&self, met: &HashSet<OperationId>) {
        self.map().retain(|operation, _| met.contains(operation));
    }

    fn map(&self) -> MutexGuard<'_, HashMap<OperationId, Evidence>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let told = Told::default();
        for sweep in 0_u64.. {
            if let Err(error) = self.sweep(sweep, &mut paces, &told).await {
                tracing::warn!(error = %error, "the doubt job cannot read the store");
            }
            let pause = Duration::from_millis(self.config.poll_interval_ms);
            if timeout(pause, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
        }
    }

    /// One pass over all due operations.
    async fn sweep(&self, sweep: u64, paces: &mut Paces<OperationId>, told: &Told) -> Result<(), StoreError> {
        let now = self.clock.now();
        if sweep.is_multiple_of(GAUGE_EVERY) {
            self.gauge(now).await?;
        }
        let mut after = None;
        let mut met = HashSet::new();
        let mut overdue = 0_u32;
        loop {
            let page = self.reads.due(now, after, PAGE).await?;
            let complete = page.len() < PAGE as usize;
            after = page.last().map(|operation| (due_at(operation), operation.id));
            overdue += u32::try_from(page.iter().filter(|it| self.is_overdue(it, now)).count()).unwrap_or(u32::MAX);
            met.extend(page.iter().map(|operation| operation.id));
            let ready: Vec<_> = page.into_iter().filter(|operation| paces.is_due(operation.id)).collect();
            futures::stream::iter(ready)
                .for_each_concurrent(self.config.concurrency, |operation| async move {
                    self.inquire(&operation, told).await;
                })
                .await;
            if complete {
                break;
            }
        }
        paces.swept();
        told.keep(&met);
        metrics::gauge!("taabia_doubt_overdue_operations").set(f64::from(overdue));
        Ok(())
    }

    fn is_overdue(&self, operation: &Operation, now: Timestamp) -> bool {
        operation.recharge().is_some_and(|recharge| now > self.config.evidence.promised_at(recharge))
    }

    async fn inquire(&self, operation: &Operation, told: &Told) {
        let Some((recharge, reference)) = operation.recharge().and_then(|r| r.charging_reference.map(|it| (r, it)))
        else {
            return tracing::error!(operation = %operation.id.uuid(), "a hold stands for something that was never sent");
        };
        if operation.status == Status::Submitted {
            self.tell(Received::silence(operation.id, self.clock.now())).await;
        }
        let bound = Duration::from_millis(self.config.lookup_timeout_ms);
        // A miss counts by when it was asked: what came in since is not known either.
        let asked_at = self.clock.now();
        // The one that was written down before it was asked. One that is not configured any more cannot be asked.
        let found = match self.charging.get(recharge.asked.last()) {
            Some(charging) => timeout(bound, charging.lookup(reference)).await,
            None => Ok(LookupOutcome::NotOffered),
        };
        let found = found.unwrap_or_else(|_| LookupOutcome::Unknown("no answer in time".into()));
        let rules = self.config.evidence.of(recharge.asked.last());
        let counts = |says| rules.outcome(EvidenceKind::Inquiry, says, recharge.submit_by, asked_at).is_some();
        let (name, counts) = match &found {
            LookupOutcome::Applied => ("applied", counts(Says::Applied)),
            LookupOutcome::NotApplied(decline) => ("not_applied", counts(Says::NotApplied(*decline))),
            LookupOutcome::NotKnown if counts(Says::NotKnown) => ("not_known", true),
            LookupOutcome::NotKnown => ("not_known_yet", false),
            LookupOutcome::NotOffered => ("not_offered", false),
            LookupOutcome::Unknown(_) => ("unknown", false),
        };
        metrics::counter!("taabia_doubt_inquiries_total", "answer" => name).increment(1);
        if let Some((evidence, kept)) = of_lookup(found)
            && (told.is_news(operation.id, evidence) || counts)
        {
            self.tell(Received::about(operation, EvidenceKind::Inquiry, evidence, asked_at, &kept)).await;
        }
    }

    async fn tell(&self, received: Received) {
        let id = OperationKind::Recharge.render(received.operation);
        if tell(&*self.ledger, "system:doubt".into(), received).await.is_err() {
            tracing::warn!(recharge.id = id, "doubt not resolved yet");
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
