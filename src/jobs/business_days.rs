//! Closes business days in the shards where nothing else does: a shard that is at work closes its days by itself.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::services::business_days::BusinessDays;

/// Pause between two looks at the calendar.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Works on every node; a day is closed once.
pub struct BusinessDayJob {
    pub days: BusinessDays,
}

impl BusinessDayJob {
    /// Looks until `stop` turns true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut closed_up_to = None;
        loop {
            let today = self.days.calendar.day_of(self.days.clock.now());
            if closed_up_to != Some(today) {
                match self.days.close().await {
                    Ok(shards) => {
                        closed_up_to = Some(today);
                        tracing::info!(business_day = %today, shards, "the days before are closed");
                    }
                    Err(error) => tracing::warn!(?error, "a business day is not closed yet"),
                }
            }
            if timeout(LOOK_EVERY, stop.wait_for(|stopped| *stopped)).await.is_ok() {
                return;
            }
        }
    }
}
