//! The posting engine on every store: what must hold whatever arrives, fails or races.

use std::time::Duration;

use futures::future::join_all;
use taabia::domain::{Decline, Limits, PartnerId, Shard, Standing, Status};
use taabia::engine::EngineConfig;
use taabia::ledger::{Evidence, Outcome, Refusal, Request};
use taabia::ports::{Ledger, LedgerError};

use crate::support::on_every_store;
use crate::support::world::{Books, RELEASE, World, command};

fn status(outcome: &Outcome) -> (Status, Option<Decline>) {
    let operation = outcome.operation().expect("an operation");
    (operation.status, operation.decline)
}

on_every_store!(six_holds_on_a_stock_for_five, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 5_000).await;
    let before = world.stock("R1").await;
    let tries = join_all((0..6).map(|n| {
        let reserve = world.reserve("R1", &format!("k{n}"), 1_000);
        world.must(Request::Reserve(reserve))
    }))
    .await;
    let held: Vec<_> = tries.iter().filter(|outcome| status(outcome).0 == Status::Submitted).collect();
    let declined: Vec<_> = tries.iter().filter_map(|outcome| status(outcome).1).collect();
    assert_eq!((held.len(), declined), (5, vec![Decline::InsufficientStock]));
    assert_eq!(world.stock("R1").await.available(), 0);
    for outcome in held {
        world.must(World::resolve(outcome.operation().unwrap().id, RELEASE)).await;
    }
    let after = world.stock("R1").await;
    assert_eq!((after.posted, after.held, after.usage.count, after.usage.amount_minor), (before.posted, 0, 0, 0));
    world.close().await;
});

on_every_store!(of_64_concurrent_resolutions_one_takes_effect, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    for round in 0..6 {
        let id = world.recharge("R1", &format!("k{round}"), 1_000).await.id;
        let before = world.stock("R1").await;
        let evidence = [Evidence::Applied, RELEASE, Evidence::NoAnswer];
        let said = |n: usize| evidence[(n + round) % 3];
        let outcomes = join_all((0..64).map(|n| world.execute(World::resolve(id, said(n))))).await;
        let decided = outcomes.iter().enumerate().filter(|(_, o)| matches!(o, Ok(Outcome::Decided(_))));
        let decided: Vec<_> = decided.map(|(n, o)| (said(n), status(o.as_ref().unwrap()).0)).collect();
        let ended = |(said, status): &&(Evidence, Status)| match *said {
            Evidence::Applied => *status == Status::Completed,
            RELEASE => *status == Status::Declined,
            _ => false,
        };
        assert_eq!(decided.iter().filter(ended).count(), 1, "exactly one final effect: {decided:?}");
        assert!(decided.len() <= 3, "doubt, then one outcome, and what contradicts it is noted once: {decided:?}");
        for outcome in outcomes.iter().filter(|o| o.is_err()) {
            assert!(matches!(outcome, Err(LedgerError::Refused(Refusal::IllegalTransition { .. }))), "{outcome:?}");
        }
        let operation = world.books.store.operation(id).await.unwrap().unwrap();
        let after = world.stock("R1").await;
        let delivered = if operation.status == Status::Completed { 1_000 } else { 0 };
        assert_eq!((after.posted, after.held), (before.posted - delivered, before.held - 1_000));
    }
    world.close().await;
});

on_every_store!(the_same_key_twice_within_one_batch, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    let outcomes = join_all((0..40).map(|_| world.execute(Request::Reserve(world.reserve("R1", "k", 1_000))))).await;
    let ids: Vec<_> = outcomes.iter().map(|o| o.as_ref().unwrap().operation().unwrap().id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "one operation");
    assert_eq!(outcomes.iter().filter(|o| matches!(o, Ok(Outcome::Decided(_)))).count(), 1);
    assert_eq!(world.stock("R1").await.held, 1_000);
    let other = world.execute(Request::Reserve(world.reserve("R1", "k", 2_000))).await;
    assert_eq!(other, Err(LedgerError::Refused(Refusal::KeyReused { field: "amount" })));
    let mut terminal = world.reserve("R1", "k", 1_000);
    terminal.terminal = Some("T".parse().unwrap());
    let other = world.execute(Request::Reserve(terminal)).await;
    assert_eq!(other, Err(LedgerError::Refused(Refusal::KeyReused { field: "terminal_id" })));
    world.close().await;
});

