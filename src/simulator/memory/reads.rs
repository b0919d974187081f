//! Named queries over the committed rows.

use std::collections::{BTreeSet, HashSet};

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::operation::claim_key;
use crate::domain::{
    Account, AccountClass, AccountNumber, Effect, ExternalId, Hold, Operation, OperationId, OperationKind, PartnerId,
    Record, RecordKey, Reseller, ResellerId, Shard, Timestamp,
};
use crate::ports::{
    Reads, RechargeQuery, RecordQuery, RecordedAction, RecordedEvidence, Scope, StaffActionQuery, StoreError,
};

#[async_trait]
impl Reads for MemoryStore {
    async fn operation(&self, id: OperationId) -> Result<Option<Operation>, StoreError> {
        let state = self.shared.state();
        Ok(state.books(id.shard()).and_then(|books| books.operations.get(&id)).cloned())
    }

    async fn operation_by_key(
        &self,
        shard: Shard,
        partner: PartnerId,
        reseller: ResellerId,
        external_id: &ExternalId,
    ) -> Result<Option<Operation>, StoreError> {
        let key = claim_key(partner, reseller, external_id);
        let state = self.shared.state();
        let holder = state.books(shard).and_then(|books| books.operations.get(books.claims.get(&key)?));
        let same = |operation: &&Operation| {
            operation.partner == partner && operation.reseller == reseller && operation.external_id == *external_id
        };
        Ok(holder.filter(same).cloned())
    }

    async fn recharges(&self, query: &RechargeQuery) -> Result<Vec<Operation>, StoreError> {
        let state = self.shared.state();
        let resellers: HashSet<ResellerId> = match &query.scope {
            Scope::Resellers(resellers) => resellers.iter().map(|(_, id)| *id).collect(),
            Scope::Subtrees(roots) => state.network.subtree(roots).into_iter().collect(),
        };
        let shows = |operation: &Operation| {
            operation.kind() == OperationKind::Recharge
                && resellers.contains(&operation.reseller)
                && query.msisdn.is_none_or(|wanted| operation.recharge().is_some_and(|found| found.msisdn == wanted))
                && query.status.is_none_or(|status| operation.status == status)
                && query.from.is_none_or(|from| operation.created_at >= from)
                && query.to.is_none_or(|to| operation.created_at < to)
        };
        let limit = query.limit as usize;
        let end = query.after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let mut found = Vec::new();
        for books in &state.books {
            let newest_first = books.operations.range((std::ops::Bound::Unbounded, end)).rev();
            found.extend(newest_first.map(|(_, operation)| operation).filter(|operation| shows(operation)).take(limit));
        }
        found.sort_unstable_by_key(|operation| std::cmp::Reverse(operation.id));
        Ok(found.into_iter().take(limit).cloned().collect())
    }

    async fn reseller_state(&self, shard: Shard, reseller: ResellerId) -> Result<Option<Reseller>, StoreError> {
        let state = self.shared.state();
        Ok(state.books(shard).and_then(|books| books.resellers.get(&reseller)).copied())
    }

    async fn stock(&self, shard: Shard, reseller: ResellerId) -> Result<Option<Account>, StoreError> {
        let state = self.shared.state();
        let account = state.books(shard).and_then(|books| {
            let reseller = books.resellers.get(&reseller)?;
            books.accounts.get(&reseller.stock_account)
        });
        Ok(account.copied())
    }

