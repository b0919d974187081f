//! What is asked about transfers.

use std::collections::HashSet;

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::{Operation, ResellerId, Timestamp};
use crate::ports::{Party, PartyQuery, StoreError, TransferReads};

#[async_trait]
impl TransferReads for MemoryStore {
    async fn transfers(&self, query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        let state = self.shared.state();
        let parties: HashSet<ResellerId> = match &query.party {
            Party::Reseller(reseller) => [*reseller].into(),
            Party::Below(roots) => state.network.subtree(roots).into_iter().collect(),
        };
        let shows = |operation: &&Operation| {
            operation.transfer().is_some_and(|transfer| {
                parties.contains(&operation.reseller) || transfer.to.is_some_and(|to| parties.contains(&to))
            }) && query.status.is_none_or(|status| operation.status == status)
                && query.from.is_none_or(|from| operation.created_at >= from)
                && query.to.is_none_or(|to| operation.created_at < to)
                && query.after.is_none_or(|after| operation.id < after)
        };
        let mut found: Vec<_> = state.books.iter().flat_map(|books| books.operations.values()).filter(shows).collect();
        found.sort_unstable_by_key(|operation| std::cmp::Reverse(operation.id));
        Ok(found.into_iter().take(query.limit as usize).cloned().collect())
    }

    async fn overdue_transfers(&self, due_by: Timestamp, limit: u32) -> Result<Vec<Operation>, StoreError> {
        let state = self.shared.state();
        let holds = state.books.iter().flat_map(|books| books.holds.values().map(move |hold| (hold, books)));
        let mut found: Vec<_> = holds
            .filter(|(hold, _)| hold.due_at <= due_by)
            .filter_map(|(hold, books)| Some((hold.due_at, books.operations.get(&hold.operation)?)))
            .filter(|(_, operation)| operation.transfer().is_some())
            .collect();
        found.sort_unstable_by_key(|(due_at, operation)| (*due_at, operation.id));
        Ok(found.into_iter().take(limit as usize).map(|(_, operation)| operation.clone()).collect())
    }
}
