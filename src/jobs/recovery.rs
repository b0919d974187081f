//! Every node heeds within a second that a recovery began or ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::engine::SalesGate;
use crate::ports::Reads;
use crate::services::recovery;

const EVERY: Duration = Duration::from_secs(1);

/// What the job needs of the world.
pub struct RecoveryJob {
    pub reads: Arc<dyn Reads>,
    pub gate: Arc<SalesGate>,
}

impl RecoveryJob {
    /// Looks until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while timeout(EVERY, stop.wait_for(|stopped| *stopped)).await.is_err() {
            if let Err(error) = recovery::heed(&*self.reads, &self.gate).await {
                tracing::warn!(%error, "whether sales are refused cannot be read");
            }
            metrics::gauge!("taabia_sales_refused").set(f64::from(u8::from(self.gate.refused_since().is_some())));
        }
    }
}
