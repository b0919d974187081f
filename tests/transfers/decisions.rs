//! What moves, what is declined, and what the same key gets.

use taabia::domain::{AccountClass, Decline, ResellerId, Shard, Standing, TransferKind};
use taabia::ledger::command::TransferStock;
use taabia::ledger::{Outcome, Refusal, Request};
use taabia::ports::LedgerError;

use super::{COMPLETED, declined, status};
use crate::support::on_every_store;
use crate::support::world::{Books, World};

/// A line of three, a sibling of the middle one, and a stranger, in different shards.
async fn network(world: &World) -> [String; 5] {
    let names: [String; 5] = world.spread_names(5).try_into().unwrap();
    let [top, middle, outlet, sibling, stranger] = &names;
    world.reseller(top, 100_000).await;
    world.reseller_below(top, middle, 20_000).await;
    world.reseller_below(middle, outlet, 5_000).await;
    world.reseller_below(top, sibling, 0).await;
    world.reseller(stranger, 1_000).await;
    names
}

on_every_store!(stock_goes_down_by_transfer_and_up_by_return, async |books: Books| {
    let world = World::new(books).await;
    let [top, middle, outlet, sibling, _] = network(&world).await;
    let operator = async || {
        let snapshot = world.books.audit.snapshot().await.unwrap();
        let stock = snapshot.accounts.iter().find(|(_, account)| account.class == AccountClass::OperatorStock);
        stock.unwrap().1.posted
    };
    let before = operator().await;
    let moved = world.must(world.transfer("a", &top, &outlet, 30_000)).await;
    assert_eq!(status(&moved), COMPLETED, "to anybody below");
    let operation = moved.operation().unwrap();
    assert_eq!((operation.balance_after, operation.reseller), (Some(70_000), world.id(&top)));
    assert_eq!(operation.id.shard(), world.shard(&top), "it stands in the sender's shard");
    assert_eq!(status(&world.must(world.transfer("b", &top, &sibling, 1_000)).await), COMPLETED);
    assert_eq!(status(&world.must(world.give_back("c", &outlet, &middle, 5_000)).await), COMPLETED);
    assert_eq!(status(&world.must(world.give_back("d", &outlet, &top, 10_000)).await), COMPLETED);
    assert_eq!(status(&world.must(world.give_back("e", &outlet, "operator", 7_000)).await), COMPLETED);
    for (name, posted) in [(&top, 79_000), (&middle, 25_000), (&outlet, 13_000), (&sibling, 1_000)] {
        assert_eq!(world.posted(name).await, (posted, 0), "{name}");
    }
    assert_eq!(operator().await, before + 7_000);
    world.close().await;
});

on_every_store!(declines_come_in_order_of_precedence, async |books: Books| {
    let world = World::new(books).await;
    let [top, middle, outlet, _, stranger] = network(&world).await;
    world.must(world.standing(&top, Standing::Suspended)).await;
    world.must(world.standing(&middle, Standing::Suspended)).await;
    let asked = async |request| status(&world.must(request).await);
    // Everything is wrong with the first; mending one thing after the other shows the next.
    assert_eq!(asked(world.transfer("a", &top, &top, 900_000)).await, declined(Decline::SelfTransfer));
    let stranger_asked = asked(world.transfer("b", &top, &stranger, 900_000)).await;
    assert_eq!(stranger_asked, declined(Decline::TransferNotPermitted));
    assert_eq!(asked(world.transfer("c", &top, &middle, 900_000)).await, declined(Decline::ResellerSuspended));
    world.must(world.standing(&top, Standing::Active)).await;
    assert_eq!(asked(world.transfer("d", &top, &middle, 900_000)).await, declined(Decline::ReceiverSuspended));
    world.must(world.standing(&middle, Standing::Active)).await;
    assert_eq!(asked(world.transfer("e", &top, &middle, 900_000)).await, declined(Decline::InsufficientStock));
    let full = i64::MAX - 1_000_000_000_000;
    world.issue("all", full).await;
    let most = full - 1_000;
    world.must(world.allocate("most", &middle, most)).await;
    let too_much = world.transfer("f", &middle, &outlet, most);
    assert_eq!(asked(too_much).await, COMPLETED, "as long as it fits");
    // Only what may be returned goes up, and only what may be handed on goes down.
    for request in [
        world.transfer("g", &outlet, &middle, 100),
        world.give_back("h", &top, &middle, 100),
        world.transfer("i", &outlet, "operator", 100),
        world.transfer("j", &middle, &stranger, 100),
        world.give_back("k", &stranger, &top, 100),
    ] {
        assert_eq!(asked(request).await, declined(Decline::TransferNotPermitted));
    }
    world.close().await;
});

