//! The other ports over the same books, failing as their [`FaultyStore`] does.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::faulty::{Fault, FaultyStore, Point};
use crate::domain::{EventId, Operation, OperationId, ResellerId, Shard, Timestamp, WebhookId};
use crate::ports::{
    Attempt, Backlog, LoggedEvent, OperationSum, PartyQuery, Progress, StoreError, TopupReads, WebhookOutbox,
};

/// A port whose calls fail and wait as drawn for a store.
pub struct Faulty<P: ?Sized> {
    inner: Arc<P>,
    store: Arc<FaultyStore>,
}

impl<P: ?Sized> Faulty<P> {
    #[must_use]
    pub fn new(inner: Arc<P>, store: Arc<FaultyStore>) -> Self {
        Self { inner, store }
    }

    async fn read(&self) -> Result<&P, StoreError> {
        self.store.meet(Point::Read).await.map(|()| &*self.inner)
    }

    /// One transaction: its answer may be lost after it took effect.
    async fn write<T>(&self, write: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match self.store.draw(Point::Commit).await {
            None => write.await,
            Some(fault) => {
                if fault == Fault::LostApplied {
                    write.await?;
                }
                Err(StoreError::Unavailable("injected".into()))
            }
        }
    }
}

#[async_trait]
impl WebhookOutbox for Faulty<dyn WebhookOutbox> {
    async fn logged_events(&self, shard: Shard, after: i64, limit: u32) -> Result<Vec<LoggedEvent>, StoreError> {
        self.read().await?.logged_events(shard, after, limit).await
    }

    async fn backlog(&self, endpoint: WebhookId, limit: u32) -> Result<Backlog, StoreError> {
        self.read().await?.backlog(endpoint, limit).await
    }

    async fn begin(&self, endpoint: WebhookId, cursors: &[(Shard, i64)]) -> Result<(), StoreError> {
        self.write(self.inner.begin(endpoint, cursors)).await
    }

    async fn rewind(&self, endpoint: WebhookId, cursors: &[(Shard, i64)]) -> Result<(), StoreError> {
        self.write(self.inner.rewind(endpoint, cursors)).await
    }

    async fn lease(
        &self,
        endpoint: WebhookId,
        node: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(self.inner.lease(endpoint, node, now, until)).await
    }

    async fn progress(&self, progress: &Progress) -> Result<bool, StoreError> {
        self.write(self.inner.progress(progress)).await
    }

    async fn revive(&self, endpoint: WebhookId, now: Timestamp) -> Result<(), StoreError> {
        self.write(self.inner.revive(endpoint, now)).await
    }

    async fn attempts(
        &self,
        endpoint: WebhookId,
        after: Option<(Timestamp, EventId)>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.read().await?.attempts(endpoint, after, limit).await
    }

    async fn forget_attempts(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.write(self.inner.forget_attempts(before)).await
    }
}

#[async_trait]
impl TopupReads for Faulty<dyn TopupReads> {
    async fn topups(&self, query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        self.read().await?.topups(query).await
    }

    async fn reversals_below(&self, roots: &[ResellerId], query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        self.read().await?.reversals_below(roots, query).await
    }

    async fn refunds(
        &self,
        topup: OperationId,
        before: Option<OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError> {
        self.read().await?.refunds(topup, before, limit).await
    }

    async fn sums_below(
        &self,
        roots: &[ResellerId],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<OperationSum>, StoreError> {
        self.read().await?.sums_below(roots, from, to).await
    }

    async fn open_topups(&self, after: OperationId, limit: u32) -> Result<Vec<Operation>, StoreError> {
        self.read().await?.open_topups(after, limit).await
    }

    async fn open_reversals(&self, after: OperationId, limit: u32) -> Result<Vec<Operation>, StoreError> {
        self.read().await?.open_reversals(after, limit).await
    }
}
