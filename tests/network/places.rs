//! Where a reseller may stand, and when it may be closed.

use futures::future::join_all;
use taabia::domain::{Standing, Status};
use taabia::ledger::command::{ChangePlace, SetStanding};
use taabia::ledger::tree::MAX_DEPTH;
use taabia::ledger::{Evidence, Outcome, PlaceRefusal, Refusal, Request};
use taabia::ports::{Ledger as _, LedgerError};

use super::{below, change, close, ids, line, move_to, refused, small_tree};
use crate::support::on_every_store;
use crate::support::world::{Books, World};

on_every_store!(a_reseller_stands_only_where_it_may, async |books: Books| {
    let world = World::new(books).await;
    small_tree(&world).await;
    world.must(close(&world, "C")).await;
    let heads = |world: &World| {
        let audit = world.books.audit.clone();
        async move { audit.snapshot().await.unwrap().heads }
    };
    let before = heads(&world).await;
    for (request, refusal) in [
        (below(&world, "X", "kiosk", None), PlaceRefusal::UnknownLevel),
        (below(&world, "X", "outlet", Some("nobody")), PlaceRefusal::UnknownParent),
        (below(&world, "X", "outlet", Some("X")), PlaceRefusal::UnknownParent),
        (below(&world, "X", "outlet", Some("C")), PlaceRefusal::ParentClosed),
        (below(&world, "X", "distributor", Some("W1")), PlaceRefusal::LevelAboveParent),
        (move_to(&world, "W1", Some("W1")), PlaceRefusal::Cycle),
        (move_to(&world, "D", Some("A")), PlaceRefusal::Cycle),
        (move_to(&world, "W1", Some("nobody")), PlaceRefusal::UnknownParent),
        (move_to(&world, "W1", Some("C")), PlaceRefusal::ParentClosed),
        (move_to(&world, "W2", Some("A")), PlaceRefusal::LevelAboveParent),
        (move_to(&world, "C", Some("W1")), PlaceRefusal::Closed),
        (code(&world, "A", "B"), PlaceRefusal::CodeTaken),
    ] {
        let text = format!("{request:?}");
        assert_eq!(world.execute(request).await, refused(refusal), "{text}");
    }
    let twin = {
        let Request::OpenReseller(mut open) = below(&world, "X", "outlet", Some("W1")) else { unreachable!() };
        open.registration.code = "A".into();
        Request::OpenReseller(open)
    };
    assert_eq!(world.execute(twin).await, refused(PlaceRefusal::CodeTaken));
    assert_eq!(world.execute(level(&world, "D", "outlet")).await, refused(PlaceRefusal::LevelBelowChild));
    assert_eq!(heads(&world).await, before, "a refusal writes nothing");
    world.close().await;
});

fn level(world: &World, name: &str, level: &str) -> Request {
    Request::ChangePlace(ChangePlace { level: Some(level.parse().unwrap()), ..change(world, name) })
}

fn code(world: &World, name: &str, code: &str) -> Request {
    Request::ChangePlace(ChangePlace { code: Some(code.parse().unwrap()), ..change(world, name) })
}

on_every_store!(one_batch_opens_parents_and_children_and_each_code_once, async |books: Books| {
    let world = World::new(books).await;
    let mut requests = vec![below(&world, "D", "distributor", None)];
    requests.extend((0..40).map(|n| below(&world, &format!("W{n}"), "wholesaler", Some("D"))));
    requests.extend((0..200).map(|n| below(&world, &format!("O{n}"), "outlet", Some(&format!("W{}", n % 40)))));
    let twins = (0..20).map(|n| {
        let Request::OpenReseller(mut open) = below(&world, &format!("T{n}"), "outlet", Some("W0")) else {
            unreachable!()
        };
        open.registration.code = format!("O{n}");
        Request::OpenReseller(open)
    });
    requests.extend(twins);
    let outcomes = join_all(requests.into_iter().map(|request| world.execute(request))).await;
    let (good, bad) = outcomes.split_at(241);
    assert!(good.iter().all(|outcome| *outcome == Ok(Outcome::Recorded)));
    assert!(bad.iter().all(|outcome| *outcome == refused(PlaceRefusal::CodeTaken)));
    assert_eq!(line(&world, "O41").await, ids(&world, ["O41", "W1", "D"]));
    world.close().await;
});

on_every_store!(a_line_has_an_end, async |books: Books| {
    let world = World::new(books).await;
    world.must(below(&world, "L1", "outlet", None)).await;
    for n in 2..=MAX_DEPTH {
        world.must(below(&world, &format!("L{n}"), "outlet", Some(&format!("L{}", n - 1)))).await;
    }
    let last = format!("L{MAX_DEPTH}");
    let too_deep = refused(PlaceRefusal::TooDeep);
    assert_eq!(world.execute(below(&world, "X", "outlet", Some(&last))).await, too_deep);
    world.must(below(&world, "top", "outlet", None)).await;
    assert_eq!(world.execute(move_to(&world, "L1", Some("top"))).await, too_deep);
    // Half of the line fits.
    world.must(move_to(&world, "L20", Some("top"))).await;
    assert_eq!(line(&world, &last).await.len(), MAX_DEPTH - 18);
    world.must(move_to(&world, "L1", Some("top"))).await;
    world.close().await;
});

