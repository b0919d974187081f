//! What customer care asks.

use async_trait::async_trait;
use uuid::Uuid;

use super::{MemoryStore, no_such_shard};
use crate::domain::{Operation, OperationId, Shard, WebhookId};
use crate::ports::{Attempt, CareReads, MaskedQuery, PartyQuery, StoreError, Window};

#[async_trait]
impl CareReads for MemoryStore {
    async fn entries_about(&self, shard: Shard, subjects: &[Uuid], windows: &[Window]) -> Result<Vec<i64>, StoreError> {
        let state = self.shared.state();
        let books = state.books(shard).ok_or_else(|| no_such_shard(shard))?;
        let looked = |sequence: i64| windows.iter().any(|(behind, up_to)| sequence > *behind && sequence <= *up_to);
        let about = books
            .entries
            .iter()
            .filter(|(sequence, stored)| looked(**sequence) && subjects.contains(&stored.entry.subject));
        Ok(about.map(|(sequence, _)| *sequence).collect())
    }

    /// Memory keeps the last state of an operation alone; its entries tell where the others were.
    async fn states_of(&self, shard: Shard, operations: &[OperationId]) -> Result<Vec<i64>, StoreError> {
        let ids: Vec<Uuid> = operations.iter().map(|id| id.uuid()).collect();
        self.entries_about(shard, &ids, &[(0, i64::MAX)]).await
    }

    async fn attempts_of(&self, shard: Shard, sequences: &[i64]) -> Result<Vec<(WebhookId, Attempt)>, StoreError> {
        let state = self.shared.state();
        let told =
            state.webhooks.iter().flat_map(|(endpoint, rows)| rows.attempts().map(|attempt| (*endpoint, attempt)));
        let of_them =
            told.filter(|(_, attempt)| attempt.event.shard == shard && sequences.contains(&attempt.event.sequence));
        let mut found: Vec<_> = of_them.map(|(endpoint, attempt)| (endpoint, attempt.clone())).collect();
        found.sort_by_key(|(endpoint, attempt)| (attempt.at, attempt.event.sequence, *endpoint));
        Ok(found)
    }

    async fn recharges_like(&self, query: &MaskedQuery) -> Result<(Vec<Operation>, Option<OperationId>), StoreError> {
        let before = query.page.after;
        let down_to = {
            let state = self.shared.state();
            let enough = |books: &super::Books| {
                let newest_first = books.operations.keys().rev().filter(|id| before.is_none_or(|before| **id < before));
                newest_first.copied().nth(query.looked_through as usize)
            };
            state.books.iter().filter_map(enough).max()
        };
        let mut found =
            self.page(&PartyQuery { limit: u32::MAX, ..query.page.clone() }, &query.page.party, |operation| {
                operation.recharge().is_some()
            });
        found.retain(|operation| {
            down_to.is_none_or(|down_to| operation.id >= down_to)
                && operation.recharge().is_some_and(|recharge| query.number.fits(recharge.msisdn))
        });
        found.truncate(query.page.limit as usize);
        Ok((found, down_to))
    }
}
