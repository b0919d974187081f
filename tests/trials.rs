//! A trial on both databases: the answer of a recharge, and every table as before.

use taabia::domain::{Decline, Status};
use taabia::ledger::command::Reserve;
use taabia::ledger::{Outcome, Request};

use crate::support::books_of;
use crate::support::contents::contents;
use crate::support::database::Database;
use crate::support::world::World;

async fn writes_nothing(database: Database) {
    let world = World::new(books_of(&database)).await;
    world.reseller("R", 3_000).await;
    world.recharge("R", "a", 2_000).await;
    let before = contents(&database).await;
    assert!(before.values().any(|rows| !rows.is_empty()));
    for (amount, allow_repeat, expected) in [
        (1_000, true, (Status::Submitted, None)),
        (1_001, true, (Status::Declined, Some(Decline::InsufficientStock))),
        (2_000, false, (Status::Declined, Some(Decline::SimilarRecharge))),
        (1, true, (Status::Declined, Some(Decline::AmountOutOfRange))),
    ] {
        let order = Reserve { allow_repeat, ..world.reserve("R", "t", amount) };
        let Outcome::Tried(tried) = world.must(Request::TryReserve(order.clone())).await else { panic!("a trial") };
        assert_eq!((tried.status, tried.decline), expected, "{amount}");
        assert_eq!(world.books.store.operation(tried.id).await.unwrap(), None);
    }
    // Many at once, beside each other and beside nothing.
    let all = (0..64).map(|_| world.execute(Request::TryReserve(world.reserve("R", "t", 1_000))));
    for tried in futures::future::join_all(all).await {
        assert!(matches!(tried, Ok(Outcome::Tried(it)) if it.balance_after == Some(0)), "none counts for another");
    }
    let unknown = Reserve { reseller: world.id("nobody"), ..world.reserve("R", "t", 1_000) };
    assert!(world.execute(Request::TryReserve(unknown)).await.is_err());
    assert_eq!(contents(&database).await, before);
    // The key was not used up, and what was tried can be sold.
    assert_eq!(world.recharge("R", "t", 1_000).await.status, Status::Submitted);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_writes_nothing_on_sqlite() {
    writes_nothing(Database::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_writes_nothing_on_postgres() {
    writes_nothing(Database::postgres().await).await;
}
