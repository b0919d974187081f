//! Subtrees move, also while their outlets sell.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;
use taabia::domain::{ClientId, ResellerId, Status};
use taabia::engine::EngineConfig;
use taabia::ledger::{Evidence, Outcome, PlaceRefusal, Request};
use taabia::ports::Ledger as _;
use taabia::services::{Caller, Directory, ServiceError};

use super::{below, ids, line, move_to, refused, small_tree, sorted, subtree};
use crate::support::world::{Books, World, command};
use crate::support::{SeededRandomness, on_every_store};

on_every_store!(a_subtree_moves_as_a_whole, async |books: Books| {
    let world = World::new(books).await;
    small_tree(&world).await;
    world.must(below(&world, "E", "distributor", None)).await;
    world.must(move_to(&world, "W1", Some("E"))).await;
    assert_eq!(line(&world, "A").await, ids(&world, ["A", "W1", "E"]));
    assert_eq!(subtree(&world, "D").await, sorted(ids(&world, ["D", "W2", "C"])));
    assert_eq!(subtree(&world, "E").await, sorted(ids(&world, ["E", "W1", "A", "B"])));
    world.must(move_to(&world, "W1", None)).await;
    assert_eq!(line(&world, "A").await, ids(&world, ["A", "W1"]));
    // In one batch, each sees those before it: W1 below D, new outlets below it, and all of it below E with D.
    let requests = [
        move_to(&world, "W1", Some("D")),
        below(&world, "N", "outlet", Some("W1")),
        move_to(&world, "D", Some("E")),
        move_to(&world, "N", Some("W2")),
        below(&world, "M", "outlet", Some("N")),
        move_to(&world, "E", Some("N")),
    ];
    let outcomes = join_all(requests.into_iter().map(|request| world.execute(request))).await;
    let (last, others) = outcomes.split_last().unwrap();
    assert!(others.iter().all(|outcome| *outcome == Ok(Outcome::Recorded)), "{others:?}");
    assert_eq!(*last, refused(PlaceRefusal::Cycle));
    assert_eq!(line(&world, "M").await, ids(&world, ["M", "N", "W2", "D", "E"]));
    assert_eq!(line(&world, "A").await, ids(&world, ["A", "W1", "D", "E"]));
    world.close().await;
});

on_every_store!(two_nodes_never_make_a_circle, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    for round in 0..12 {
        let (left, right) = (format!("L{round}"), format!("R{round}"));
        world.must(below(&world, &left, "outlet", None)).await;
        world.must(below(&world, &right, "outlet", None)).await;
        let (one, other) = (move_to(&world, &left, Some(&right)), move_to(&world, &right, Some(&left)));
        let (one, other) = tokio::join!(world.nodes[0].execute(command(one)), world.nodes[1].execute(command(other)));
        let circle = refused(PlaceRefusal::Cycle);
        assert!((one.is_ok() && other == circle) || (other.is_ok() && one == circle), "{one:?} {other:?}");
    }
    world.close().await;
});

on_every_store!(any_order_of_changes_gives_the_tree_of_the_parents, async |books: Books| {
    const RESELLERS: u64 = 24;
    let world = World::new(books).await.node(&EngineConfig::default());
    let random = SeededRandomness::new(20_261_122);
    let draw = |below: u64| random.next() % below;
    let name = |number: u64| format!("R{number}");
    let mut parents: HashMap<u64, Option<u64>> = HashMap::new();
    for _ in 0..40 {
        // A chunk is sent at once to one node, which decides it in this order.
        let mut requests = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..=draw(6) {
            let (who, to) = (draw(RESELLERS), Some(draw(RESELLERS + 4)).filter(|to| *to < RESELLERS));
            let to_name = to.map(name);
            if parents.contains_key(&who) {
                requests.push(move_to(&world, &name(who), to_name.as_deref()));
            } else {
                requests.push(below(&world, &name(who), "outlet", to_name.as_deref()));
            }
            let ok = match to {
                Some(to) if !parents.contains_key(&to) => refused(PlaceRefusal::UnknownParent),
                Some(to) if is_below(&parents, to, who) => refused(PlaceRefusal::Cycle),
                _ => {
                    parents.insert(who, to);
                    Ok(Outcome::Recorded)
                }
            };
            expected.push(ok);
        }
        let node = world.nodes[usize::try_from(draw(2)).unwrap()].clone();
        let outcomes = join_all(requests.into_iter().map(|request| node.execute(command(request)))).await;
        assert_eq!(outcomes, expected, "{parents:?}");
    }
    for (who, parent) in &parents {
        let mut expected = vec![world.id(&name(*who))];
        let mut at = *parent;
        while let Some(above) = at {
            expected.push(world.id(&name(above)));
            at = parents[&above];
        }
        assert_eq!(line(&world, &name(*who)).await, expected);
    }
    world.close().await;
});

