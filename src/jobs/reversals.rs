//! Looks after reversals that are not at their end: those that wait for the outcome of their recharge, and those whose own
//! outcome is not known.
//!
//! It works on every node, from the store. Several nodes looking at once do no harm: the ledger moves a reversal once.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::timeout;

use super::pace::Paces;
use crate::domain::OperationId;
use crate::ports::{StoreError, TopupReads};
use crate::services::Reversals;

/// Rows of one page of open reversals.
const PAGE: u32 = 500;

/// What the job needs of the world.
pub struct ReversalJob {
    pub reads: Arc<dyn TopupReads>,
    pub reversals: Arc<Reversals>,
    pub poll_interval_ms: u64,
    /// First pause between two looks at one reversal; it doubles up to the longest.
    pub min_backoff_ms: u64,
    pub max_backoff_ms: u64,
    /// Looks at the same time.
    pub concurrency: usize,
}

impl ReversalJob {
    /// Sweeps until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut paces = self.paces();
        loop {
            let pause = Duration::from_millis(self.poll_interval_ms);
            if timeout(pause, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
            if let Err(error) = self.sweep(&mut paces).await {
                tracing::warn!(%error, "the reversal job cannot read the store");
            }
        }
    }

    fn paces(&self) -> Paces<OperationId> {
        Paces::new(Duration::from_millis(self.min_backoff_ms), Duration::from_millis(self.max_backoff_ms))
    }

    /// Looks at every reversal that is not at its end once.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn look_at_all(&self) -> Result<(), StoreError> {
        self.sweep(&mut self.paces()).await
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    async fn sweep(&self, paces: &mut Paces<OperationId>) -> Result<(), StoreError> {
        let mut open = 0;
        let mut after = OperationId::from_uuid(uuid::Uuid::nil());
        loop {
            let page = self.reads.open_reversals(after, PAGE).await?;
            let complete = page.len() < PAGE as usize;
            after = page.last().map_or(after, |operation| operation.id);
            open += page.len();
            let ready: Vec<_> = page.into_iter().filter(|operation| paces.is_due(operation.id)).collect();
            futures::stream::iter(ready)
                .for_each_concurrent(self.concurrency, |reversal| async move { self.reversals.look(&reversal).await })
                .await;
            if complete {
                break;
            }
        }
        paces.swept();
        metrics::gauge!("taabia_reversals_open").set(open as f64);
        Ok(())
    }
}
