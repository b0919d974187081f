//! What reversals leave in the books, on every store.

use futures::future::join_all;
use taabia::domain::{AccountClass, Decline, EntryKind, Limits, Operation, OperationId, Standing, Status};
use taabia::engine::EngineConfig;
use taabia::ledger::command::{Reserve, ReversalEvidence};
use taabia::ledger::{Evidence, Outcome, Refusal, Request};
use taabia::ports::{Ledger as _, LedgerError};

use super::{ask, read, start, tell, told, total};
use crate::support::on_every_store;
use crate::support::world::{Books, World, command};

async fn sold(world: &World, key: &str, amount_minor: i64) -> OperationId {
    let reserved = world.recharge("R", key, amount_minor).await;
    world.must(World::resolve(reserved.id, Evidence::Applied)).await;
    reserved.id
}

fn outline(operation: &Operation) -> (Status, Option<Decline>, i64) {
    (operation.status, operation.decline, operation.amount_minor)
}

on_every_store!(the_whole_comes_back_once, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 10_000).await;
    let recharge = sold(&world, "a", 2_000).await;
    let asked = start(&world, "R", "r", recharge, None).await;
    assert_eq!(outline(&asked), (Status::Submitted, None, 2_000));
    let state = asked.reversal().unwrap();
    assert_ne!(state.charging_reference, read(&world, recharge).await.recharge().unwrap().charging_reference);
    assert_eq!(read(&world, recharge).await.status, Status::ReversalPending);
    assert_eq!(world.stock("R").await.posted, 8_000, "nothing comes back before the credit was taken");
    assert_eq!(world.books.topups.open_reversals(OperationId::from_uuid(uuid::Uuid::nil()), 9).await.unwrap().len(), 1);

    assert_eq!(told(&world, &asked, ReversalEvidence::NoAnswer).await.status, Status::InDoubt);
    let done = told(&world, &asked, ReversalEvidence::Reversed).await;
    assert_eq!(outline(&done), (Status::Completed, None, 2_000));
    let of = read(&world, recharge).await;
    assert_eq!((of.status, of.recharge().unwrap().reversed_minor), (Status::Reversed, 2_000));
    let stock = world.stock("R").await;
    assert_eq!((stock.posted, stock.held), (10_000, 0));
    assert_eq!((stock.usage.count, stock.usage.amount_minor), (0, 0), "nothing of it is left that limits count");
    assert_eq!(total(&world, AccountClass::Delivered).await, 0);
    assert!(world.books.topups.open_reversals(OperationId::from_uuid(uuid::Uuid::nil()), 9).await.unwrap().is_empty());

    // Late, twice, and the contrary.
    for late in [ReversalEvidence::Reversed, ReversalEvidence::NoAnswer, ReversalEvidence::Due] {
        assert!(matches!(world.must(tell(&asked, late)).await, Outcome::Unchanged(_)), "{late:?}");
    }
    let contrary = world.execute(tell(&asked, ReversalEvidence::NotReversed(Decline::CreditSpent))).await;
    assert!(matches!(contrary, Err(LedgerError::Refused(Refusal::IllegalTransition { .. }))), "{contrary:?}");
    let again = start(&world, "R", "s", recharge, None).await;
    assert_eq!(outline(&again), (Status::Declined, Some(Decline::AlreadyReversed), 0));
    // The same key: the same reversal; another amount under it is a conflict.
    let replay = ask(&world, "R", "r", recharge, None);
    let Outcome::Replayed(same) = world.must(Request::StartReversal(replay)).await else { panic!("a replay") };
    assert_eq!(*same, done);
    let other = world.execute(Request::StartReversal(ask(&world, "R", "r", recharge, Some(1)))).await;
    assert_eq!(other, Err(LedgerError::Refused(Refusal::KeyReused { field: "amount" })));
    world.close().await;
});

on_every_store!(a_refusal_leaves_the_recharge_completed, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 10_000).await;
    let recharge = sold(&world, "a", 2_000).await;
    let before = world.stock("R").await;
    let asked = start(&world, "R", "r", recharge, None).await;
    let spent = told(&world, &asked, ReversalEvidence::NotReversed(Decline::CreditSpent)).await;
    assert_eq!(outline(&spent), (Status::Declined, Some(Decline::CreditSpent), 2_000));
    assert_eq!(read(&world, recharge).await.status, Status::Completed);
    assert_eq!(world.stock("R").await, before);
    world.clock.advance_ms(1);
    // Another one may be asked for.
    let asked = start(&world, "R", "s", recharge, None).await;
    told(&world, &asked, ReversalEvidence::Reversed).await;
    assert_eq!(read(&world, recharge).await.status, Status::Reversed);
    let listed = world.books.topups.refunds(recharge, None, 9).await.unwrap();
    let statuses: Vec<_> = listed.iter().map(|reversal| reversal.status).collect();
    assert_eq!(statuses, [Status::Completed, Status::Declined], "the newest first");
    world.close().await;
});