fn is_below(parents: &HashMap<u64, Option<u64>>, mut at: u64, above: u64) -> bool {
    loop {
        if at == above {
            return parents.contains_key(&above);
        }
        match parents.get(&at).copied().flatten() {
            Some(parent) => at = parent,
            None => return false,
        }
    }
}

on_every_store!(outlets_sell_while_their_wholesaler_moves, async |books: Books| {
    let world = Arc::new(World::new(books).await.node(&EngineConfig::default()));
    small_tree(&world).await;
    world.must(below(&world, "E", "distributor", None)).await;
    for outlet in ["A", "B", "C"] {
        world.must(world.allocate(&format!("stock-{outlet}"), outlet, 1_000_000)).await;
    }
    let selling = ["A", "B", "C"].map(|outlet| {
        let world = world.clone();
        tokio::spawn(async move {
            for n in 0..60 {
                let order = Request::Reserve(world.reserve(outlet, &format!("r{n}"), 1_000));
                let sold = world.nodes[n % 2].execute(command(order)).await.unwrap().operation().unwrap().clone();
                assert_eq!(sold.status, Status::Submitted);
                world.nodes[n % 2].execute(command(World::resolve(sold.id, Evidence::Applied))).await.unwrap();
            }
        })
    });
    for n in 0..40 {
        let (who, to) = if n % 4 < 2 { ("W1", ["E", "D"][n % 2]) } else { ("W2", ["E", "D"][n % 2]) };
        let moved = world.nodes[n % 2].execute(command(move_to(&world, who, Some(to)))).await;
        assert_eq!(moved, Ok(Outcome::Recorded));
    }
    for seller in selling {
        seller.await.unwrap();
    }
    for outlet in ["A", "B", "C"] {
        let stock = world.stock(outlet).await;
        assert_eq!((stock.posted, stock.held), (940_000, 0));
    }
    Arc::into_inner(world).unwrap().close().await;
});

#[tokio::test(start_paused = true)]
async fn a_move_changes_hands_within_seconds() {
    let world = World::new(crate::support::in_memory(2)).await;
    small_tree(&world).await;
    world.must(below(&world, "E", "distributor", None)).await;
    let directory = Directory::new(world.books.registry.clone(), world.books.store.shards());
    let [old, new] = ["D", "E"].map(|root| caller(world.id(root)));
    directory.authorise(&old, world.id("A")).await.unwrap();
    world.must(move_to(&world, "W1", Some("E"))).await;
    tokio::time::advance(std::time::Duration::from_secs(11)).await;
    assert_eq!(directory.authorise(&old, world.id("A")).await, Err(ServiceError::NotFound));
    directory.authorise(&new, world.id("A")).await.unwrap();
    world.close().await;
}

fn caller(root: ResellerId) -> Caller {
    Caller {
        client: ClientId::from_uuid(uuid::Uuid::from_u128(1)),
        partner: taabia::domain::PartnerId::from_uuid(uuid::Uuid::from_u128(1)),
        name: "partner".into(),
        scopes: [].into(),
        roots: [root].into(),
        rate_limit_per_s: None,
        address: None,
        request: None,
    }
}