on_every_store!(a_suspended_reseller_may_return_and_a_closed_one_nothing, async |books: Books| {
    let world = World::new(books).await;
    let [top, middle, outlet, ..] = network(&world).await;
    let asked = async |request| status(&world.must(request).await);
    world.must(world.standing(&outlet, Standing::Suspended)).await;
    assert_eq!(asked(world.transfer("a", &middle, &outlet, 100)).await, declined(Decline::ReceiverSuspended));
    assert_eq!(asked(world.give_back("b", &outlet, &middle, 4_000)).await, COMPLETED);
    world.must(world.standing(&top, Standing::Suspended)).await;
    assert_eq!(asked(world.give_back("c", &outlet, &top, 100)).await, declined(Decline::ReceiverSuspended));
    assert_eq!(asked(world.give_back("d", &outlet, "operator", 1_000)).await, COMPLETED);
    // Empty now, so it can be closed.
    world.must(world.standing(&outlet, Standing::Closed)).await;
    assert_eq!(asked(world.give_back("e", &outlet, &middle, 100)).await, declined(Decline::ResellerSuspended));
    assert_eq!(asked(world.transfer("f", &middle, &outlet, 100)).await, declined(Decline::ReceiverSuspended));
    world.close().await;
});

on_every_store!(a_key_belongs_to_the_sender_and_gives_the_same_again, async |books: Books| {
    let world = World::new(books).await;
    let [top, middle, outlet, ..] = network(&world).await;
    let first = world.must(world.transfer("k", &top, &middle, 1_000)).await;
    let again = world.must(world.transfer("k", &top, &middle, 1_000)).await;
    assert_eq!(again, Outcome::Replayed(first.operation().unwrap().clone()));
    let base = world.transfer_of(TransferKind::Transfer, "k", &top, &middle, 1_000);
    let conflicts = [
        ("to_reseller_id", TransferStock { to: Some(world.id(&outlet)), ..base.clone() }),
        ("amount", TransferStock { amount_minor: 1_001, ..base.clone() }),
        ("kind", TransferStock { kind: TransferKind::Return, ..base.clone() }),
        ("acceptance", TransferStock { asks_acceptance: true, ..base.clone() }),
    ];
    for (field, other) in conflicts {
        let refused = world.execute(Request::TransferStock(other)).await;
        assert_eq!(refused, Err(LedgerError::Refused(Refusal::KeyReused { field })));
    }
    // One namespace for all kinds of operation of a reseller.
    let sold = world.execute(Request::Reserve(world.reserve(&top, "k", 1_000))).await;
    assert_eq!(sold, Err(LedgerError::Refused(Refusal::KeyReused { field: "external_id" })));
    assert_eq!(
        world.execute(world.void(&top, "k")).await,
        Err(LedgerError::Refused(Refusal::KeyReused { field: "external_id" }))
    );
    let theirs = world.must(world.transfer("k", &middle, &outlet, 1_000)).await;
    assert_eq!(status(&theirs), COMPLETED, "another sender, another key");
    world.must(world.void(&middle, "lost")).await;
    let late = world.execute(world.transfer("lost", &middle, &outlet, 1_000)).await;
    assert_eq!(late, Err(LedgerError::Refused(Refusal::KeyReused { field: "external_id" })));
    assert_eq!(world.posted(&middle).await, (20_000, 0));
    world.close().await;
});

on_every_store!(unknown_resellers_leave_no_trace, async |books: Books| {
    let world = World::new(books).await;
    let [top, ..] = network(&world).await;
    let nobody = world.transfer("a", &top, "nobody", 1_000);
    assert_eq!(world.execute(nobody).await, Err(LedgerError::Refused(Refusal::UnknownReseller)));
    let nobody = world.give_back("a", "nobody", &top, 1_000);
    assert_eq!(world.execute(nobody).await, Err(LedgerError::Refused(Refusal::UnknownReseller)));
    // The key is free.
    world.reseller_below(&top, "nobody", 0).await;
    assert_eq!(status(&world.must(world.transfer("a", &top, "nobody", 1_000)).await), COMPLETED);
    let operator = ResellerId::OPERATOR;
    assert_eq!(Shard::of(operator.uuid(), 1), Shard::OPERATOR);
    world.close().await;
});
