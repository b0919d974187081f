//! What is asked about settlement files.

use std::collections::HashSet;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use crate::domain::records::ReconciliationItem;
use crate::domain::{ItemId, LineState, Operation, OperationId, Record, SettledLine, SettlementId, Shard, Status};
use crate::ledger::settled::{FileLines, SettledBefore};
use crate::ports::settlement::{ItemQuery, ItemStatus, SettlementItem, SettlementReads, TopupPayment, UnsettledQuery};
use crate::ports::{SettledWants, StoreError};

/// Keys and payments of lines of settlement files.
#[derive(Default)]
pub struct Posted {
    keys: HashSet<[u8; 16]>,
    payments: HashSet<OperationId>,
}

impl Posted {
    pub(super) fn add(&mut self, lines: &FileLines) {
        let posted = lines.lines.iter().zip(&*lines.keys).filter(|(line, _)| line.posted);
        self.keys.extend(posted.map(|(_, key)| key));
        self.payments.extend(lines.lines.iter().filter_map(SettledLine::pays));
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.payments.extend(other.payments);
    }
}

/// Which of the wanted are settled, by a line or by hand.
pub(super) fn settled_of<'a>(
    posted: &[&Posted],
    record: impl Fn(ItemId) -> Option<&'a Record>,
    wanted: &SettledWants,
) -> SettledWants {
    let by_line = |payment: &&OperationId| posted.iter().any(|posted| posted.payments.contains(payment));
    let has_key = |key: &&[u8; 16]| posted.iter().any(|posted| posted.keys.contains(*key));
    let mut found = SettledWants {
        keys: wanted.keys.iter().filter(has_key).copied().collect(),
        payments: wanted.payments.iter().filter(by_line).copied().collect(),
    };
    let by_hand = |topup: &&OperationId| {
        let item = record(ItemId::Topup(**topup)).and_then(|record| record.body());
        item.is_some_and(|item: &ReconciliationItem| item.settled)
    };
    found.payments.extend(wanted.payments.iter().filter(by_hand));
    found
}

#[async_trait]
impl SettlementReads for MemoryStore {
    async fn settled_before(&self, wanted: &SettledWants) -> Result<SettledBefore, StoreError> {
        let state = self.shared.state();
        let Some(books) = state.books(Shard::OPERATOR) else { return Ok(SettledBefore::default()) };
        let found = settled_of(&[&books.posted], |item| books.records.get(&item.key()), wanted);
        Ok(SettledBefore {
            as_of: books.head.sequence,
            keys: found.keys.into_iter().collect(),
            payments: found.payments.into_iter().collect(),
        })
    }

    async fn topup_payments(&self, ids: &[OperationId]) -> Result<Vec<TopupPayment>, StoreError> {
        let state = self.shared.state();
        let payment = |id: &OperationId| {
            let topup = state.books(id.shard())?.operations.get(id)?.topup()?;
            Some(TopupPayment { operation: *id, payment: topup.payment.clone() })
        };
        Ok(ids.iter().filter_map(payment).collect())
    }

    async fn topups_of_references(
        &self,
        acquirer: &str,
        references: &[&str],
    ) -> Result<Vec<(Box<str>, OperationId)>, StoreError> {
        let state = self.shared.state();
        let operations = state.books.iter().flat_map(|books| books.operations.values());
        let named = |operation: &Operation| {
            let payment = &operation.topup()?.payment;
            let reference = payment.reference.clone().filter(|reference| references.contains(&&**reference))?;
            (payment.acquirer.as_deref() == Some(acquirer)).then_some((reference, operation.id))
        };
        Ok(operations.filter_map(named).collect())
    }

    async fn settlement_line(&self, file: SettlementId, number: i64) -> Result<Option<SettlementItem>, StoreError> {
        let state = self.shared.state();
        let line = state.books(Shard::OPERATOR).and_then(|books| books.settled.get(&(file, number)));
        Ok(line.map(|(acquirer, line)| SettlementItem {
            file,
            acquirer: acquirer.as_ref().into(),
            line: line.clone(),
            item: None,
        }))
    }

    async fn item_records(&self, items: &[ItemId]) -> Result<Vec<(ItemId, ReconciliationItem)>, StoreError> {
        let state = self.shared.state();
        Ok(items.iter().filter_map(|item| Some((*item, item_of(&state, *item)?))).collect())
    }

