//! A poster's session.

use std::sync::Arc;

use async_trait::async_trait;

use super::settlement::settled_of;
use super::state::State;
use super::transaction::{Transaction, View};
use super::{Shared, no_such_shard, refused};
use crate::domain::encoding::Hash;
use crate::domain::{AccountClass, Ancestry, Operation, Rung, Shard, Status, Timestamp, Usage};
use crate::ledger::limits::Tally;
use crate::ledger::{Changes, Head, SimilarKey};
use crate::ports::{Claim, Loaded, RecentRecharge, SalesSince, Session, ShardKey, StoreError, TallyQuestion, Wants};

pub(super) struct MemorySession {
    shared: Arc<Shared>,
    transaction: Option<Transaction>,
}

impl MemorySession {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, transaction: None }
    }

    /// Runs a statement of the open transaction; an error aborts the transaction.
    fn statement<T>(
        &mut self,
        run: impl FnOnce(&mut Transaction, &mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = self.transaction.as_mut().ok_or_else(|| refused("no transaction is open"))?;
        if transaction.aborted {
            return Err(refused("the transaction is aborted: roll it back"));
        }
        let result = run(transaction, &mut self.shared.state());
        transaction.aborted = result.is_err();
        result
    }

    fn discard(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            transaction.discard(&mut self.shared.state());
        }
    }
}

impl Drop for MemorySession {
    fn drop(&mut self) {
        self.discard();
    }
}

#[async_trait]
impl Session for MemorySession {
    async fn lock(&mut self, shards: &[Shard]) -> Result<Vec<Head>, StoreError> {
        if self.transaction.is_some() {
            return Err(refused("a transaction is open already"));
        }
        let mut shards = shards.to_vec();
        shards.sort_unstable();
        shards.dedup();
        let mut locked = Vec::with_capacity(shards.len());
        for &shard in &shards {
            let lock = self.shared.locks.get(shard.index()).ok_or_else(|| no_such_shard(shard))?;
            locked.push((shard, Arc::clone(lock).lock_owned().await));
        }
        self.transaction = Some(Transaction::new(locked.into_iter()));
        self.statement(|transaction, state| {
            shards.iter().map(|shard| transaction.view(state, *shard).map(|view| view.head().clone())).collect()
        })
    }

    async fn load(&mut self, wants: &Wants) -> Result<Loaded, StoreError> {
        self.statement(|transaction, state| load(transaction, state, wants))
    }

    async fn holders(&mut self, keys: &[ShardKey]) -> Result<Vec<Claim>, StoreError> {
        self.statement(|transaction, state| {
            let mut held = Vec::new();
            for &ShardKey { shard, key } in keys {
                let holder = transaction.view(state, shard)?.claim(&key);
                held.extend(holder.map(|operation| Claim { shard, key, operation }));
            }
            Ok(held)
        })
    }

    async fn persist(&mut self, changes: &[Changes]) -> Result<(), StoreError> {
        self.statement(|transaction, state| changes.iter().try_for_each(|changes| transaction.persist(state, changes)))
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.statement(|_, _| Ok(()))?;
        if let Some(transaction) = self.transaction.take() {
            transaction.commit(&mut self.shared.state());
        }
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        self.discard();
        Ok(())
    }

    async fn leaf(&mut self, shard: Shard, sequence: i64) -> Result<Option<Hash>, StoreError> {
        self.statement(|transaction, state| Ok(transaction.view(state, shard)?.leaf(sequence)))
    }
}