on_every_store!(parts_never_exceed_the_whole, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 10_000).await;
    let recharge = sold(&world, "a", 2_000).await;
    let part = start(&world, "R", "r1", recharge, Some(500)).await;
    let meanwhile = start(&world, "R", "r2", recharge, Some(500)).await;
    assert_eq!(outline(&meanwhile), (Status::Declined, Some(Decline::ReversalUnderWay), 500));
    told(&world, &part, ReversalEvidence::Reversed).await;
    let of = read(&world, recharge).await;
    assert_eq!((of.status, of.recharge().unwrap().reversed_minor), (Status::Completed, 500));
    assert_eq!(world.stock("R").await.usage.count, 1, "a part gives no limit back");

    for (key, amount) in [("r3", 1_501), ("r4", 0), ("r5", i64::MAX)] {
        let beyond = start(&world, "R", key, recharge, Some(amount)).await;
        assert_eq!(outline(&beyond), (Status::Declined, Some(Decline::AmountOutOfRange), amount));
    }
    let rest = start(&world, "R", "r6", recharge, None).await;
    assert_eq!(outline(&rest), (Status::Submitted, None, 1_500), "all that is left");
    told(&world, &rest, ReversalEvidence::Reversed).await;
    let of = read(&world, recharge).await;
    assert_eq!((of.status, of.recharge().unwrap().reversed_minor), (Status::Reversed, 2_000));
    let stock = world.stock("R").await;
    assert_eq!((stock.posted, stock.usage.count), (10_000, 0));
    world.close().await;
});

on_every_store!(one_that_comes_too_early_waits_for_the_outcome, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 10_000).await;
    for (key, evidence) in [("a", Some(Evidence::Applied)), ("b", None), ("c", Some(crate::support::world::RELEASE))] {
        let reserved = world.recharge("R", key, 2_000).await;
        world.must(World::resolve(reserved.id, Evidence::NoAnswer)).await;
        let early = start(&world, "R", &format!("r-{key}"), reserved.id, None).await;
        assert_eq!(outline(&early), (Status::Created, None, 2_000));
        let Outcome::Unchanged(waits) = world.must(tell(&early, ReversalEvidence::Due)).await else {
            panic!("it waits")
        };
        assert_eq!(waits.status, Status::Created);
        let Some(evidence) = evidence else { continue };
        world.must(World::resolve(reserved.id, evidence)).await;
        let due = told(&world, &early, ReversalEvidence::Due).await;
        if evidence == Evidence::Applied {
            assert_eq!(outline(&due), (Status::Submitted, None, 2_000));
            let Outcome::Unchanged(_) = world.must(tell(&early, ReversalEvidence::Due)).await else { panic!("once") };
            told(&world, &due, ReversalEvidence::Reversed).await;
            assert_eq!(read(&world, reserved.id).await.status, Status::Reversed);
        } else {
            // What never took effect is taken back already.
            assert_eq!(outline(&due), (Status::Completed, None, 0));
            assert_eq!(read(&world, reserved.id).await.status, Status::Declined);
        }
    }
    let stock = world.stock("R").await;
    assert_eq!((stock.posted, stock.held), (10_000, 2_000));
    world.close().await;
});

on_every_store!(what_provably_never_arrived_is_tried_again_for_a_while, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 10_000).await;
    let recharge = sold(&world, "a", 2_000).await;
    let first = start(&world, "R", "r", recharge, None).await;
    let waits = told(&world, &first, ReversalEvidence::NotAsked).await;
    assert_eq!((waits.status, read(&world, recharge).await.status), (Status::Created, Status::Completed));
    world.clock.advance_ms(5_000);
    let second = told(&world, &waits, ReversalEvidence::Due).await;
    assert_eq!(second.status, Status::Submitted);
    let references = [&first, &second].map(|it| it.reversal().unwrap().charging_reference.unwrap());
    assert_ne!(references[0], references[1]);
    // The first attempt is heard of after all: not taken for the second.
    let stale = world.execute(tell(&first, ReversalEvidence::Reversed)).await;
    assert!(matches!(stale, Err(LedgerError::Refused(Refusal::IllegalTransition { .. }))), "{stale:?}");
    world.clock.advance_ms(55_000);
    let given_up = told(&world, &second, ReversalEvidence::NotAsked).await;
    assert_eq!(outline(&given_up), (Status::Declined, Some(Decline::ChargingDeclined), 2_000));
    assert_eq!((read(&world, recharge).await.status, world.stock("R").await.posted), (Status::Completed, 8_000));
    world.close().await;
});

on_every_store!(what_was_never_received_is_taken_back_already, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 10_000).await;
    let tombstone = world.must(world.void("R", "a")).await.operation().unwrap().id;
    let done = start(&world, "R", "r", tombstone, Some(700)).await;
    assert_eq!(outline(&done), (Status::Completed, None, 0));
    let late = world.recharge("R", "a", 2_000).await;
    assert_eq!((late.status, late.decline), (Status::Declined, Some(Decline::Voided)));
    assert_eq!(world.stock("R").await.available(), 10_000);
    world.close().await;
});

