//! Dated limits of resellers and terminals, on every store: what counts, from when, and what races.

use futures::future::join_all;
use taabia::domain::records::{Bounds, LimitChange, LimitSet, LimitStep};
use taabia::domain::{Decline, Status, Timestamp};
use taabia::engine::EngineConfig;
use taabia::ledger::command::PutRecord;
use taabia::ledger::limits::LimitRefusal;
use taabia::ledger::{Evidence, Outcome, Refusal, Request, limits};
use taabia::ports::{Clock, Ledger, LedgerError};

use crate::support::on_every_store;
use crate::support::world::{Books, RELEASE, World, command};

const DAY_MS: i64 = 86_400_000;

fn put(world: &World, name: &str, set: LimitSet) -> Request {
    let key = limits::key(world.id(name));
    Request::PutRecord(PutRecord { key, expected: None, content: set.into() })
}

/// Holds already.
fn now(reseller: Bounds) -> LimitStep {
    LimitStep { reseller, ..LimitStep::default() }
}

fn only(step: LimitStep) -> LimitSet {
    LimitSet { steps: vec![step] }
}

fn months(per_month_count: Option<i64>, per_month_minor: Option<i64>) -> Bounds {
    Bounds { per_month_count, per_month_minor, ..Bounds::default() }
}

/// What becomes of a recharge at a terminal.
async fn at_terminal(world: &World, key: &str, terminal: &str, amount_minor: i64) -> Option<Decline> {
    let mut reserve = world.reserve("R1", key, amount_minor);
    reserve.terminal = Some(terminal.parse().unwrap());
    world.must(Request::Reserve(reserve)).await.operation().unwrap().decline
}

const BEYOND: Option<Decline> = Some(Decline::LimitExceeded);

on_every_store!(a_month_counts_holds_and_doubts_and_gives_back_what_is_released, async |books: Books| {
    // It is the 22nd of November.
    let world = World::new(books).await;
    world.reseller("R1", 1_000_000).await;
    world.must(put(&world, "R1", only(now(months(Some(3), Some(5_000)))))).await;
    let held = world.recharge("R1", "a", 1_000).await;
    let doubtful = world.recharge("R1", "b", 1_000).await;
    world.must(World::resolve(doubtful.id, Evidence::NoAnswer)).await;
    world.clock.advance_ms(DAY_MS);
    assert_eq!(world.recharge("R1", "c", 3_001).await.decline, BEYOND, "the amount of the month");
    assert_eq!(world.recharge("R1", "d", 1_000).await.decline, None);
    assert_eq!(world.recharge("R1", "e", 500).await.decline, BEYOND, "the count of the month");
    world.must(World::resolve(held.id, RELEASE)).await;
    assert_eq!(world.recharge("R1", "f", 500).await.decline, None, "what was released is free again, days later too");
    assert_eq!(world.recharge("R1", "g", 500).await.decline, BEYOND);
    world.clock.advance_ms(8 * DAY_MS);
    let december = world.recharge("R1", "h", 5_000).await;
    assert_eq!(december.decline, None, "a new month");
    // Released in December, a hold of November gives nothing back to December.
    world.must(World::resolve(doubtful.id, RELEASE)).await;
    assert_eq!(world.recharge("R1", "i", 500).await.decline, BEYOND);
    world.close().await;
});

on_every_store!(a_terminal_has_limits_of_its_own, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000_000).await;
    let mut step = now(Bounds { per_day_count: Some(4), ..Bounds::default() });
    step.set_terminal("T1", Bounds { per_day_count: Some(1), per_operation_minor: Some(2_000), ..Bounds::default() });
    step.set_terminal("T2", months(None, Some(1_500)));
    world.must(put(&world, "R1", only(step))).await;
    assert_eq!(at_terminal(&world, "a", "T1", 2_001).await, BEYOND, "one operation");
    assert_eq!(at_terminal(&world, "b", "T1", 2_000).await, None);
    assert_eq!(at_terminal(&world, "c", "T1", 500).await, BEYOND, "its day");
    assert_eq!(at_terminal(&world, "d", "T2", 1_000).await, None);
    assert_eq!(at_terminal(&world, "e", "T2", 501).await, BEYOND, "its month");
    assert_eq!(at_terminal(&world, "f", "T3", 2_500).await, None, "another terminal is free");
    assert_eq!(world.recharge("R1", "g", 500).await.decline, None, "and so is none");
    assert_eq!(at_terminal(&world, "h", "T3", 500).await, BEYOND, "the day of the reseller holds for all");
    world.clock.advance_ms(DAY_MS);
    assert_eq!(at_terminal(&world, "i", "T1", 500).await, None, "a new day");
    assert_eq!(at_terminal(&world, "j", "T2", 501).await, BEYOND, "the same month");
    world.close().await;
});

