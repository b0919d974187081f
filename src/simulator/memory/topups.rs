//! What is asked about top-ups.

use std::collections::HashSet;

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::{Details, Operation, OperationId, OperationKind, ResellerId, Timestamp};
use crate::ports::{OperationSum, Party, PartyQuery, StoreError, TopupReads};

#[async_trait]
impl TopupReads for MemoryStore {
    async fn topups(&self, query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        Ok(self.page(query, &query.party, |operation| operation.topup().is_some()))
    }

    async fn reversals_below(&self, roots: &[ResellerId], query: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        Ok(self.page(query, &Party::Below(roots.to_vec()), |operation| operation.reversal().is_some()))
    }

    async fn refunds(
        &self,
        topup: OperationId,
        before: Option<OperationId>,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError> {
        let state = self.shared.state();
        let of = |operation: &&Operation| {
            let of_it = match &operation.details {
                Details::Refund(refund) => refund.topup() == Ok(topup),
                Details::Reversal(reversal) => reversal.recharge() == Ok(topup),
                _ => false,
            };
            of_it && before.is_none_or(|before| operation.id < before)
        };
        let mut found: Vec<_> = state.books.iter().flat_map(|books| books.operations.values()).filter(of).collect();
        found.sort_unstable_by_key(|operation| std::cmp::Reverse(operation.id));
        Ok(found.into_iter().take(limit as usize).cloned().collect())
    }

    async fn sums_below(
        &self,
        roots: &[ResellerId],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<OperationSum>, StoreError> {
        let state = self.shared.state();
        let below: HashSet<ResellerId> = state.network.subtree(roots).into_iter().collect();
        let mut sums: Vec<OperationSum> = Vec::new();
        let counted = |operation: &&Operation| {
            [OperationKind::Recharge, OperationKind::Topup, OperationKind::Reversal].contains(&operation.kind())
                && below.contains(&operation.reseller)
                && (from..to).contains(&operation.created_at)
        };
        for operation in state.books.iter().flat_map(|books| books.operations.values()).filter(counted) {
            let (kind, status, amount_minor) = (operation.kind(), operation.status, operation.amount_minor);
            match sums.iter_mut().find(|sum| (sum.kind, sum.status) == (kind, status)) {
                Some(sum) => (sum.count, sum.amount_minor) = (sum.count + 1, sum.amount_minor + amount_minor),
                None => sums.push(OperationSum { kind, status, count: 1, amount_minor }),
            }
        }
        Ok(sums)
    }

    async fn open_topups(&self, after: OperationId, limit: u32) -> Result<Vec<Operation>, StoreError> {
        Ok(self.looked_after(after, limit, |operation| operation.reversal().is_none()))
    }

    async fn open_reversals(&self, after: OperationId, limit: u32) -> Result<Vec<Operation>, StoreError> {
        Ok(self.looked_after(after, limit, |operation| operation.reversal().is_some()))
    }
}

impl MemoryStore {
    pub(super) fn page(&self, query: &PartyQuery, party: &Party, is_meant: fn(&Operation) -> bool) -> Vec<Operation> {
        let state = self.shared.state();
        let parties: HashSet<ResellerId> = match party {
            Party::Reseller(reseller) => [*reseller].into(),
            Party::Below(roots) => state.network.subtree(roots).into_iter().collect(),
        };
        let shows = |operation: &&Operation| {
            is_meant(operation)
                && parties.contains(&operation.reseller)
                && query.status.is_none_or(|status| operation.status == status)
                && query.from.is_none_or(|from| operation.created_at >= from)
                && query.to.is_none_or(|to| operation.created_at < to)
                && query.after.is_none_or(|after| operation.id < after)
        };
        let mut found: Vec<_> = state.books.iter().flat_map(|books| books.operations.values()).filter(shows).collect();
        found.sort_unstable_by_key(|operation| std::cmp::Reverse(operation.id));
        found.into_iter().take(query.limit as usize).cloned().collect()
    }

    fn looked_after(&self, after: OperationId, limit: u32, is_meant: fn(&Operation) -> bool) -> Vec<Operation> {
        let state = self.shared.state();
        let open = state.books.iter().flat_map(|books| books.looked_after(after));
        let mut found: Vec<_> = open.filter(|operation| is_meant(operation)).collect();
        found.sort_unstable_by_key(|operation| operation.id);
        found.into_iter().take(limit as usize).cloned().collect()
    }
}