fn load(transaction: &Transaction, state: &State, wants: &Wants) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded::default();
    for &shard in &wants.system_accounts {
        let view = transaction.view(state, shard)?;
        let numbers = AccountClass::system_classes(shard).map(AccountClass::system_account);
        loaded.accounts.extend(numbers.filter_map(|number| view.account(number)).map(|account| (shard, *account)));
    }
    for &(shard, id) in &wants.resellers {
        let view = transaction.view(state, shard)?;
        loaded.resellers.extend(view.reseller(id).map(|reseller| (shard, *reseller)));
        loaded.accounts.extend(view.accounts_of(id).into_iter().map(|account| (shard, account)));
    }
    for &id in &wants.operations {
        let view = transaction.view(state, id.shard())?;
        loaded.operations.extend(view.operation(id).map(|operation| (operation.clone(), view.hold(id).copied())));
    }
    for (shard, want) in &wants.records {
        let records = transaction.view(state, *shard)?.records(want);
        loaded.records.extend(records.into_iter().map(|record| (*shard, record)));
    }
    for &(shard, number) in &wants.accounts {
        let view = transaction.view(state, shard)?;
        loaded.accounts.extend(view.account(number).map(|account| (shard, *account)));
    }
    for &(shard, reseller) in &wants.ancestries {
        let line = state.network.line(reseller);
        let rungs = line.map(|place| Rung { reseller: place.id, level: place.level });
        let ancestry: Ancestry = rungs.collect();
        loaded.ancestries.extend((!ancestry.is_empty()).then_some((shard, ancestry)));
    }
    for question in &wants.recent {
        let view = transaction.view(state, question.shard)?;
        loaded.recent.extend(latest(view, question).map(|at| (*question, at)));
    }
    for &question in &wants.sales {
        let sales = sales_since(transaction.view(state, question.shard)?, question);
        let more = sales.len() > question.limit as usize;
        loaded.sales.push((question, (!more).then_some(sales)));
    }
    for question in &wants.tallies {
        let view = transaction.view(state, question.shard)?;
        loaded.tallies.push((question.shard, question.key.clone(), tally(view, question)));
    }
    if !wants.settled.is_empty() {
        let view = transaction.view(state, Shard::OPERATOR)?;
        loaded.settled = settled_of(&view.posted(), |item| view.record(&item.key()), &wants.settled);
    }
    for &id in &wants.evidence {
        loaded.evidence.extend(transaction.view(state, id.shard())?.books.evidence_of(id));
    }
    loaded.tree = state.tree(&wants.tree);
    Ok(loaded)
}

/// How a recharge ends that counts for nothing: for no limit, and for no guard.
const ENDED_WITHOUT_SALE: [Status; 2] = [Status::Declined, Status::Reversed];

/// All that was sold after a moment, neither declined nor taken back.
fn sales_since(view: View<'_>, question: SalesSince) -> Vec<(SimilarKey, Timestamp)> {
    let sale = |operation: &Operation| {
        let recharge = operation.recharge()?;
        let counts = operation.created_at > question.since && !ENDED_WITHOUT_SALE.contains(&operation.status);
        counts.then_some(((operation.reseller, recharge.msisdn, operation.amount_minor), operation.created_at))
    };
    view.operations().filter_map(sale).collect()
}

/// What a reseller sold in the periods of the question.
fn tally(view: View<'_>, question: &TallyQuestion) -> Tally {
    let mut day = Usage { day: question.day, ..Usage::default() };
    let mut month = Usage { day: question.month, ..Usage::default() };
    for operation in view.books.operations.values() {
        let sold = operation.reseller == question.key.reseller
            && !ENDED_WITHOUT_SALE.contains(&operation.status)
            && operation
                .recharge()
                .is_some_and(|recharge| question.key.terminal.is_none() || recharge.terminal == question.key.terminal);
        for (usage, begins) in [(&mut day, question.day_begins), (&mut month, question.month_begins)] {
            if sold && operation.created_at >= begins {
                usage.count += 1;
                usage.amount_minor += operation.amount_minor;
            }
        }
    }
    Tally { day, month }
}

/// When the latest such recharge that was neither declined nor taken back was created.
fn latest(view: View<'_>, question: &RecentRecharge) -> Option<Timestamp> {
    let RecentRecharge { reseller, msisdn, amount_minor, since, .. } = *question;
    let committed = view.books.latest_sale(reseller, msisdn, amount_minor, since);
    let committed =
        committed.filter_map(|sale| view.operation(sale.id)).find(|sale| !ENDED_WITHOUT_SALE.contains(&sale.status));
    let written = view.written_operations().filter(|operation| {
        let sold = operation.recharge().is_some_and(|recharge| recharge.msisdn == msisdn);
        let same = sold && operation.reseller == reseller && operation.amount_minor == amount_minor;
        same && operation.created_at > since && !ENDED_WITHOUT_SALE.contains(&operation.status)
    });
    committed.into_iter().chain(written).map(|operation| operation.created_at).max()
}
