//! Transfers that wait for the receiver.

use taabia::domain::{Decline, Status, TransferKind};
use taabia::jobs::AcceptanceJob;
use taabia::ledger::command::{Settlement, TransferStock};
use taabia::ledger::{Outcome, Refusal, Request};
use taabia::ports::{Ledger, LedgerError, TransferReads};

use super::{COMPLETED, declined, status};
use crate::support::on_every_store;
use crate::support::world::{Books, World};

const WITHIN_MS: i64 = 3_600_000;

/// One above two siblings.
async fn family(world: &World) -> [String; 3] {
    let names: [String; 3] = world.spread_names(3).try_into().unwrap();
    let [above, left, right] = &names;
    world.reseller(above, 10_000).await;
    world.reseller_below(above, left, 10_000).await;
    world.reseller_below(above, right, 0).await;
    names
}

fn refused_as(status: Status) -> Result<Outcome, LedgerError> {
    Err(LedgerError::Refused(Refusal::DecidedAlready { status }))
}

on_every_store!(stock_is_held_at_the_sender_until_it_is_accepted, async |books: Books| {
    let world = World::new(books).await;
    let [above, left, right] = family(&world).await;
    let offer = world.offer("a", &above, &left, 4_000).await;
    assert_eq!((offer.status, offer.balance_after), (Status::PendingAcceptance, Some(6_000)));
    assert_eq!((world.posted(&above).await, world.posted(&left).await), ((10_000, 4_000), (10_000, 0)));
    let short = world.must(world.transfer("b", &above, &right, 6_001)).await;
    assert_eq!(status(&short), declined(Decline::InsufficientStock), "what is held is spoken for");

    let accept = || world.settle(offer.id, &above, &left, Settlement::Accept);
    assert_eq!(status(&world.must(accept()).await), COMPLETED);
    assert_eq!((world.posted(&above).await, world.posted(&left).await), ((6_000, 0), (14_000, 0)));
    assert!(matches!(world.must(accept()).await, Outcome::Unchanged(_)), "said twice");
    for other in [Settlement::Refuse, Settlement::Cancel] {
        let answer = world.execute(world.settle(offer.id, &above, &left, other)).await;
        assert_eq!(answer, refused_as(Status::Completed), "{other:?}");
    }
    let expired = world.must(world.settle(offer.id, &above, &left, Settlement::Expire)).await;
    assert!(matches!(expired, Outcome::Unchanged(_)));
    world.close().await;
});

on_every_store!(refused_cancelled_and_expired_stock_is_free_again, async |books: Books| {
    let world = World::new(books).await;
    let [above, left, right] = family(&world).await;
    for (key, settlement, decline) in [
        ("a", Settlement::Refuse, Decline::TransferRefused),
        ("b", Settlement::Cancel, Decline::TransferCancelled),
        ("c", Settlement::Expire, Decline::AcceptanceExpired),
    ] {
        let offer = world.offer(key, &above, &right, 4_000).await;
        if settlement == Settlement::Expire {
            let early = world.must(world.settle(offer.id, &above, &right, settlement)).await;
            assert!(matches!(early, Outcome::Unchanged(_)), "its time is not over");
            world.clock.advance_ms(WITHIN_MS);
        }
        let ended = world.must(world.settle(offer.id, &above, &right, settlement)).await;
        assert_eq!(status(&ended), declined(decline));
        assert_eq!((world.posted(&above).await, world.posted(&right).await), ((10_000, 0), (0, 0)));
        let again = world.must(world.settle(offer.id, &above, &right, settlement)).await;
        assert!(matches!(again, Outcome::Unchanged(_)), "{settlement:?} twice");
        let accepted = world.execute(world.settle(offer.id, &above, &right, Settlement::Accept)).await;
        assert_eq!(accepted, refused_as(Status::Declined));
        // Replayed, the request shows where it ended.
        let replay = world.transfer_of(TransferKind::Transfer, key, &above, &right, 4_000);
        let replay = Request::TransferStock(TransferStock { asks_acceptance: true, ..replay });
        assert!(matches!(&world.must(replay).await, Outcome::Replayed(op) if op.decline == Some(decline)));
    }
    assert_eq!(world.posted(&left).await, (10_000, 0));
    world.close().await;
});

