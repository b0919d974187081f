//! Card-funded top-ups, on every store.

mod card_recharges;
mod dispute_races;
mod disputes;
mod doubt;
mod late;
mod notifications;
mod payment;
mod random_hour;
mod refunds;

use taabia::domain::{AccountClass, Operation, Status};
use taabia::ports::acquirer::{Authorised, Outcome};

use crate::support::must_verify;
use crate::support::topups::Till;
use crate::support::world::{Books, World};

/// A till whose reseller `shop` has 100.00, while the operator has 5,000.00 left.
pub async fn till(books: Books) -> Till {
    let world = World::new(books).await;
    world.reseller("shop", 10_000).await;
    world.reseller("elsewhere", 0).await;
    let till = Till::new(world);
    let left = total(&till, AccountClass::OperatorStock).await - 500_000;
    till.world.must(till.world.allocate("the rest", "elsewhere", left)).await;
    till
}

/// Buys and gives back what it came to.
pub async fn buy(till: &Till, key: &str, stock_minor: i64) -> Operation {
    let answer = till.topups.create(&till.caller("shop"), till.order(key, "shop", stock_minor)).await.unwrap();
    Operation::clone(&answer.operation)
}

/// The same, with what the acquirer says.
pub async fn buy_with(till: &Till, key: &str, stock_minor: i64, outcome: Outcome<Authorised>) -> Operation {
    till.bank.next_authorisation(outcome);
    buy(till, key, stock_minor).await
}

pub async fn stored(till: &Till, operation: &Operation) -> Operation {
    till.world.books.store.operation(operation.id).await.unwrap().unwrap()
}

/// What stands in all shards on an account of a class.
pub async fn total(till: &Till, class: AccountClass) -> i64 {
    let snapshot = till.world.books.audit.snapshot().await.unwrap();
    snapshot
        .accounts
        .iter()
        .map(|(_, account)| account)
        .filter(|account| account.class == class)
        .map(|it| it.posted)
        .sum()
}

pub async fn stock_of_shop(till: &Till) -> i64 {
    let shard = taabia::domain::Shard::of(till.world.id("shop").uuid(), till.world.books.store.shards());
    till.world.books.store.stock(shard, till.world.id("shop")).await.unwrap().unwrap().posted
}

/// The books stand, with this many captured centimes credited, owed, and receivable.
pub async fn stands(till: &Till, status: Status, operation: &Operation) {
    assert_eq!(stored(till, operation).await.status, status);
    must_verify(&*till.world.books.audit).await;
}
