//! A ledger that answers at once and stores nothing: what is left is the server's own work.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use taabia::cli::clock::SystemClock;
use taabia::domain::{
    Account, AccountClass, AccountNumber, Details, ExternalId, Operation, OperationId, PartnerId, Recharge, Record,
    RecordKey, Reseller, ResellerId, SaleTerms, Shard, Status, Timestamp,
};
use taabia::ledger::command::Reserve;
use taabia::ledger::{Command, Outcome, Refusal, Request};
use taabia::ports::{
    Clock as _, Ledger, LedgerError, PartyQuery, Reads, RechargeQuery, RecordQuery, RecordedAction, RecordedEvidence,
    StaffActionQuery, StoreError, TransferReads,
};

/// Balances in memory, and the recharges that are under way.
pub struct InstantLedger {
    posted: HashMap<ResellerId, AtomicI64>,
    open: Mutex<HashMap<OperationId, Operation>>,
    references: AtomicI64,
}

impl InstantLedger {
    /// With so much stock at each reseller.
    pub fn new(resellers: &[ResellerId], stock_minor: i64) -> Self {
        let posted = resellers.iter().map(|id| (*id, AtomicI64::new(stock_minor))).collect();
        Self { posted, open: Mutex::default(), references: AtomicI64::new(1) }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<OperationId, Operation>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reserve(&self, reserve: Reserve) -> Operation {
        let now = SystemClock.now();
        let operation = Operation {
            id: reserve.operation,
            partner: reserve.partner,
            reseller: reserve.reseller,
            external_id: reserve.external_id,
            amount_minor: reserve.amount_minor,
            status: Status::Submitted,
            decline: None,
            balance_after: Some(0),
            created_at: now,
            updated_at: now,
            details: Details::Recharge(Recharge {
                msisdn: reserve.msisdn,
                salt: reserve.salt,
                product: reserve.product,
                terms: SaleTerms::default(),
                channel: reserve.channel,
                terminal: reserve.terminal,
                allow_repeat: reserve.allow_repeat,
                charging_reference: Some(self.references.fetch_add(1, Ordering::Relaxed)),
                asked: taabia::domain::AskedSystems::first(reserve.system),
                submit_by: now.plus_ms(4_000),
                reversed_minor: 0,
            }),
            last_sequence: 1,
        };
        self.open().insert(operation.id, operation.clone());
        operation
    }

    fn settle(&self, id: OperationId) -> Option<Operation> {
        let mut operation = self.open().remove(&id)?;
        operation.status = Status::Completed;
        operation.updated_at = SystemClock.now();
        self.posted.get(&operation.reseller)?.fetch_sub(operation.amount_minor, Ordering::Relaxed);
        Some(operation)
    }
}

#[async_trait]
impl Ledger for InstantLedger {
    async fn execute(&self, command: Command) -> Result<Outcome, LedgerError> {
        let operation = match command.request {
            Request::Reserve(reserve) => self.reserve(reserve),
            // The charging system inside the process approves everything.
            Request::Resolve(resolve) => self.settle(resolve.operation).ok_or(Refusal::UnknownOperation)?,
            _ => return Err(LedgerError::Internal),
        };
        Ok(Outcome::Decided(Arc::new(operation)))
    }
}

#[async_trait]
impl Reads for InstantLedger {
    async fn operation(&self, id: OperationId) -> Result<Option<Operation>, StoreError> {
        Ok(self.open().get(&id).cloned())
    }

    async fn operation_by_key(
        &self,
        _: Shard,
        _: PartnerId,
        _: ResellerId,
        _: &ExternalId,
    ) -> Result<Option<Operation>, StoreError> {
        Ok(None)
    }

    async fn recharges(&self, _: &RechargeQuery) -> Result<Vec<Operation>, StoreError> {
        Ok(Vec::new())
    }

    async fn reseller_state(&self, _: Shard, _: ResellerId) -> Result<Option<Reseller>, StoreError> {
        Ok(None)
    }

    async fn stock(&self, _: Shard, reseller: ResellerId) -> Result<Option<Account>, StoreError> {
        Ok(self.posted.get(&reseller).map(|posted| {
            let mut stock = Account::empty(AccountNumber::FIRST_OWN, AccountClass::ResellerStock, Some(reseller));
            stock.posted = posted.load(Ordering::Relaxed);
            stock
        }))
    }

    async fn due(
        &self,
        _: Timestamp,
        _: Option<(Timestamp, OperationId)>,
        _: u32,
    ) -> Result<Vec<Operation>, StoreError> {
        Ok(Vec::new())
    }

    async fn doubt(&self, _: Timestamp) -> Result<(i64, Option<Timestamp>), StoreError> {
        Ok((0, None))
    }

    async fn accrued(&self, _: Shard, _: AccountNumber, _: u32) -> Result<Vec<Account>, StoreError> {
        Ok(Vec::new())
    }

    async fn account(&self, _: Shard, _: AccountNumber) -> Result<Option<Account>, StoreError> {
        Ok(None)
    }

    async fn record(&self, _: Shard, _: &RecordKey) -> Result<Option<Record>, StoreError> {
        Ok(None)
    }

    async fn records(&self, _: &RecordQuery) -> Result<Vec<Record>, StoreError> {
        Ok(Vec::new())
    }

    async fn statements(&self, _: &[OperationId]) -> Result<Vec<OperationId>, StoreError> {
        Ok(Vec::new())
    }

    async fn contradicted(&self, _: Option<OperationId>, _: u32) -> Result<Vec<OperationId>, StoreError> {
        Ok(Vec::new())
    }

    async fn evidence(&self, _: &[OperationId]) -> Result<Vec<RecordedEvidence>, StoreError> {
        Ok(Vec::new())
    }

    async fn staff_actions(&self, _: &StaffActionQuery) -> Result<Vec<RecordedAction>, StoreError> {
        Ok(Vec::new())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl TransferReads for InstantLedger {
    async fn transfers(&self, _: &PartyQuery) -> Result<Vec<Operation>, StoreError> {
        Ok(Vec::new())
    }

    async fn overdue_transfers(&self, _: Timestamp, _: u32) -> Result<Vec<Operation>, StoreError> {
        Ok(Vec::new())
    }
}