on_every_store!(an_edge_may_ask_for_acceptance_and_late_is_late, async |books: Books| {
    let world = World::new(books).await;
    let [_, left, right] = family(&world).await;
    let offer = world.must(world.transfer("a", &left, &right, 1_000)).await;
    assert_eq!(status(&offer), (Status::PendingAcceptance, None), "siblings accept first, by rule");
    let offer = offer.operation().unwrap().id;
    world.clock.advance_ms(WITHIN_MS - 1);
    let accepted = world.must(world.settle(offer, &left, &right, Settlement::Accept)).await;
    assert_eq!(status(&accepted), COMPLETED, "in the last moment");
    let late = world.offer("b", &left, &right, 1_000).await;
    world.clock.advance_ms(WITHIN_MS);
    let accepted = world.must(world.settle(late.id, &left, &right, Settlement::Accept)).await;
    assert_eq!(status(&accepted), declined(Decline::AcceptanceExpired));
    assert_eq!((world.posted(&left).await, world.posted(&right).await), ((9_000, 0), (1_000, 0)));
    world.close().await;
});

on_every_store!(only_a_transfer_between_the_two_is_settled, async |books: Books| {
    let world = World::new(books).await;
    let [above, left, right] = family(&world).await;
    let offer = world.offer("a", &above, &left, 1_000).await;
    let sold = world.recharge(&above, "s", 1_000).await;
    let unknown = Err(LedgerError::Refused(Refusal::UnknownOperation));
    assert_eq!(world.execute(world.settle(offer.id, &above, &right, Settlement::Accept)).await, unknown);
    assert_eq!(world.execute(world.settle(sold.id, &above, &left, Settlement::Cancel)).await, unknown);
    let nothing = world.draw(world.shard(&above));
    assert_eq!(world.execute(world.settle(nothing, &above, &left, Settlement::Cancel)).await, unknown);
    let at_once = world.must(world.transfer("b", &above, &left, 1_000)).await.operation().unwrap().id;
    let answer = world.execute(world.settle(at_once, &above, &left, Settlement::Accept)).await;
    assert_eq!(answer, refused_as(Status::Completed), "it never waited");
    world.must(World::resolve(sold.id, crate::support::world::RELEASE)).await;
    world.must(world.settle(offer.id, &above, &left, Settlement::Refuse)).await;
    world.close().await;
});

on_every_store!(the_job_ends_what_is_overdue_and_the_doubt_job_does_not_see_it, async |books: Books| {
    let world = World::new(books).await;
    let [above, left, right] = family(&world).await;
    let first = world.offer("a", &above, &left, 1_000).await;
    world.clock.advance_ms(1_000);
    let second = world.offer("b", &above, &right, 2_000).await;
    let store = world.books.store.clone();
    let now = |ms| taabia::ports::Clock::now(&*world.clock).plus_ms(ms);
    let overdue = async |ms| {
        let found = store.overdue_transfers(now(ms), 10).await.unwrap();
        found.into_iter().map(|operation| operation.id).collect::<Vec<_>>()
    };
    assert_eq!(overdue(0).await, []);
    assert_eq!(overdue(WITHIN_MS - 1_000).await, [first.id]);
    assert_eq!(overdue(WITHIN_MS).await, [first.id, second.id]);
    assert_eq!(store.due(now(WITHIN_MS), None, 10).await.unwrap(), []);
    assert_eq!(store.doubt(now(WITHIN_MS)).await.unwrap(), (0, None));

    world.clock.advance_ms(WITHIN_MS - 1_000);
    let ledger: std::sync::Arc<dyn Ledger> = world.nodes[0].clone();
    let reads: std::sync::Arc<dyn TransferReads> = store.clone();
    let job = AcceptanceJob { ledger, reads, clock: world.clock.clone(), poll_interval_ms: 10 };
    job.sweep().await.unwrap();
    assert_eq!(world.posted(&above).await, (10_000, 2_000), "the first is free again, the second not yet");
    world.clock.advance_ms(1_000);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(job.run(stopped));
    while world.posted(&above).await.1 > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stop.send_replace(true);
    running.await.unwrap();
    for id in [first.id, second.id] {
        let ended = store.operation(id).await.unwrap().unwrap();
        assert_eq!((ended.status, ended.decline), declined(Decline::AcceptanceExpired));
    }
    world.close().await;
});