on_every_store!(a_repeated_request_that_memory_takes_for_new_is_found_by_the_store, async |books: Books| {
    let mut world = World::new(books).await;
    let name = world.name_in(Shard::OPERATOR);
    world.reseller(&name, 10_000_000).await;
    let first = world.recharge(&name, "from before", 1_000).await;
    // A restart; then so many new keys that the new memory is believed.
    world.nodes.remove(0).close().await;
    let world = world.node(&EngineConfig::default());
    let many =
        join_all((0..1_200).map(|n| world.execute(Request::Reserve(world.reserve(&name, &format!("k{n}"), 500)))));
    assert!(many.await.into_iter().all(|outcome| matches!(outcome, Ok(Outcome::Decided(_)))));
    let held = world.stock(&name).await.held;
    // One batch: the old request, a conflict with it, new ones, and one of them twice.
    let request = |key: &str, amount_minor| Request::Reserve(world.reserve(&name, key, amount_minor));
    let outcomes = join_all([
        world.execute(request("from before", 1_000)),
        world.execute(request("new", 700)),
        world.execute(request("from before", 2_000)),
        world.execute(request("new", 700)),
    ])
    .await;
    assert_eq!(outcomes[0].as_ref().unwrap(), &Outcome::Replayed(first));
    assert!(matches!(outcomes[1], Ok(Outcome::Decided(_))), "{:?}", outcomes[1]);
    assert_eq!(outcomes[2], Err(LedgerError::Refused(Refusal::KeyReused { field: "amount" })));
    assert!(matches!(outcomes[3], Ok(Outcome::Replayed(_))), "{:?}", outcomes[3]);
    assert_eq!(world.stock(&name).await.held, held + 700);
    world.close().await;
});

on_every_store!(two_partners_may_use_the_same_key, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    let ours = world.recharge("R1", "k", 1_000).await;
    let mut theirs = world.reserve("R1", "k", 1_000);
    theirs.partner = PartnerId::from_uuid(uuid::Uuid::from_u128(2));
    let theirs = world.must(Request::Reserve(theirs)).await.operation().unwrap().clone();
    assert_ne!(ours.id, theirs.id);
    assert_eq!(world.stock("R1").await.held, 2_000);
    world.close().await;
});

on_every_store!(a_stored_rejection_is_final_for_its_key, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 0).await;
    let declined = world.recharge("R1", "k", 1_000).await;
    assert_eq!(declined.decline, Some(Decline::InsufficientStock));
    world.must(world.allocate("later", "R1", 100_000)).await;
    let again = world.must(Request::Reserve(world.reserve("R1", "k", 1_000))).await;
    assert!(matches!(&again, Outcome::Replayed(_)));
    assert_eq!(status(&again), (Status::Declined, Some(Decline::InsufficientStock)));
    world.close().await;
});

on_every_store!(refusals_come_in_order_of_precedence, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 10_000).await;
    let mut first = world.reserve("R1", "first", 1_000);
    first.allow_repeat = false;
    world.must(Request::Reserve(first)).await;
    // Everything is wrong with this one; mending one thing after the other shows the next.
    world.must(world.void("R1", "k0")).await;
    world.must(world.standing("R1", Standing::Suspended)).await;
    let limits = Limits { per_operation_minor: Some(500), ..Limits::default() };
    world.must(world.limits("R1", limits)).await;
    let attempt = async |key: &str, amount: i64, repeat: bool| {
        let mut reserve = world.reserve("R1", key, amount);
        reserve.allow_repeat = repeat;
        status(&world.must(Request::Reserve(reserve)).await).1
    };
    assert_eq!(attempt("k0", 1_000, false).await, Some(Decline::Voided));
    assert_eq!(attempt("k1", 100, false).await, Some(Decline::ResellerSuspended));
    world.must(world.standing("R1", Standing::Active)).await;
    assert_eq!(attempt("k2", 100, false).await, Some(Decline::AmountOutOfRange));
    assert_eq!(attempt("k3", 1_000, false).await, Some(Decline::SimilarRecharge));
    assert_eq!(attempt("k4", 1_000, true).await, Some(Decline::LimitExceeded));
    world.must(world.limits("R1", Limits::default())).await;
    assert_eq!(attempt("k5", 9_500, false).await, Some(Decline::InsufficientStock));
    assert_eq!(attempt("k6", 9_000, false).await, None);
    world.close().await;
});

on_every_store!(limits_count_holds_and_start_anew_each_day, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000_000).await;
    let limits = Limits { per_day_count: Some(2), per_day_minor: Some(3_000), ..Limits::default() };
    world.must(world.limits("R1", limits)).await;
    let first = world.recharge("R1", "a", 2_000).await;
    assert_eq!(world.recharge("R1", "b", 1_001).await.decline, Some(Decline::LimitExceeded), "amount of the day");
    assert_eq!(world.recharge("R1", "c", 1_000).await.decline, None);
    assert_eq!(world.recharge("R1", "d", 500).await.decline, Some(Decline::LimitExceeded), "count of the day");
    world.must(World::resolve(first.id, RELEASE)).await;
    assert_eq!(world.recharge("R1", "e", 2_000).await.decline, None, "what was released counts no more");
    world.clock.advance_ms(86_400_000);
    assert_eq!(world.recharge("R1", "f", 2_000).await.decline, None, "a new day");
    world.close().await;
});

