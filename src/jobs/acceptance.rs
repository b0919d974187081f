//! Ends transfers whose receiver did not accept them in time.
//!
//! It works on every node, from the holds in the store; the engine ends each transfer once, and refuses whatever comes
//! too late by itself, so that a job that is late does no harm but to keep stock aside.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::{Operation, OperationKind};
use crate::ledger::command::{Command, Outcome, Request, SettleTransfer, Settlement};
use crate::ports::{Clock, Ledger, StoreError, TransferReads};

/// Transfers ended at once.
const CONCURRENCY: usize = 64;
/// Transfers looked up at once.
const PAGE: u32 = 500;

/// What the job needs of the world.
pub struct AcceptanceJob {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn TransferReads>,
    pub clock: Arc<dyn Clock>,
    pub poll_interval_ms: u64,
}

impl AcceptanceJob {
    /// Sweeps until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let pause = Duration::from_millis(self.poll_interval_ms);
        loop {
            if let Err(error) = self.sweep().await {
                tracing::warn!(error = %error, "overdue transfers cannot be read");
            }
            if timeout(pause, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
        }
    }

    /// One pass over what is overdue: as long as pages are full and each ends something.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        loop {
            let overdue = self.reads.overdue_transfers(self.clock.now(), PAGE).await?;
            let full = overdue.len() == PAGE as usize;
            let ended = futures::stream::iter(overdue)
                .map(|transfer| async move { self.expire(&transfer).await })
                .buffer_unordered(CONCURRENCY)
                .filter(|ended| futures::future::ready(*ended))
                .count()
                .await;
            if !full || ended == 0 {
                return Ok(());
            }
        }
    }

    async fn expire(&self, transfer: &Operation) -> bool {
        let Some(to) = transfer.transfer().and_then(|transfer| transfer.to) else { return false };
        let (operation, from) = (transfer.id, transfer.reseller);
        let expire = SettleTransfer { operation, from, to, settlement: Settlement::Expire };
        let command = Command { actor: "system:acceptance".into(), request: Request::SettleTransfer(expire) };
        let ended = self.ledger.execute(command).await;
        if let Err(error) = &ended {
            let id = OperationKind::Transfer.render(operation);
            tracing::warn!(transfer.id = id, %error, "an overdue transfer is not ended yet");
        }
        matches!(ended, Ok(Outcome::Decided(_)))
    }
}
