//! Settlement files, on every store.

mod bad_files;
mod charging;
mod import;
mod items;
mod recovery;
mod tampering;

use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use taabia::domain::Operation;
use taabia::ledger::{Actor, Command, Outcome};
use taabia::ports::acquirer::{self, Authorised};
use taabia::ports::{Ledger, LedgerError};
use taabia::services::Settlements;
use taabia::services::settlement::{Settlement, SettlementError};

use crate::support::topups::{Till, money, settlements};
use crate::topups::buy_with;

pub const HEADING: &str = "order,reference,kind,gross,fee,net,currency,settled_on\n";

/// A top-up that the bank captured under this reference.
pub async fn paid(till: &Till, key: &str, minor: i64, reference: &str) -> Operation {
    let reference = reference.parse().unwrap();
    buy_with(till, key, minor, acquirer::Outcome::Done(Authorised::Captured { reference, amount: money(minor) })).await
}

/// A line of the file: amounts in minor units.
pub fn line(order: &str, reference: &str, kind: &str, gross: i64, fee: i64) -> String {
    let (gross, fee, net) = (money(gross), money(fee), money(gross - fee));
    format!("{order},{reference},{kind},{gross},{fee},{net},MAD,2026-11-21\n")
}

pub fn order(operation: &Operation) -> String {
    operation.kind().render(operation.id)
}

pub fn file_of(text: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text).unwrap();
    file
}

pub fn services(till: &Till, ledger: Arc<dyn Ledger>) -> Settlements {
    settlements(&till.world, ledger, till.cashier.acquirers.clone())
}

pub async fn import(till: &Till, text: &[u8]) -> Result<(Settlement, bool), SettlementError> {
    let services = services(till, till.world.nodes[0].clone());
    services.import(&Actor::from("operator:finance"), &"bank".parse().unwrap(), file_of(text)).await
}

/// Does something between the comparison of a part and its booking, once.
pub struct Meanwhile {
    ledger: Arc<dyn Ledger>,
    done: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Meanwhile {
    pub fn new(till: &Till, done: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        Arc::new(Self { ledger: till.world.nodes[0].clone(), done: Mutex::new(Some(done.boxed())) })
    }
}

#[async_trait]
impl Ledger for Meanwhile {
    async fn execute(&self, command: Command) -> Result<Outcome, LedgerError> {
        let done = self.done.lock().unwrap().take();
        if let Some(done) = done {
            done.await;
        }
        self.ledger.execute(command).await
    }
}

/// How many entries all journals have.
pub async fn entries(till: &Till) -> i64 {
    till.world.books.audit.snapshot().await.unwrap().heads.iter().map(|head| head.sequence).sum()
}