on_every_store!(a_key_voided_first_declines_the_late_request, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    let tombstone = world.must(world.void("R1", "k")).await.operation().unwrap().clone();
    assert_eq!((tombstone.status, tombstone.decline), (Status::Declined, Some(Decline::Voided)));
    assert!(matches!(world.must(world.void("R1", "k")).await, Outcome::Replayed(_)));
    let late = world.must(Request::Reserve(world.reserve("R1", "k", 1_000))).await;
    assert!(matches!(&late, Outcome::Decided(operation) if operation.id == tombstone.id));
    assert_eq!(status(&late), (Status::Declined, Some(Decline::Voided)));
    assert!(matches!(world.must(Request::Reserve(world.reserve("R1", "k", 1_000))).await, Outcome::Replayed(_)));
    let other = world.execute(Request::Reserve(world.reserve("R1", "k", 2_000))).await;
    assert_eq!(other, Err(LedgerError::Refused(Refusal::KeyReused { field: "amount" })));
    let known = world.recharge("R1", "sold", 1_000).await;
    let voided = world.must(world.void("R1", "sold")).await;
    assert!(matches!(&voided, Outcome::Replayed(operation) if operation.id == known.id));
    assert_eq!(world.stock("R1").await.held, 1_000);
    world.close().await;
});

on_every_store!(unknown_resellers_and_operations_store_nothing, async |books: Books| {
    let world = World::new(books).await;
    let unknown = Err(LedgerError::Refused(Refusal::UnknownReseller));
    assert_eq!(world.execute(Request::Reserve(world.reserve("nobody", "k", 1_000))).await, unknown);
    assert_eq!(world.execute(world.void("nobody", "k")).await, unknown);
    assert_eq!(world.execute(world.allocate("a", "nobody", 1_000)).await, unknown);
    assert_eq!(world.execute(world.standing("nobody", Standing::Closed)).await, unknown);
    let resolve = World::resolve(world.draw(Shard::OPERATOR), Evidence::Applied);
    assert_eq!(world.execute(resolve).await, Err(LedgerError::Refused(Refusal::UnknownOperation)));
    // The keys are still free.
    world.reseller("nobody", 10_000).await;
    assert_eq!(world.recharge("nobody", "k", 1_000).await.status, Status::Submitted);
    world.close().await;
});

on_every_store!(one_command_that_the_store_refuses_fails_alone, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000_000).await;
    let shard = world.shard("R1");
    let Request::OpenReseller(mut poison) = world.open(&world.name_in(shard)) else { unreachable!() };
    poison.credit_limit_minor = -1;
    // The same poster, the same batch: the shard of the offender is not the point.
    let mut requests: Vec<Request> =
        (0..255).map(|n| Request::Reserve(world.reserve("R1", &format!("k{n}"), 1_000))).collect();
    requests.insert(100, Request::OpenReseller(poison));
    let outcomes = join_all(requests.into_iter().map(|request| world.execute(request))).await;
    let failed: Vec<_> = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_err()).collect();
    assert_eq!(failed, [(100, &Err(LedgerError::Internal))]);
    assert_eq!(world.stock("R1").await.held, 255_000);
    world.close().await;
});

on_every_store!(nodes_see_what_other_nodes_changed, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    let [first, second] = [world.nodes[0].clone(), world.nodes[1].clone()];
    world.reseller("R1", 10_000).await;
    let reserve = |key: &str, amount| command(Request::Reserve(world.reserve("R1", key, amount)));
    // The first node has the stock in memory; the other holds most of it, which posts nothing.
    first.execute(reserve("a", 1_000)).await.unwrap();
    second.execute(reserve("b", 8_000)).await.unwrap();
    let oversold = first.execute(reserve("c", 2_000)).await.unwrap();
    assert_eq!(status(&oversold), (Status::Declined, Some(Decline::InsufficientStock)));
    let limits = Limits { per_operation_minor: Some(600), ..Limits::default() };
    second.execute(command(world.limits("R1", limits))).await.unwrap();
    assert_eq!(status(&first.execute(reserve("d", 700)).await.unwrap()).1, Some(Decline::LimitExceeded));
    second.execute(command(world.standing("R1", Standing::Suspended))).await.unwrap();
    assert_eq!(status(&first.execute(reserve("e", 500)).await.unwrap()).1, Some(Decline::ResellerSuspended));
    world.close().await;
});