    async fn settlement_items(&self, query: &ItemQuery) -> Result<Vec<SettlementItem>, StoreError> {
        let state = self.shared.state();
        let lines = state.books(Shard::OPERATOR).into_iter().flat_map(|books| &books.settled);
        let mut found: Vec<_> = lines
            .filter(|(_, (_, line))| line.state != LineState::Matched)
            .filter(|(_, (_, line))| query.state.is_none_or(|state| line.state == state))
            .filter(|(_, (_, line))| line.settled_on < query.before)
            .map(|((file, number), (acquirer, line))| ((line.settled_on, *file, *number), acquirer, line))
            .filter(|(place, ..)| query.after.is_none_or(|after| *place > after))
            .collect();
        found.sort_unstable_by_key(|(place, ..)| *place);
        let item = |((_, file, number), acquirer, line): (_, &std::sync::Arc<str>, &crate::domain::SettledLine)| {
            let item = item_of(&state, ItemId::Line { file, number });
            SettlementItem { file, acquirer: acquirer.as_ref().into(), line: line.clone(), item }
        };
        let owner = query.owner.map(|owner| Box::from(owner.to_string()));
        let wanted = |found: &SettlementItem| {
            let item = found.item.as_ref();
            let proposal = item.and_then(ReconciliationItem::proposal);
            let waits = proposal.and_then(|id| state.books(id.shard())?.operations.get(&id));
            let status = ItemStatus::of(item, waits.is_some_and(|it| it.status == Status::PendingApproval));
            query.status.is_none_or(|asked| asked == status)
                && (owner.is_none() || item.is_some_and(|item| item.owner == owner))
        };
        Ok(found.into_iter().map(item).filter(wanted).take(query.limit as usize).collect())
    }

    async fn recharges_of_references(&self, references: &[i64]) -> Result<Vec<Operation>, StoreError> {
        let state = self.shared.state();
        let sent = |reference: &i64| {
            let shard = usize::try_from(reference / 1_000_000 % 1_000).ok()?;
            state.books.get(shard)?.sent_under(*reference).cloned()
        };
        Ok(references.iter().filter_map(sent).collect())
    }

    async fn unrecorded_recharges(&self, query: &UnsettledQuery) -> Result<Vec<Operation>, StoreError> {
        let state = self.shared.state();
        let told =
            |id: &OperationId| state.books(Shard::OPERATOR).is_some_and(|books| books.posted.payments.contains(id));
        let waits = |operation: &&Operation| {
            operation.recharge().is_some()
                && [Status::Completed, Status::ReversalPending, Status::Reversed].contains(&operation.status)
                && (query.from..query.to).contains(&operation.created_at)
                && query.after.is_none_or(|after| operation.id > after)
                && !told(&operation.id)
        };
        let mut found: Vec<_> = state.books.iter().flat_map(|books| books.operations.values()).filter(waits).collect();
        found.sort_unstable_by_key(|operation| operation.id);
        Ok(found.into_iter().take(query.limit as usize).cloned().collect())
    }

    async fn unsettled_topups(&self, query: &UnsettledQuery) -> Result<Vec<Operation>, StoreError> {
        const TAKEN: [Status; 4] = [Status::Captured, Status::Credited, Status::Refunded, Status::ChargedBack];
        let state = self.shared.state();
        let settled =
            |id: &OperationId| state.books(Shard::OPERATOR).is_some_and(|books| books.posted.payments.contains(id));
        let waits = |operation: &&Operation| {
            operation.topup().is_some()
                && TAKEN.contains(&operation.status)
                && (query.from..query.to).contains(&operation.created_at)
                && query.after.is_none_or(|after| operation.id > after)
                && !settled(&operation.id)
                && !item_of(&state, ItemId::Topup(operation.id)).is_some_and(|item| item.settled)
        };
        let mut found: Vec<_> = state.books.iter().flat_map(|books| books.operations.values()).filter(waits).collect();
        found.sort_unstable_by_key(|operation| operation.id);
        Ok(found.into_iter().take(query.limit as usize).cloned().collect())
    }
}

fn item_of(state: &State, item: ItemId) -> Option<ReconciliationItem> {
    state.books(Shard::OPERATOR)?.records.get(&item.key())?.body().cloned()
}
