//! Many transfers at once, across shards, beside what moves and suspends.

use futures::future::join_all;
use taabia::domain::{Decline, Standing, Status};
use taabia::engine::EngineConfig;
use taabia::ledger::command::{ChangePlace, Settlement};
use taabia::ledger::{Outcome, Request};
use taabia::ports::Ledger;

use super::status;
use crate::support::database::Database;
use crate::support::world::{Books, World, command};
use crate::support::{books_of, on_every_store};

/// Sends at once to both engines in turn; the operations in the order of the requests.
async fn at_once(world: &World, requests: Vec<Request>) -> Vec<Outcome> {
    let tasks = requests.into_iter().enumerate().map(|(n, request)| {
        let node = world.nodes[n % world.nodes.len()].clone();
        tokio::spawn(async move { node.execute(command(request)).await.unwrap() })
    });
    let tasks: Vec<_> = tasks.collect();
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// 64 transfers in both directions between the same resellers, twenty times over.
async fn both_directions(world: &World) {
    let names: [String; 3] = world.spread_names(3).try_into().unwrap();
    let [top, middle, outlet] = &names;
    world.reseller(top, 50_000).await;
    world.reseller_below(top, middle, 50_000).await;
    world.reseller_below(middle, outlet, 50_000).await;
    let mut expected = [50_000_i64; 3];
    for round in 0..20_i64 {
        let requests = (0..64_usize).map(|n| {
            let (key, amount) = (format!("{round}-{n}"), 100 + i64::try_from(n).unwrap());
            match n % 4 {
                0 => world.transfer(&key, top, outlet, amount),
                1 => world.give_back(&key, outlet, top, amount),
                2 => world.transfer(&key, top, middle, amount),
                _ => world.give_back(&key, middle, top, amount),
            }
        });
        let outcomes = at_once(world, requests.collect()).await;
        for (n, outcome) in outcomes.iter().enumerate() {
            let operation = outcome.operation().unwrap();
            match (operation.status, operation.decline) {
                (Status::Completed, None) => {
                    let (from, to) = [(0, 2), (2, 0), (0, 1), (1, 0)][n % 4];
                    expected[from] -= operation.amount_minor;
                    expected[to] += operation.amount_minor;
                }
                (Status::Declined, Some(Decline::InsufficientStock)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    for (name, expected) in names.iter().zip(expected) {
        assert_eq!(world.posted(name).await, (expected, 0), "{name}");
    }
}

on_every_store!(transfers_in_both_directions_at_once, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    both_directions(&world).await;
    world.close().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_never_deadlock_on_postgres() {
    let database = Database::postgres().await;
    let config = EngineConfig { posters: 4, max_batch: 8, ..EngineConfig::default() };
    let world = World::with(books_of(&database), config.clone()).await.node(&config).node(&config);
    both_directions(&world).await;
    world.close().await;
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&database.url).await.unwrap();
    let deadlocks: i64 =
        sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(deadlocks, 0, "SQLSTATE 40P01");
}

on_every_store!(of_64_settlements_of_one_transfer_one_takes_effect, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    let names: [String; 2] = world.spread_names(2).try_into().unwrap();
    let [above, below] = &names;
    world.reseller(above, 10_000).await;
    world.reseller_below(above, below, 0).await;
    let mut moved = 0;
    for round in 0..6 {
        let offer = world.offer(&format!("k{round}"), above, below, 1_000).await;
        let all = [Settlement::Accept, Settlement::Refuse, Settlement::Cancel, Settlement::Expire];
        let answers = join_all((0..64).map(|n| {
            let node = &world.nodes[n % 2];
            node.execute(command(world.settle(offer.id, above, below, all[(n + round) % 4])))
        }))
        .await;
        let decided = answers.iter().filter(|answer| matches!(answer, Ok(Outcome::Decided(_)))).count();
        assert_eq!(decided, 1, "exactly one effect");
        let operation = world.books.store.operation(offer.id).await.unwrap().unwrap();
        moved += if operation.status == Status::Completed { 1_000 } else { 0 };
        assert_eq!((world.posted(above).await, world.posted(below).await), ((10_000 - moved, 0), (moved, 0)));
    }
    world.close().await;
});

on_every_store!(a_move_or_suspension_in_between_stops_what_comes_later, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    let names: [String; 4] = world.spread_names(4).try_into().unwrap();
    let [left, right, outlet, other] = &names;
    world.reseller(left, 100_000).await;
    world.reseller(right, 100_000).await;
    world.reseller_below(left, outlet, 0).await;
    world.reseller_below(left, other, 0).await;
    let offer = world.offer("offered", left, outlet, 5_000).await;
    let change = |parent: &str| {
        Request::ChangePlace(ChangePlace {
            reseller: world.id(outlet),
            code: None,
            name: None,
            level: None,
            parent: Some(Some(world.id(parent))),
            if_version: None,
        })
    };
    // It moves back and forth while both try to stock it: each transfer is judged by the network of its moment.
    for round in 0..10 {
        let to = if round % 2 == 0 { right } else { left };
        let mut requests: Vec<_> = (0..20)
            .flat_map(|n| {
                let key = |side: &str| format!("{side}-{round}-{n}");
                [world.transfer(&key("l"), left, outlet, 10), world.transfer(&key("r"), right, outlet, 10)]
            })
            .collect();
        requests.insert(20, change(to));
        for outcome in at_once(&world, requests).await {
            let Some(operation) = outcome.operation() else { continue };
            assert!(
                matches!(status(&outcome), (Status::Completed, None) | (_, Some(Decline::TransferNotPermitted))),
                "{operation:?}"
            );
        }
        let (now, before) = if round % 2 == 0 { (right, left) } else { (left, right) };
        let here = world.must(world.transfer(&format!("h{round}"), now, outlet, 10)).await;
        let gone = world.must(world.transfer(&format!("g{round}"), before, outlet, 10)).await;
        assert_eq!((status(&here).1, status(&gone).1), (None, Some(Decline::TransferNotPermitted)));
    }
    world.must(change(right)).await;
    let accepted = world.must(world.settle(offer.id, left, outlet, Settlement::Accept)).await;
    assert_eq!(status(&accepted), (Status::Declined, Some(Decline::TransferNotPermitted)), "it moved away meanwhile");
    let offer = world.offer("again", right, outlet, 5_000).await;
    world.must(world.standing(right, Standing::Suspended)).await;
    let accepted = world.must(world.settle(offer.id, right, outlet, Settlement::Accept)).await;
    assert_eq!(status(&accepted), (Status::Declined, Some(Decline::ResellerSuspended)));
    let all = [left, right, outlet, other].map(|name| world.posted(name));
    let sum: i64 = join_all(all).await.into_iter().map(|(posted, held)| posted + held).sum();
    assert_eq!(sum, 200_000);
    world.close().await;
});
