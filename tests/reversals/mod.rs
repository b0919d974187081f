//! Reversals of recharges: in the books of every store, and at the level of the services with a charging system that does
//! what the test says.

mod books;
mod service;
mod terms;

use taabia::domain::{AccountClass, Operation, OperationId};
use taabia::ledger::Request;
use taabia::ledger::command::{AdvanceReversal, ReversalEvidence, StartReversal};
use taabia::reports::verify::{Options, verify};

use crate::support::world::{World, external_id};

/// A request for a recharge to be taken back by who sold it.
fn ask(world: &World, name: &str, key: &str, recharge: OperationId, asked_minor: Option<i64>) -> StartReversal {
    StartReversal {
        operation: world.draw(world.shard(name)),
        partner: world.partner,
        external_id: external_id(key),
        recharge,
        original: None,
        reseller: world.id(name),
        asked_minor,
        reason: "wrong number".into(),
        for_operator: false,
    }
}

pub async fn start(world: &World, name: &str, key: &str, recharge: OperationId, asked_minor: Option<i64>) -> Operation {
    let request = Request::StartReversal(ask(world, name, key, recharge, asked_minor));
    Operation::clone(world.must(request).await.operation().unwrap())
}

/// What is known of the attempt that a reversal is at.
fn tell(reversal: &Operation, evidence: ReversalEvidence) -> Request {
    let state = reversal.reversal().unwrap();
    Request::AdvanceReversal(AdvanceReversal {
        operation: reversal.id,
        recharge: state.recharge().unwrap(),
        reseller: reversal.reseller,
        reference: state.charging_reference,
        evidence,
    })
}

pub async fn told(world: &World, reversal: &Operation, evidence: ReversalEvidence) -> Operation {
    Operation::clone(world.must(tell(reversal, evidence)).await.operation().unwrap())
}

async fn read(world: &World, id: OperationId) -> Operation {
    world.books.store.operation(id).await.unwrap().unwrap()
}

async fn total(world: &World, class: AccountClass) -> i128 {
    verify(&*world.books.audit, &Options::default(), &mut |_| {}).await.unwrap().total(class)
}