on_every_store!(only_an_empty_reseller_is_closed_and_for_ever, async |books: Books| {
    let world = World::new(books).await;
    small_tree(&world).await;
    world.must(world.allocate("stock", "A", 10_000)).await;
    assert_eq!(world.execute(close(&world, "A")).await, refused(PlaceRefusal::HasBalance));
    let recharge = world.recharge("A", "r", 10_000).await;
    assert_eq!(world.execute(close(&world, "A")).await, refused(PlaceRefusal::HasHolds));
    world.must(World::resolve(recharge.id, Evidence::Applied)).await;
    assert_eq!(world.execute(close(&world, "W1")).await, refused(PlaceRefusal::HasChildren));
    world.must(close(&world, "A")).await;
    let late = world.recharge("A", "late", 1_000).await;
    assert_eq!(late.status, Status::Declined);
    assert_eq!(world.execute(close(&world, "W1")).await, refused(PlaceRefusal::HasChildren));
    // In one batch: the last child is closed, then its parent, then nobody can stand there any more.
    let requests = [close(&world, "B"), close(&world, "W1"), below(&world, "X", "outlet", Some("W1"))];
    let outcomes = join_all(requests.into_iter().map(|request| world.execute(request))).await;
    assert_eq!(outcomes, [Ok(Outcome::Recorded), Ok(Outcome::Recorded), refused(PlaceRefusal::ParentClosed)]);
    for standing in [Standing::Active, Standing::Suspended] {
        assert_eq!(world.execute(world.standing("A", standing)).await, refused(PlaceRefusal::Closed));
    }
    world.close().await;
});

on_every_store!(closing_and_opening_below_never_both_succeed, async |books: Books| {
    let world = World::new(books).await.node(&taabia::engine::EngineConfig::default());
    for round in 0..12 {
        let (parent, child) = (format!("P{round}"), format!("C{round}"));
        world.must(below(&world, &parent, "wholesaler", None)).await;
        let close = crate::support::world::command(close(&world, &parent));
        let open = crate::support::world::command(below(&world, &child, "outlet", Some(&parent)));
        let (first, second) = (world.nodes[round % 2].clone(), world.nodes[1 - round % 2].clone());
        let (closed, opened) = tokio::join!(first.execute(close), second.execute(open));
        match (closed, opened) {
            (Ok(_), opened) => assert_eq!(opened, refused(PlaceRefusal::ParentClosed)),
            (closed, opened) => {
                assert_eq!((closed, opened), (refused(PlaceRefusal::HasChildren), Ok(Outcome::Recorded)));
            }
        }
    }
    world.close().await;
});

on_every_store!(a_change_is_made_for_the_version_that_was_read, async |books: Books| {
    let world = World::new(books).await;
    small_tree(&world).await;
    let rename = |name: &str, if_version| {
        let name = Some(name.parse().unwrap());
        Request::ChangePlace(ChangePlace { name, if_version: Some(if_version), ..change(&world, "A") })
    };
    world.must(rename("Téléboutique الأمل", 1)).await;
    let stale = Err(LedgerError::Refused(Refusal::StaleVersion { current: 2 }));
    assert_eq!(world.execute(rename("Other", 1)).await, stale);
    let suspend = |if_version| {
        let standing = Standing::Suspended;
        Request::SetStanding(SetStanding { reseller: world.id("A"), standing, if_version: Some(if_version) })
    };
    assert_eq!(world.execute(suspend(1)).await, stale);
    world.must(suspend(2)).await;
    // Many at once: one of them.
    let outcomes = join_all((0..32).map(|n| world.execute(rename(&format!("N{n}"), 3)))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let place = world.books.registry.reseller(world.id("A")).await.unwrap().unwrap();
    assert!(place.name.starts_with('N') && place.code == "A");
    let unknown = ChangePlace { name: Some("X".parse().unwrap()), ..change(&world, "nobody") };
    let outcome = world.execute(Request::ChangePlace(unknown)).await;
    assert_eq!(outcome, Err(LedgerError::Refused(Refusal::UnknownReseller)));
    world.close().await;
});

on_every_store!(a_code_is_free_again_when_its_reseller_has_another, async |books: Books| {
    let world = World::new(books).await;
    small_tree(&world).await;
    // In one batch, in this order: the first makes room for the second.
    let requests = [code(&world, "A", "A-old"), code(&world, "B", "A")];
    for outcome in join_all(requests.into_iter().map(|request| world.execute(request))).await {
        assert_eq!(outcome, Ok(Outcome::Recorded));
    }
    let found = world.books.registry.reseller_by_code("A").await.unwrap().unwrap();
    assert_eq!(found.id, world.id("B"));
    assert_eq!(world.books.registry.reseller_by_code("B").await.unwrap(), None);
    world.close().await;
});
