//! Transfers in the small business of [`World`].

use taabia::domain::{Operation, OperationId, Shard, TransferKind};
use taabia::ledger::Request;
use taabia::ledger::command::{SettleTransfer, Settlement, TransferStock};

use super::world::{World, external_id};

impl World {
    /// A reseller with stock, directly below `parent`.
    pub async fn reseller_below(&self, parent: &str, name: &str, stock_minor: i64) {
        let Request::OpenReseller(mut open) = self.open(name) else { unreachable!("it opens a reseller") };
        open.registration.parent = Some(self.id(parent));
        self.must(Request::OpenReseller(open)).await;
        if stock_minor > 0 {
            self.must(self.allocate(&format!("stock-{name}"), name, stock_minor)).await;
        }
    }

    /// `to` is a name, or `operator`.
    pub fn transfer_of(&self, kind: TransferKind, key: &str, from: &str, to: &str, amount_minor: i64) -> TransferStock {
        TransferStock {
            operation: self.draw(self.shard(from)),
            partner: self.partner,
            external_id: external_id(key),
            from: self.id(from),
            to: (to != "operator").then(|| self.id(to)),
            kind,
            amount_minor,
            asks_acceptance: false,
        }
    }

    pub fn transfer(&self, key: &str, from: &str, to: &str, amount_minor: i64) -> Request {
        Request::TransferStock(self.transfer_of(TransferKind::Transfer, key, from, to, amount_minor))
    }

    pub fn give_back(&self, key: &str, from: &str, to: &str, amount_minor: i64) -> Request {
        Request::TransferStock(self.transfer_of(TransferKind::Return, key, from, to, amount_minor))
    }

    /// A transfer that waits until it is accepted.
    pub async fn offer(&self, key: &str, from: &str, to: &str, amount_minor: i64) -> Operation {
        let asked = self.transfer_of(TransferKind::Transfer, key, from, to, amount_minor);
        let request = Request::TransferStock(TransferStock { asks_acceptance: true, ..asked });
        let outcome = self.must(request).await;
        Operation::clone(outcome.operation().unwrap())
    }

    pub fn settle(&self, operation: OperationId, from: &str, to: &str, settlement: Settlement) -> Request {
        Request::SettleTransfer(SettleTransfer { operation, from: self.id(from), to: self.id(to), settlement })
    }

    /// Posted and held stock.
    pub async fn posted(&self, name: &str) -> (i64, i64) {
        let stock = self.stock(name).await;
        (stock.posted, stock.held)
    }

    /// Names whose resellers fall into different shards where there are several: the first into the operator's.
    pub fn spread_names(&self, count: usize) -> Vec<String> {
        let shards = self.books.store.shards();
        let shard = |n: usize| Shard::new(u8::try_from(n % usize::from(shards)).unwrap());
        let mut names: Vec<String> = Vec::new();
        for n in 0..count {
            let found = (0..10_000).map(|m| format!("T{n}-{m}")).find(|name| self.shard(name) == shard(n)).unwrap();
            names.push(found);
        }
        names
    }
}