on_every_store!(of_many_at_once_one_has_an_effect, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    world.reseller("R", 10_000).await;
    let recharge = sold(&world, "a", 2_000).await;
    let before = world.stock("R").await;
    let all = (0..64).map(|n| {
        let asked = ask(&world, "R", &format!("r{n}"), recharge, None);
        let node = &world.nodes[n % world.nodes.len()];
        async move { node.execute(command(Request::StartReversal(asked))).await.unwrap().operation().unwrap().clone() }
    });
    let all = join_all(all).await;
    let (submitted, others): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.status == Status::Submitted);
    assert_eq!(submitted.len(), 1);
    assert!(others.iter().all(|it| it.decline == Some(Decline::ReversalUnderWay)));
    assert_eq!(world.stock("R").await, before);
    // Its outcome, told 64 times, by both nodes, among doubts.
    let reversal = submitted[0];
    let ends = (0..64).map(|n| {
        let evidence = if n % 4 == 0 { ReversalEvidence::NoAnswer } else { ReversalEvidence::Reversed };
        let node = &world.nodes[n % world.nodes.len()];
        let request = tell(reversal, evidence);
        async move { node.execute(command(request)).await.unwrap() }
    });
    let done = join_all(ends).await;
    let effects = done.iter().filter(|it| matches!(it, Outcome::Decided(it) if it.status == Status::Completed)).count();
    assert_eq!((effects, world.stock("R").await.posted), (1, 10_000));
    world.close().await;
});

on_every_store!(what_was_taken_back_counts_for_no_guard_and_no_limit, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 10_000).await;
    let limits = Limits { per_day_count: Some(1), ..Limits::default() };
    world.must(world.limits("R", limits)).await;
    let guarded = |key: &str| Reserve { allow_repeat: false, ..world.reserve("R", key, 2_000) };
    let first = world.must(Request::Reserve(guarded("a"))).await.operation().unwrap().clone();
    world.must(World::resolve(first.id, Evidence::Applied)).await;
    let similar = world.must(Request::Reserve(guarded("b"))).await.operation().unwrap().clone();
    assert_eq!(similar.decline, Some(Decline::SimilarRecharge));
    let beyond = world.recharge("R", "c", 1_000).await;
    assert_eq!(beyond.decline, Some(Decline::LimitExceeded));
    let reversal = start(&world, "R", "r", first.id, None).await;
    assert_eq!(world.recharge("R", "d", 1_000).await.decline, Some(Decline::LimitExceeded), "until it is done");
    told(&world, &reversal, ReversalEvidence::Reversed).await;
    // A memory that begins now asks the store; the old one has to rule it out as well.
    let mut world = world;
    world.nodes.clear();
    let node = world.node(&EngineConfig::default());
    let again = node.must(Request::Reserve(Reserve { allow_repeat: false, ..node.reserve("R", "e", 2_000) })).await;
    assert_eq!(again.operation().unwrap().status, Status::Submitted);
    node.must(World::resolve(again.operation().unwrap().id, Evidence::Applied)).await;
    let back = start(&node, "R", "s", again.operation().unwrap().id, None).await;
    told(&node, &back, ReversalEvidence::Reversed).await;
    let third = node.must(Request::Reserve(Reserve { allow_repeat: false, ..node.reserve("R", "f", 2_000) })).await;
    assert_eq!(third.operation().unwrap().status, Status::Submitted);
    node.close().await;
});

on_every_store!(a_closed_reseller_takes_nothing_back, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 2_000).await;
    let recharge = sold(&world, "a", 2_000).await;
    world.must(world.standing("R", Standing::Suspended)).await;
    let suspended = start(&world, "R", "r1", recharge, Some(500)).await;
    assert_eq!(suspended.status, Status::Submitted, "a wrong number of a suspended reseller is taken back as well");
    told(&world, &suspended, ReversalEvidence::NotReversed(Decline::ChargingDeclined)).await;
    world.must(world.standing("R", Standing::Closed)).await;
    let closed = start(&world, "R", "r2", recharge, None).await;
    assert_eq!(outline(&closed), (Status::Declined, Some(Decline::ResellerSuspended), 2_000));
    world.close().await;
});

on_every_store!(each_step_is_an_entry_of_its_own, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R", 10_000).await;
    let recharge = sold(&world, "a", 2_000).await;
    let shard = world.shard("R");
    let before = world.books.audit.snapshot().await.unwrap();
    let head = before.heads.iter().find(|head| head.shard == shard).unwrap().sequence;
    let asked = start(&world, "R", "r", recharge, Some(500)).await;
    told(&world, &asked, ReversalEvidence::Reversed).await;
    let entries = world.books.audit.entries(shard, head, i64::MAX, 100).await.unwrap();
    let kinds: Vec<_> = entries.iter().map(|audited| audited.entry.kind).collect();
    let expected = [
        EntryKind::ReversalSubmitted,
        EntryKind::RechargeReversalPending,
        EntryKind::ReversalCompleted,
        EntryKind::RechargePartlyReversed,
    ];
    assert_eq!(kinds, expected);
    // The reference ends with the sequence of the reversal's own entry, as that of a recharge does.
    let reference = asked.reversal().unwrap().charging_reference.unwrap();
    assert_eq!(reference % 1_000_000, entries[0].entry.sequence);
    world.close().await;
});
