//! Named queries about stock over the committed rows.

use std::collections::HashSet;

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::{Account, AccountClass, OperationId, ResellerId, RunTotals, Shard, Status, Timestamp};
use crate::ledger::Registration;
use crate::ports::{LineState, ReceiverStock, StockReads, StoreError};

#[async_trait]
impl StockReads for MemoryStore {
    async fn overdue_proposals(&self, due_by: Timestamp, limit: u32) -> Result<Vec<OperationId>, StoreError> {
        let state = self.shared.state();
        let operations = state.books.iter().flat_map(|books| books.operations.values());
        let mut overdue: Vec<_> = operations
            .filter(|operation| operation.status == Status::PendingApproval)
            .filter_map(|operation| Some((operation.four_eyes()?.expires_at, operation.id)))
            .filter(|(expires_at, _)| *expires_at <= due_by)
            .collect();
        overdue.sort_unstable();
        Ok(overdue.into_iter().take(limit as usize).map(|(_, id)| id).collect())
    }

    async fn running_runs(&self) -> Result<Vec<OperationId>, StoreError> {
        let state = self.shared.state();
        let operations = state.books.iter().flat_map(|books| books.operations.values());
        Ok(operations.filter(|operation| operation.status == Status::Running).map(|operation| operation.id).collect())
    }

    async fn run_lines(
        &self,
        run: OperationId,
        after: i64,
        limit: u32,
        only_open: bool,
    ) -> Result<Vec<LineState>, StoreError> {
        let state = self.shared.state();
        let Some(books) = state.books(run.shard()) else { return Ok(Vec::new()) };
        let outcomes = books.outcomes_of(run);
        let lines = books.lines.get(&run).into_iter().flat_map(|lines| lines.iter());
        let states = lines
            .filter(|line| line.number > after)
            .map(|line| LineState { line: line.clone(), allocation: outcomes.get(&line.number).copied() })
            .filter(|state| !only_open || (state.allocation.is_none() && state.line.reseller.is_some()));
        Ok(states.take(limit as usize).collect())
    }

    async fn run_progress(&self, run: OperationId) -> Result<RunTotals, StoreError> {
        let state = self.shared.state();
        let mut totals = RunTotals::default();
        for outcome in state.books(run.shard()).into_iter().flat_map(|books| books.outcomes_of(run).into_values()) {
            if outcome.status == Status::Completed {
                totals.done += 1;
                totals.amount_minor += outcome.amount_minor;
            } else {
                totals.refused += 1;
            }
        }
        Ok(totals)
    }

    async fn receivers(
        &self,
        codes: &[&str],
        ids: &[ResellerId],
        roots: &[ResellerId],
    ) -> Result<Vec<(ResellerId, String)>, StoreError> {
        let state = self.shared.state();
        let inside: HashSet<ResellerId> = state.network.subtree(roots).into_iter().collect();
        let wanted = |place: &&Registration| codes.contains(&place.code.as_str()) || ids.contains(&place.id);
        let places = state.network.registrations.values().filter(wanted).filter(|place| inside.contains(&place.id));
        Ok(places.map(|place| (place.id, place.code.clone())).collect())
    }

    async fn tops(&self) -> Result<Vec<ResellerId>, StoreError> {
        let state = self.shared.state();
        let tops = state.network.registrations.values().filter(|place| place.parent.is_none());
        let mut ids: Vec<ResellerId> = tops.map(|place| place.id).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    async fn stocks(&self, resellers: &[(Shard, ResellerId)]) -> Result<Vec<ReceiverStock>, StoreError> {
        let state = self.shared.state();
        let stock = |(shard, id): &(Shard, ResellerId)| {
            let books = state.books(*shard)?;
            let reseller = books.resellers.get(id)?;
            let available_minor = books.accounts.get(&reseller.stock_account)?.available();
            Some(ReceiverStock { reseller: *id, standing: reseller.standing, available_minor })
        };
        Ok(resellers.iter().filter_map(stock).collect())
    }

    async fn operator_stock(&self) -> Result<i64, StoreError> {
        let state = self.shared.state();
        let stock = AccountClass::OperatorStock.system_account();
        let account = state.books(Shard::OPERATOR).and_then(|books| books.accounts.get(&stock));
        Ok(account.map_or(0, Account::available))
    }
}