on_every_store!(nodes_and_posters_cross_shards_without_deadlock, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    let shards = world.books.store.shards();
    let names: Vec<String> = Shard::all(shards).map(|shard| world.name_in(shard)).collect();
    for name in &names {
        world.reseller(name, 100_000).await;
    }
    let mut requests = Vec::new();
    for round in 0..60 {
        for (index, name) in names.iter().enumerate() {
            let key = format!("{round}-{index}");
            requests.push(world.allocate(&format!("a{key}"), name, 1_000));
            requests.push(Request::Reserve(world.reserve(name, &format!("r{key}"), 500)));
        }
        if round % 2 == 1 {
            let from = requests.len() - 2 * names.len();
            requests[from..].reverse();
        }
    }
    let tasks = requests.into_iter().enumerate().map(|(n, request)| {
        let node = world.nodes[n % 2].clone();
        tokio::spawn(async move {
            let outcome = node.execute(command(request)).await.unwrap();
            let operation = outcome.operation().unwrap().clone();
            if operation.status == Status::Submitted {
                node.execute(command(World::resolve(operation.id, Evidence::Applied))).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    for name in &names {
        let stock = world.stock(name).await;
        assert_eq!((stock.posted, stock.held), (100_000 + 60 * 500, 0), "{name}");
    }
    world.close().await;
});

on_every_store!(a_full_queue_refuses_new_business_and_never_a_settlement, async |books: Books| {
    let config = EngineConfig { posters: 1, queue_capacity: 4, ..EngineConfig::default() };
    let world = World::with(books, config).await;
    world.reseller("R1", 100_000).await;
    let open = world.recharge("R1", "open", 1_000).await;
    // Another session holds the shard, so that the poster waits and its queue fills.
    let mut blocker = world.books.store.session().await.unwrap();
    blocker.lock(&[world.shard("R1")]).await.unwrap();
    let ask = |n| {
        let (node, request) = (world.nodes[0].clone(), Request::Reserve(world.reserve("R1", &format!("k{n}"), 500)));
        tokio::spawn(async move { node.execute(command(request)).await })
    };
    // The poster waits with the first one before the others come.
    let mut waiting = vec![ask(0)];
    tokio::time::sleep(Duration::from_millis(100)).await;
    waiting.extend((1..12).map(ask));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let node = world.nodes[0].clone();
    let settle = tokio::spawn(async move { node.execute(command(World::resolve(open.id, Evidence::Applied))).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    blocker.rollback().await.unwrap();
    assert_eq!(status(&settle.await.unwrap().unwrap()).0, Status::Completed);
    let outcomes: Vec<_> = join_all(waiting).await.into_iter().map(Result::unwrap).collect();
    let refused = outcomes.iter().filter(|o| matches!(o, Err(LedgerError::Overloaded { .. }))).count();
    let reserved = outcomes.iter().filter(|o| o.is_ok()).count();
    assert_eq!(refused + reserved, 12, "{outcomes:?}");
    assert!(refused >= 4, "a queue of four cannot take twelve: {outcomes:?}");
    assert_eq!(world.stock("R1").await.held, 500 * i64::try_from(reserved).unwrap(), "refused is not stored");
    world.close().await;
});

on_every_store!(callers_that_go_away_leave_whole_operations, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000_000).await;
    for round in 0..20 {
        let tasks: Vec<_> = (0..50)
            .map(|n| {
                let request = Request::Reserve(world.reserve("R1", &format!("k{round}-{n}"), 500));
                let node = world.nodes[0].clone();
                tokio::spawn(async move { node.execute(command(request)).await })
            })
            .collect();
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
    let done = world.recharge("R1", "last", 500).await;
    let stock = world.stock("R1").await;
    assert_eq!(stock.held % 500, 0);
    assert_eq!(stock.available(), done.balance_after.unwrap(), "nothing is left in an open transaction");
    world.close().await;
});

on_every_store!(recorded_time_never_goes_back, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    let first = world.recharge("R1", "a", 500).await;
    world.clock.advance_ms(-60_000);
    let second = world.recharge("R1", "b", 600).await;
    assert!(second.created_at >= first.created_at);
    world.close().await;
});

on_every_store!(a_closed_engine_finishes_what_waits_and_takes_no_more, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000_000).await;
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let request = Request::Reserve(world.reserve("R1", &format!("k{n}"), 500));
            let node = world.nodes[0].clone();
            tokio::spawn(async move { node.execute(command(request)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    world.nodes[0].close().await;
    let mut reserved = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => reserved += 1,
            Err(error) => assert!(matches!(error, LedgerError::Unavailable { .. }), "{error}"),
        }
    }
    assert_eq!(world.stock("R1").await.held, 500 * reserved);
    let after = world.execute(Request::Reserve(world.reserve("R1", "late", 500))).await;
    assert!(matches!(after, Err(LedgerError::Unavailable { .. })));
    world.close().await;
});
