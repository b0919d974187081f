//! What acquirers told by themselves.

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::{OperationId, Timestamp};
use crate::ports::{KeptNotification, NotificationLog, NotificationOutcome, StoreError};

#[async_trait]
impl NotificationLog for MemoryStore {
    async fn keep_notification(&self, notification: &KeptNotification) -> Result<(), StoreError> {
        let mut state = self.shared.state();
        let key = (notification.acquirer.clone(), notification.key.clone());
        let Some(kept) = state.notifications.get_mut(&key) else {
            state.notifications.insert(key, notification.clone());
            return Ok(());
        };
        kept.times += 1;
        let (before, now) = (kept.outcome, notification.outcome);
        if (before, now) != (NotificationOutcome::Applied, NotificationOutcome::NoChange) {
            kept.outcome = now;
        }
        Ok(())
    }

    async fn kept_notifications(&self, limit: u32) -> Result<Vec<KeptNotification>, StoreError> {
        let state = self.shared.state();
        let mut kept: Vec<_> = state.notifications.values().filter(|it| it.outcome.is_kept()).cloned().collect();
        kept.sort_by(|a, b| (a.received_at, &a.acquirer, &a.key).cmp(&(b.received_at, &b.acquirer, &b.key)));
        kept.truncate(limit as usize);
        Ok(kept)
    }

    async fn kept_notifications_of(
        &self,
        acquirer: &str,
        before: Option<&(Timestamp, Box<str>)>,
        limit: u32,
    ) -> Result<Vec<KeptNotification>, StoreError> {
        let state = self.shared.state();
        let shows = |it: &&KeptNotification| {
            let place = (it.received_at, it.key.clone());
            it.outcome.is_kept() && *it.acquirer == *acquirer && before.is_none_or(|before| place < *before)
        };
        let mut kept: Vec<_> = state.notifications.values().filter(shows).cloned().collect();
        kept.sort_by(|a, b| (b.received_at, &b.key).cmp(&(a.received_at, &a.key)));
        kept.truncate(limit as usize);
        Ok(kept)
    }

    async fn topup_of_reference(&self, acquirer: &str, reference: &str) -> Result<Option<OperationId>, StoreError> {
        let state = self.shared.state();
        let mut operations = state.books.iter().flat_map(|books| books.operations.values());
        let found = operations.find(|operation| {
            operation.topup().is_some_and(|topup| {
                topup.payment.acquirer.as_deref() == Some(acquirer)
                    && topup.payment.reference.as_deref() == Some(reference)
            })
        });
        Ok(found.map(|operation| operation.id))
    }
}