on_every_store!(a_limit_set_in_the_middle_of_a_month_counts_what_was_sold_before, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    world.reseller("R1", 1_000_000).await;
    for n in 0..4 {
        assert_eq!(at_terminal(&world, &format!("before-{n}"), if n == 0 { "T1" } else { "T2" }, 1_000).await, None);
        world.clock.advance_ms(DAY_MS);
    }
    let released = world.recharge("R1", "released", 1_000).await;
    world.must(World::resolve(released.id, RELEASE)).await;
    let mut step = now(months(Some(6), None));
    step.set_terminal("T1", months(Some(2), None));
    // In one batch with recharges before and after it.
    let requests = vec![
        Request::Reserve(world.reserve("R1", "same-batch-1", 1_000)),
        put(&world, "R1", only(step)),
        Request::Reserve(world.reserve("R1", "same-batch-2", 1_000)),
    ];
    join_all(requests.into_iter().map(|request| world.must(request))).await;
    assert_eq!(at_terminal(&world, "T1", "T1", 500).await, BEYOND, "six are sold");
    // A node that never saw any of it counts the same.
    let reserve = Request::Reserve(world.reserve("R1", "other-node", 500));
    let elsewhere = world.nodes[1].execute(command(reserve)).await.unwrap();
    assert_eq!(elsewhere.operation().unwrap().decline, BEYOND);
    world.raise("eight", world.change("R1", months(Some(8), None))).await;
    assert_eq!(at_terminal(&world, "T1-second", "T1", 500).await, None);
    assert_eq!(at_terminal(&world, "T1-third", "T1", 500).await, BEYOND, "two at this terminal");
    assert_eq!(at_terminal(&world, "T2", "T2", 500).await, None);
    assert_eq!(at_terminal(&world, "T2-again", "T2", 500).await, BEYOND, "eight in all");
    world.close().await;
});

on_every_store!(a_change_begins_when_it_says, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000).await;
    let tomorrow = world.clock.now().plus_ms(DAY_MS);
    let per_operation = |minor| Bounds { per_operation_minor: Some(minor), ..Bounds::default() };
    world.must(put(&world, "R1", only(now(per_operation(600))))).await;
    let later = LimitChange {
        effective_from: Some(tomorrow),
        credit_limit_minor: Some(5_000),
        ..world.change("R1", per_operation(3_000))
    };
    world.raise("later", later).await;
    let sold = async |key: &str, amount| world.recharge("R1", key, amount).await.decline;
    assert_eq!(sold("a", 601).await, BEYOND);
    world.clock.advance_ms(DAY_MS - 1);
    assert_eq!(sold("b", 601).await, BEYOND);
    assert_eq!(sold("c", 600).await, None);
    assert_eq!(sold("d", 500).await, Some(Decline::InsufficientStock), "no credit yet");
    world.clock.advance_ms(1);
    assert_eq!(sold("e", 3_001).await, BEYOND);
    assert_eq!(sold("f", 3_000).await, None, "on credit");
    assert_eq!(sold("g", 2_401).await, Some(Decline::InsufficientStock));
    assert_eq!(sold("h", 2_400).await, None);
    world.close().await;
});

on_every_store!(changes_that_race_with_debits_neither_lose_nor_double_anything, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    world.reseller("R1", 10_000_000).await;
    let counts = [40, 60, 50];
    let mut requests = Vec::new();
    for n in 0..240 {
        let mut reserve = world.reserve("R1", &format!("k{n}"), 1_000);
        reserve.terminal = Some(if n % 2 == 0 { "T1" } else { "T2" }.parse().unwrap());
        requests.push(Request::Reserve(reserve));
        if n % 20 == 0 {
            let mut step = now(months(Some(counts[n / 20 % 3]), None));
            step.set_terminal("T1", months(None, Some(25_000)));
            requests.push(put(&world, "R1", only(step)));
        }
    }
    let mut first = now(months(Some(60), None));
    first.set_terminal("T1", months(None, Some(25_000)));
    world.must(put(&world, "R1", only(first))).await;
    let tasks = requests.into_iter().enumerate().map(|(n, request)| {
        let node = world.nodes[n % 2].clone();
        tokio::spawn(async move { node.execute(command(request)).await })
    });
    let answers = join_all(tasks.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap);
    // Nobody raises alone: from forty there is no way back to sixty.
    let raises = LedgerError::Refused(Refusal::Limits(LimitRefusal::Raise));
    let outcomes: Vec<Outcome> = answers.filter(|answer| *answer != Err(raises)).collect::<Result<_, _>>().unwrap();
    let sold: Vec<_> = outcomes
        .iter()
        .filter_map(Outcome::operation)
        .filter(|operation| operation.status == Status::Submitted)
        .collect();
    let at_first = sold.iter().filter(|sale| sale.recharge().unwrap().terminal == Some("T1".parse().unwrap())).count();
    assert!((40..=60).contains(&sold.len()), "{} sold under limits of 40 to 60", sold.len());
    assert!(at_first <= 25, "{at_first} sold where 25 may be");
    let stock = world.stock("R1").await;
    let count = i64::try_from(sold.len()).unwrap();
    assert_eq!((stock.held, stock.usage.count), (count * 1_000, count));
    // What the nodes have counted is what was sold: exactly as many fit as are left.
    world.raise("left", world.change("R1", months(Some(count + 3), None))).await;
    for node in 0..2 {
        for n in 0..4 {
            let reserve = Request::Reserve(world.reserve("R1", &format!("left-{node}-{n}"), 1_000));
            let outcome = world.nodes[node].execute(command(reserve)).await.unwrap();
            let fits = node == 0 && n < 3;
            assert_eq!(outcome.operation().unwrap().decline, (!fits).then_some(Decline::LimitExceeded), "{node} {n}");
        }
    }
    assert!(Timestamp::EPOCH < world.clock.now());
    world.close().await;
});