    async fn due(
        &self,
        due_by: Timestamp,
        after: Option<(Timestamp, OperationId)>,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError> {
        let state = self.shared.state();
        let mut due: Vec<_> = state
            .books
            .iter()
            .flat_map(|books| books.holds.values().map(move |hold| (hold, books)))
            .filter(|(hold, _)| {
                hold.due_at <= due_by && after.is_none_or(|after| (hold.due_at, hold.operation) > after)
            })
            .filter_map(|(hold, books)| books.operations.get(&hold.operation).map(|operation| (hold.due_at, operation)))
            .filter(|(_, operation)| operation.kind() == OperationKind::Recharge)
            .collect();
        due.sort_unstable_by_key(|(due_at, operation)| (*due_at, operation.id));
        Ok(due.into_iter().take(limit as usize).map(|(_, operation)| operation.clone()).collect())
    }

    async fn doubt(&self, due_by: Timestamp) -> Result<(i64, Option<Timestamp>), StoreError> {
        let state = self.shared.state();
        let waits = |books: &super::Books, hold: &Hold| {
            books.operations.get(&hold.operation).is_some_and(|operation| operation.transfer().is_some())
        };
        let holds = state.books.iter().flat_map(|books| books.holds.values().filter(move |hold| !waits(books, hold)));
        let placed: Vec<_> = holds.filter(|hold| hold.due_at <= due_by).map(|hold| hold.placed_at).collect();
        Ok((i64::try_from(placed.len()).expect("fits memory"), placed.into_iter().min()))
    }

    async fn accrued(&self, shard: Shard, after: AccountNumber, limit: u32) -> Result<Vec<Account>, StoreError> {
        let state = self.shared.state();
        let waits = |account: &&Account| {
            let classes = [AccountClass::CommissionAccrued, AccountClass::CommissionStockAccrued];
            account.number > after && account.posted > 0 && classes.contains(&account.class)
        };
        let accounts = state.books(shard).into_iter().flat_map(|books| books.accounts.values()).filter(waits);
        Ok(accounts.take(limit as usize).copied().collect())
    }

    async fn account(&self, shard: Shard, number: AccountNumber) -> Result<Option<Account>, StoreError> {
        let state = self.shared.state();
        Ok(state.books(shard).and_then(|books| books.accounts.get(&number)).copied())
    }

    async fn record(&self, shard: Shard, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let state = self.shared.state();
        Ok(state.books(shard).and_then(|books| books.records.get(key)).cloned())
    }

    async fn records(&self, query: &RecordQuery) -> Result<Vec<Record>, StoreError> {
        let state = self.shared.state();
        let matches = |key: &RecordKey| {
            let after = query.after.as_ref();
            key.kind() == query.kind
                && query.owner.is_none_or(|owner| key.owner() == owner)
                && after.is_none_or(|(owner, id)| (key.owner(), key.id()) > (*owner, id))
        };
        let records = state.books(query.shard).into_iter().flat_map(|books| &books.records);
        let page = records.filter(|(key, _)| matches(key)).map(|(_, record)| record.clone());
        Ok(page.take(query.limit as usize).collect())
    }

    async fn statements(&self, recharges: &[OperationId]) -> Result<Vec<OperationId>, StoreError> {
        let state = self.shared.state();
        let about = |operation: &&Operation| {
            let stated = operation.four_eyes().and_then(|eyes| eyes.proposal.statement());
            stated.is_some_and(|statement| recharges.contains(&statement.recharge))
        };
        let operations = state.books.first().into_iter().flat_map(|books| books.operations.values());
        Ok(operations.filter(about).map(|operation| operation.id).collect())
    }

    async fn contradicted(&self, after: Option<OperationId>, limit: u32) -> Result<Vec<OperationId>, StoreError> {
        let state = self.shared.state();
        let items = state.books.iter().flat_map(|books| books.evidence.values());
        let contradicting = items.filter(|item| item.effect == Effect::Contradicts).map(|item| item.operation);
        let found: BTreeSet<_> = contradicting.filter(|id| after.is_none_or(|after| *id > after)).collect();
        Ok(found.into_iter().take(limit as usize).collect())
    }

    async fn evidence(&self, operations: &[OperationId]) -> Result<Vec<RecordedEvidence>, StoreError> {
        let state = self.shared.state();
        let found = operations.iter().filter_map(|id| Some((*id, state.books(id.shard())?)));
        Ok(found.flat_map(|(id, books)| books.evidence_of(id).collect::<Vec<_>>()).collect())
    }

    async fn staff_actions(&self, query: &StaffActionQuery) -> Result<Vec<RecordedAction>, StoreError> {
        let state = self.shared.state();
        let below: HashSet<ResellerId> = state.network.subtree(&query.roots).into_iter().collect();
        let matches = |found: &RecordedAction| {
            let action = &found.action;
            (action.reseller == ResellerId::OPERATOR || below.contains(&action.reseller))
                && query.reseller.is_none_or(|wanted| action.reseller == wanted)
                && query.actor.as_ref().is_none_or(|wanted| *action.actor == **wanted)
                && query.kind.is_none_or(|wanted| action.kind == wanted)
                && query.from.is_none_or(|from| action.recorded_at >= from)
                && query.to.is_none_or(|to| action.recorded_at < to)
                && query.after.is_none_or(|after| (action.recorded_at, found.shard, found.sequence) < after)
        };
        let all = state.books.iter().flat_map(|books| {
            let shard = books.head.shard;
            books.actions.iter().map(move |(&sequence, action)| RecordedAction {
                shard,
                sequence,
                action: action.clone(),
            })
        });
        let mut found: Vec<_> = all.filter(matches).collect();
        found.sort_unstable_by_key(|found| std::cmp::Reverse((found.action.recorded_at, found.shard, found.sequence)));
        found.truncate(query.limit as usize);
        Ok(found)
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
