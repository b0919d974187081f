//! Looks after top-ups that are not at their end: payments whose outcome is not known, or that nobody made, money that
//! was taken for stock that has not come, and disputes.
//!
//! It works on every node, from the store, so that what a node left behind goes on. Several nodes looking at once do no
//! harm: the ledger moves a top-up once.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::timeout;

use super::pace::Paces;
use crate::domain::{Operation, OperationId, OperationKind, Status, Topup};
use crate::ports::{StoreError, TopupReads};
use crate::services::cashier::Cashier;

/// Rows of one page of open top-ups.
const PAGE: u32 = 500;
/// First pause between two looks at one top-up; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The same where nothing but the end of a dispute is waited for, which takes weeks, and is told.
const FIRST_PAUSE_OF_DISPUTES: Duration = Duration::from_mins(1);
const LONGEST_PAUSE_OF_DISPUTES: Duration = Duration::from_hours(1);

/// What the job needs of the world.
pub struct TopupJob {
    pub reads: Arc<dyn TopupReads>,
    pub cashier: Arc<Cashier>,
    pub poll_interval_ms: u64,
    /// Looks at the same time.
    pub concurrency: usize,
}

impl TopupJob {
    /// Sweeps until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut paces = OfBoth::new();
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

    /// One that moved on is looked at soon again.
    async fn sweep(&self, paces: &mut OfBoth) -> Result<(), StoreError> {
        let (mut open, mut captured, mut disputed) = (0, 0, 0);
        let mut after = OperationId::from_uuid(uuid::Uuid::nil());
        loop {
            let page = self.reads.open_topups(after, PAGE).await?;
            let complete = page.len() < PAGE as usize;
            after = page.last().map_or(after, |operation| operation.id);
            open += page.len();
            captured += page.iter().filter(|operation| operation.status == Status::Captured).count();
            disputed += page.iter().filter(|operation| operation.topup().is_some_and(Topup::is_disputed)).count();
            let ready = page.into_iter().filter(|operation| paces.is_due(operation));
            self.look_at(ready.collect()).await;
            if complete {
                break;
            }
        }
        paces.swept();
        gauge(open, captured, disputed);
        Ok(())
    }

    /// Looks at every top-up that is not at its end once.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn look_at_all(&self) -> Result<(), StoreError> {
        // Each is looked at as it stands, however short its pause is.
        self.sweep(&mut OfBoth::new()).await
    }

    async fn look_at(&self, operations: Vec<Operation>) {
        futures::stream::iter(operations)
            .for_each_concurrent(self.concurrency, |operation| async move { self.look(&operation).await })
            .await;
    }

    async fn look(&self, operation: &Operation) {
        if let Err(error) = self.cashier.look(operation).await {
            let id = OperationKind::Topup.render(operation.id);
            tracing::warn!(topup.id = id, ?error, "the top-up stays as it is for now");
        }
    }
}

/// The paces of payments, and of disputes that only wait.
struct OfBoth {
    payments: Paces<(OperationId, Status)>,
    disputes: Paces<(OperationId, Status)>,
}

impl OfBoth {
    fn new() -> Self {
        Self {
            payments: Paces::new(FIRST_PAUSE, LONGEST_PAUSE),
            disputes: Paces::new(FIRST_PAUSE_OF_DISPUTES, LONGEST_PAUSE_OF_DISPUTES),
        }
    }

    fn is_due(&mut self, operation: &Operation) -> bool {
        let hurries = operation.waits_for_payment() || operation.waits_for_recharge();
        let only_waits = !hurries && operation.topup().is_some_and(|it| !it.wants_tending());
        let paces = if only_waits { &mut self.disputes } else { &mut self.payments };
        paces.is_due((operation.id, operation.status))
    }

    fn swept(&mut self) {
        self.payments.swept();
        self.disputes.swept();
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn gauge(open: usize, captured: usize, disputed: usize) {
    metrics::gauge!("taabia_topups_open").set(open as f64);
    metrics::gauge!("taabia_topups_captured_not_credited").set(captured as f64);
    metrics::gauge!("taabia_topups_disputed").set(disputed as f64);
}
