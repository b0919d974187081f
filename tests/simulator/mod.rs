//! The store in memory keeps a database's promises, and the faulty one breaks them as databases do.

use std::time::Duration;

mod faulty;
mod queries;
mod transactions;

use taabia::domain::{
    Account, AccountClass, AccountNumber, ClientId, ExternalId, OperationId, PartnerId, ResellerId, Shard, Status,
    Timestamp,
};
use taabia::ledger::Changes;
use taabia::ports::{
    Client, Reads, RecentRecharge, RechargeQuery, Registry, Scope, Secret, Session, Store, StoreError, Wants,
};
use taabia::reports::verify::{Options, verify};
use taabia::simulator::{Fault, FaultRates, FaultyStore, MemoryStore, Point};

use crate::scribe::{PARTNER, Scribe, changes, registration, reseller_in};

const ZERO: Shard = Shard::OPERATOR;
const BALANCE: i64 = 77;

/// Locks shard 0 and writes another balance of an account there.
async fn write(session: &mut dyn Session, balance: i64) -> Result<Changes, StoreError> {
    let heads = session.lock(&[ZERO]).await?;
    let account = Account { posted: balance, ..Account::system(AccountClass::Issued) };
    let changes = Changes { updated_accounts: vec![account], ..changes(&heads[0]) };
    session.persist(std::slice::from_ref(&changes)).await?;
    Ok(changes)
}

fn balance(store: &MemoryStore) -> i64 {
    let issued = AccountClass::Issued.system_account();
    store.with_raw(|state| state.books[0].accounts[&issued].posted)
}

fn is_refused<T: std::fmt::Debug>(result: Result<T, StoreError>, expected: &str) {
    match result {
        Err(StoreError::Refused(text)) if text.contains(expected) => {}
        other => panic!("expected a refusal that says {expected:?}: {other:?}"),
    }
}
