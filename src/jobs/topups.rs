//! Looks after top-ups that are not at their end: payments whose outcome is not known, or that nobody made, and money
//! that was taken for stock that has not come.
//!
//! It works on every node, from the store, so that what a node left behind goes on. Several nodes looking at once do no
//! harm: the ledger moves a top-up once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::domain::{Operation, OperationId, OperationKind, Status};
use crate::ports::{Clock, StoreError, TopupReads};
use crate::services::cashier::Cashier;

/// Top-ups that are looked at in one sweep.
const PAGE: u32 = 2_000;
/// First pause between two looks at one top-up; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What the job needs of the world.
pub struct TopupJob {
    pub reads: Arc<dyn TopupReads>,
    pub cashier: Arc<Cashier>,
    pub clock: Arc<dyn Clock>,
    pub poll_interval_ms: u64,
    /// Looks at the same time.
    pub concurrency: usize,
}

#[derive(Clone, Copy, Debug)]
struct Pace {
    next: Instant,
    pause: Duration,
    status: Status,
}

impl TopupJob {
    /// Sweeps until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut paces = HashMap::new();
        loop {
            let pause = Duration::from_millis(self.poll_interval_ms);
            if timeout(pause, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
            if let Err(error) = self.sweep(&mut paces).await {
                tracing::warn!(%error, "the top-up job cannot read the store");
            }
        }
    }

    async fn sweep(&self, paces: &mut HashMap<OperationId, Pace>) -> Result<(), StoreError> {
        let open = self.reads.open_topups(self.clock.now(), PAGE).await?;
        gauge(&open);
        let now = Instant::now();
        paces.retain(|id, _| open.iter().any(|operation| operation.id == *id));
        let ready = open.into_iter().filter(|operation| is_due(operation, now, paces)).collect::<Vec<_>>();
        futures::stream::iter(ready)
            .for_each_concurrent(self.concurrency, |operation| async move { self.look(&operation).await })
            .await;
        Ok(())
    }

    /// Looks at every top-up that is not at its end once.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn look_at_all(&self) -> Result<(), StoreError> {
        for operation in self.reads.open_topups(self.clock.now(), PAGE).await? {
            self.look(&operation).await;
        }
        Ok(())
    }

    async fn look(&self, operation: &Operation) {
        if let Err(error) = self.cashier.look(operation).await {
            let id = OperationKind::Topup.render(operation.id);
            tracing::warn!(topup.id = id, ?error, "the top-up stays as it is for now");
        }
    }
}

/// Whether it is time to look at a top-up; if so, the next time is set. One that moved on is looked at soon again.
fn is_due(operation: &Operation, now: Instant, paces: &mut HashMap<OperationId, Pace>) -> bool {
    let first = Pace { next: now, pause: FIRST_PAUSE, status: operation.status };
    let pace = paces.entry(operation.id).or_insert(first);
    if pace.status != operation.status {
        *pace = first;
    }
    let due = pace.next <= now;
    if due {
        pace.next = now + pace.pause;
        pace.pause = (pace.pause * 2).min(LONGEST_PAUSE);
    }
    due
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn gauge(open: &[Operation]) {
    let captured = open.iter().filter(|operation| operation.status == Status::Captured).count();
    metrics::gauge!("taabia_topups_open").set(open.len() as f64);
    metrics::gauge!("taabia_topups_captured_not_credited").set(captured as f64);
}
