//! Tells how many subscribers nobody called back in time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::ports::{CaseStore, Clock};

const EVERY: Duration = Duration::from_secs(15);

/// What the job needs of the world.
pub struct CaseJob {
    pub cases: Arc<dyn CaseStore>,
    pub clock: Arc<dyn Clock>,
}

impl CaseJob {
    /// Looks until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            match self.cases.overdue_cases(self.clock.now()).await {
                Ok(overdue) => {
                    #[expect(clippy::cast_precision_loss, reason = "a count")]
                    metrics::gauge!("taabia_cases_overdue").set(overdue as f64);
                }
                Err(error) => tracing::warn!(%error, "overdue cases cannot be counted"),
            }
            if timeout(EVERY, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
        }
    }
}
