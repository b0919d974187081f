//! Proposals that nobody decided in time are ended, so that what they counted for is free again.
//!
//! It works on every node; several at once do no harm, since the engine ends a proposal once. Whether it runs in time
//! matters to nobody who decides: the ledger itself refuses a decision that comes too late.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::ledger::command::{Command, Expire, Request};
use crate::ports::{Clock, Ledger, StockReads, StoreError};

/// What the job needs of the world.
pub struct ExpiryJob {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn StockReads>,
    pub clock: Arc<dyn Clock>,
    pub poll_interval_ms: u64,
}

/// Proposals ended at once.
const PAGE: u32 = 200;

impl ExpiryJob {
    /// Sweeps until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::warn!(error = %error, "the expiry job cannot read the store");
            }
            let pause = Duration::from_millis(self.poll_interval_ms);
            if timeout(pause, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
        }
    }

    /// Ends what is overdue now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        loop {
            let overdue = self.reads.overdue_proposals(self.clock.now(), PAGE).await?;
            let complete = overdue.len() < PAGE as usize;
            for operation in overdue {
                let request = Request::Expire(Expire { operation });
                let command = Command { actor: "system:expiry".into(), request };
                if let Err(error) = self.ledger.execute(command).await {
                    tracing::warn!(operation = %operation.uuid(), %error, "a proposal is not ended yet");
                    return Ok(());
                }
            }
            if complete {
                return Ok(());
            }
        }
    }
}
