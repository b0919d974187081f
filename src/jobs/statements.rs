//! Writes the movements of resellers' accounts out of the journal, behind the posters.
//!
//! A recharge pays nothing for statements: this job reads what was committed, shard by shard, and writes many
//! movements at once, sorted by account. It works on every node; two never write the same shard at once. What it has
//! not reached yet is read from the journal itself, so it may be late without an answer being wrong.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::Shard;
use crate::ports::{Movements, StoreError};

/// How the job works.
#[derive(Clone, Copy, Debug)]
pub struct StatementConfig {
    /// Pause between two looks at the log.
    pub write_interval_ms: u64,
    /// Entries of one transaction at most. On SQLite it keeps the poster waiting.
    pub batch: u32,
}

impl Default for StatementConfig {
    fn default() -> Self {
        Self { write_interval_ms: 2_000, batch: 10_000 }
    }
}

/// What the job needs of the world.
pub struct StatementJob {
    pub movements: Arc<dyn Movements>,
    pub shards: u16,
    pub config: StatementConfig,
}

impl StatementJob {
    /// Sweeps until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.sweep(&stop).await {
                tracing::warn!(%error, "movements are not written out yet");
            }
            let pause = Duration::from_millis(self.config.write_interval_ms);
            if timeout(pause, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
        }
    }

    /// One pass over all shards, up to where each log stood when it was its turn.
    ///
    /// # Errors
    /// The first of a shard; the others were tried.
    pub async fn sweep(&self, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
        let mut failed = Ok(());
        let mut waiting = 0;
        for shard in Shard::all(self.shards) {
            match self.write_out(shard, stop).await {
                Ok(left) => waiting += left,
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer entries than 2^52")]
        metrics::gauge!("taabia_statements_waiting_entries").set(waiting as f64);
        failed
    }

    /// Gives how many entries were left to others or for later.
    async fn write_out(&self, shard: Shard, stop: &watch::Receiver<bool>) -> Result<i64, StoreError> {
        let place = self.movements.log_place(shard).await?;
        let mut written = place.written;
        while written < place.head && !*stop.borrow() {
            let reached = self.movements.write_out(shard, self.config.batch).await?;
            // Another node is at it.
            if reached <= written {
                break;
            }
            written = reached;
        }
        Ok(place.head.saturating_sub(written))
    }
}
