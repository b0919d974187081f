//! Allocations one by one and in runs, on every store.

use std::sync::Arc;

use taabia::domain::{
    AccountClass, Asked, ClientId, Decline, Line, Operation, OperationId, Proposal, RunTotals, Shard, Standing, Status,
    Terms,
};
use taabia::engine::EngineConfig;
use taabia::jobs::{AcceptanceJob, ExpiryJob, RunConfig, RunJob};
use taabia::ledger::command::{AllocateStock, FinishRun, StartRun};
use taabia::ledger::run::line_key;
use taabia::ledger::{Outcome, Refusal, Request};
use taabia::ports::{Ledger as _, LedgerError};
use tokio::sync::watch;

use crate::support::database::{Database, on_both};
use crate::support::world::{Books, World, command, external_id};
use crate::support::{SeededRandomness, on_every_store, setting};

fn job(world: &World) -> RunJob {
    RunJob {
        ledger: world.nodes[0].clone(),
        reads: world.books.store.clone(),
        stock: world.books.stock.clone(),
        clock: world.clock.clone(),
        randomness: Arc::new(SeededRandomness::new(77)),
        own: Arc::default(),
        shards: world.books.store.shards(),
        config: RunConfig { poll_interval_ms: 10, take_over_after_ms: 0, in_flight: 64 },
    }
}

fn line(world: &World, number: i64, name: Option<&str>, asked: Asked) -> Line {
    Line { number, reseller: name.map(|name| world.id(name)), code: name.map(Into::into), asked }
}

async fn start(world: &World, key: &str, terms: Terms, lines: Vec<Line>) -> Arc<Operation> {
    let start = StartRun {
        operation: world.draw(Shard::OPERATOR),
        external_id: external_id(key),
        terms,
        reason: "opening".parse().unwrap(),
        started_by: ClientId::from_uuid(uuid::Uuid::from_u128(5)),
        request: [7; 32],
        lines: lines.into(),
    };
    world.must(Request::StartRun(start)).await.operation().unwrap().clone()
}

async fn carry_out(world: &World, run: OperationId) -> Operation {
    let (_keep, stop) = watch::channel(false);
    job(world).carry_out(run, &stop).await.unwrap();
    world.books.store.operation(run).await.unwrap().unwrap()
}

/// Sums of a class over all shards.
async fn total(world: &World, class: AccountClass) -> i64 {
    let snapshot = world.books.audit.snapshot().await.unwrap();
    snapshot.accounts.iter().filter(|(_, account)| account.class == class).map(|(_, account)| account.posted).sum()
}

/// Names in every shard of the store, `each` per shard, opened without stock.
async fn network(world: &World, each: usize) -> Vec<String> {
    let mut names = Vec::new();
    for shard in Shard::all(world.books.store.shards()) {
        for _ in 0..each {
            let name = (0..100_000)
                .map(|n| format!("N{n}"))
                .find(|name| world.shard(name) == shard && !names.contains(name))
                .unwrap();
            world.reseller(&name, 0).await;
            names.push(name);
        }
    }
    names
}

on_every_store!(a_run_stocks_every_line_once_and_its_totals_are_the_postings, async |books: Books| {
    let world = World::new(books).await;
    let names = network(&world, 4).await;
    world.must(world.standing(&names[1], Standing::Suspended)).await;
    world.reseller("topped", 700).await;
    let before = total(&world, AccountClass::ResellerStock).await;
    let mut lines: Vec<Line> = (1..)
        .zip(&names)
        .map(|(number, name)| line(&world, number, Some(name), Asked::Exactly(number * 100)))
        .collect();
    let next = i64::try_from(lines.len()).unwrap() + 1;
    lines.push(line(&world, next, None, Asked::Exactly(5)));
    lines.push(line(&world, next + 1, Some("topped"), Asked::TopUpTo(1_000)));
    lines.push(line(&world, next + 2, Some("topped"), Asked::TopUpTo(900)));
    let count = i64::try_from(lines.len()).unwrap();
    let run = start(&world, "run-1", Terms::Consignment, lines).await;
    assert_eq!(run.status, Status::Running);
    assert_eq!(world.books.stock.running_runs().await.unwrap(), [run.id]);

    let done = carry_out(&world, run.id).await;
    assert_eq!(done.status, Status::CompletedWithRefusals);
    let totals = done.run().unwrap().totals.unwrap();
    assert_eq!((totals.done, totals.refused), (count - 2, 2));
    let moved = total(&world, AccountClass::ResellerStock).await - before;
    assert_eq!(totals.amount_minor, moved);
    let asked: i64 = (1..=names.len()).map(|number| i64::try_from(number).unwrap() * 100).sum();
    assert_eq!(moved, asked - 200 + 300);
    assert_eq!(world.stock("topped").await.posted, 1_000);
    assert_eq!(world.books.stock.running_runs().await.unwrap(), []);

    // Each line tells what became of it.
    let states = world.books.stock.run_lines(run.id, 0, 1_000, false).await.unwrap();
    assert_eq!(states.len(), usize::try_from(count).unwrap());
    assert_eq!(states[1].allocation.unwrap().decline, Some(Decline::ResellerSuspended));
    assert_eq!(states[names.len()].allocation, None);
    assert_eq!(states[names.len() + 1].allocation.unwrap().amount_minor, 300);
    assert_eq!(states[names.len() + 2].allocation.unwrap().amount_minor, 0);

    // Carried out again, by whomever: nothing more.
    assert_eq!(carry_out(&world, run.id).await, done);
    assert_eq!(total(&world, AccountClass::ResellerStock).await - before, moved);
    world.close().await;
});

on_every_store!(a_run_that_was_cut_off_goes_on_where_it_stood, async |books: Books| {
    let world = World::new(books).await;
    let names = network(&world, 3).await;
    let lines: Vec<Line> =
        (1..).zip(&names).map(|(number, name)| line(&world, number, Some(name), Asked::Exactly(1_000))).collect();
    let run = start(&world, "run-1", Terms::Consignment, lines.clone()).await;
    // Some lines were carried out before the end came; one of them twice, by two nodes at once.
    for line in [&lines[0], &lines[2], &lines[2]] {
        let allocate = AllocateStock {
            operation: world.draw(Shard::OPERATOR),
            external_id: line_key(run.id, line.number),
            to: line.reseller.unwrap(),
            asked: line.asked,
            terms: Terms::Consignment,
            reason: "opening".parse().unwrap(),
            run: Some(taabia::domain::RunLine { run: run.id, number: line.number }),
        };
        world.must(Request::AllocateStock(allocate)).await;
    }
    let so_far = world.books.stock.run_progress(run.id).await.unwrap();
    assert_eq!(so_far, RunTotals { done: 2, refused: 0, amount_minor: 2_000 });
    assert_eq!(world.books.stock.run_lines(run.id, 0, 100, true).await.unwrap().len(), names.len() - 2);
    // Nobody closes a run whose totals leave lines out.
    let early = Request::FinishRun(FinishRun { operation: run.id, totals: so_far });
    assert_eq!(world.execute(early).await, Err(LedgerError::Refused(Refusal::UnknownOperation)));
    let done = carry_out(&world, run.id).await;
    assert_eq!(done.status, Status::Completed);
    for name in &names {
        assert_eq!(world.stock(name).await.posted, 1_000, "{name}");
    }
    world.close().await;
});

on_every_store!(on_account_the_price_is_owed, async |books: Books| {
    let world = World::new(books).await;
    let names = network(&world, 1).await;
    for name in &names {
        for (key, amount) in [("a", 95_000), ("b", 1)] {
            let Request::AllocateStock(allocate) = world.allocate(&format!("{key}-{name}"), name, amount) else {
                unreachable!("it allocates")
            };
            let request = Request::AllocateStock(AllocateStock { terms: Terms::OnAccount, ..allocate });
            let outcome = world.must(request.clone()).await;
            let price = outcome.operation().unwrap().allocation().unwrap().price.unwrap();
            assert_eq!(price.owed_minor(), amount);
            assert!(matches!(world.must(request).await, Outcome::Replayed(_)));
        }
    }
    let shops = i64::try_from(names.len()).unwrap();
    assert_eq!(total(&world, AccountClass::ResellerReceivable).await, shops * 95_001);
    assert_eq!(total(&world, AccountClass::StockSales).await, shops * 79_168);
    assert_eq!(total(&world, AccountClass::VatPayable).await, shops * 15_833);
    let snapshot = world.books.audit.snapshot().await.unwrap();
    let owed = snapshot.accounts.iter().filter(|(_, account)| account.class == AccountClass::ResellerReceivable);
    assert_eq!(owed.count(), names.len(), "one account per reseller");
    // The same key on other terms is another request.
    let other = world.execute(world.allocate(&format!("a-{}", names[0]), &names[0], 95_000)).await;
    assert_eq!(other, Err(LedgerError::Refused(Refusal::KeyReused { field: "terms" })));
    world.close().await;
});

on_every_store!(recharges_go_on_beside_a_run, async |books: Books| {
    let world = World::new(books).await;
    let names = network(&world, 20).await;
    world.reseller("seller", 1_000_000).await;
    let lines: Vec<Line> =
        (1..).zip(&names).map(|(number, name)| line(&world, number, Some(name), Asked::Exactly(1_000))).collect();
    let run = start(&world, "run-1", Terms::OnAccount, lines).await;
    let selling = async {
        for number in 0..30 {
            let sold = world.recharge("seller", &format!("r{number}"), 1_000).await;
            assert_eq!(sold.status, Status::Submitted);
        }
    };
    let (done, ()) = futures::join!(carry_out(&world, run.id), selling);
    assert_eq!(done.status, Status::Completed);
    assert_eq!(world.stock("seller").await.held, 30_000);
    world.close().await;
});

on_both! {
    async fn an_edited_run_is_found(db: &Database) {
        let world = World::new(crate::support::books_of(db)).await;
        let names = network(&world, 1).await;
        let lines: Vec<Line> =
            (1..).zip(&names).map(|(number, name)| line(&world, number, Some(name), Asked::Exactly(1_000))).collect();
        let run = start(&world, "run-1", Terms::Consignment, lines).await;
        carry_out(&world, run.id).await;
        let verify = async || {
            let options = taabia::reports::verify::Options::default();
            taabia::reports::verify::verify(&*world.books.audit, &options, &mut |_| {}).await
        };
        verify().await.unwrap();
        for (table, edit) in [
            ("run_line", "UPDATE run_line SET asked_minor = asked_minor + 1 WHERE number = 2"),
            ("run_line", "DELETE FROM run_line WHERE number = 1"),
            ("allocation_run", "UPDATE allocation_run SET amount_minor = 1"),
            ("allocation_run", "UPDATE allocation_run SET reason = 'other'"),
            ("allocation", "UPDATE allocation SET run = NULL, line = NULL WHERE line = 1"),
            ("allocation", "UPDATE allocation SET terms = 2 WHERE line = 2"),
            ("allocation", "DELETE FROM allocation"),
        ] {
            let (keep, empty, back) = match table {
                "run_line" => ("CREATE TABLE kept AS SELECT * FROM run_line", "DELETE FROM run_line", "INSERT INTO run_line SELECT * FROM kept"),
                "allocation" => ("CREATE TABLE kept AS SELECT * FROM allocation", "DELETE FROM allocation", "INSERT INTO allocation SELECT * FROM kept"),
                _ => ("CREATE TABLE kept AS SELECT * FROM allocation_run", "DELETE FROM allocation_run", "INSERT INTO allocation_run SELECT * FROM kept"),
            };
            db.by_hand(keep).await.unwrap();
            assert!(db.by_hand(edit).await.unwrap() > 0, "{edit}");
            let error = verify().await.expect_err(edit).to_string();
            assert!(["run_", "alc_", "allocation", "line"].iter().any(|name| error.contains(name)), "{edit}: {error}");
            db.by_hand(empty).await.unwrap();
            db.by_hand(back).await.unwrap();
            db.by_hand("DROP TABLE kept").await.unwrap();
        }
        world.close().await;
    }
}

/// Two runs over the same resellers in opposite orders and transfers between these, on three nodes with small batches,
/// while proposals and offers run out: for `TAABIA_RACE_SECONDS`, nobody waits for somebody who waits for him.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_runs_in_reversed_order_never_deadlock() {
    let database = Database::postgres().await;
    let config = EngineConfig { posters: 4, max_batch: 8, ..EngineConfig::default() };
    let world = World::with(crate::support::books_of(&database), config.clone()).await.node(&config).node(&config);
    world.reseller("top", 1_000_000_000).await;
    let names: Vec<String> = (0..40).map(|n| format!("N{n}")).collect();
    for name in &names {
        world.reseller_below("top", name, 0).await;
    }
    let seconds = setting("TAABIA_RACE_SECONDS", 5);
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let (_keep, stop) = watch::channel(false);
    let mut given = 0;
    let mut rounds = 0_u64;
    while tokio::time::Instant::now() < until {
        rounds += 1;
        let lines = |backwards: bool| {
            let mut order: Vec<&String> = names.iter().collect();
            if backwards {
                order.reverse();
            }
            let numbered = (1..).zip(order);
            numbered.map(|(number, name)| line(&world, number, Some(name), Asked::Exactly(100))).collect::<Vec<_>>()
        };
        let forth = start(&world, &format!("f{rounds}"), Terms::OnAccount, lines(false)).await;
        let back = start(&world, &format!("b{rounds}"), Terms::Consignment, lines(true)).await;
        for name in &names[..5] {
            world.must(world.propose(&format!("p{rounds}-{name}"), Proposal::Issue, 1_000)).await;
            world.offer(&format!("o{rounds}-{name}"), "top", name, 700).await;
        }
        // All that waits for a person is overdue.
        world.clock.advance_ms(2 * 86_400_000);
        let expiry = ExpiryJob {
            ledger: world.nodes[2].clone(),
            reads: world.books.stock.clone(),
            clock: world.clock.clone(),
            poll_interval_ms: 1,
        };
        let acceptance = AcceptanceJob {
            ledger: world.nodes[0].clone(),
            reads: world.books.store.clone(),
            clock: world.clock.clone(),
            poll_interval_ms: 1,
        };
        // No two nodes draw the same ids, although the clock stands still.
        let on = |node: usize| {
            let randomness = Arc::new(SeededRandomness::new(rounds * 1_000_003 + node as u64));
            RunJob { ledger: world.nodes[node].clone(), randomness, ..job(&world) }
        };
        let (first, second) = (on(0), on(1));
        let moves = async {
            for (number, name) in names.iter().enumerate().rev() {
                let key = format!("t{rounds}-{number}");
                world.nodes[2].execute(command(world.transfer(&key, "top", name, 1))).await.unwrap();
            }
        };
        let (one, other, expired, ended, ()) = tokio::join!(
            first.carry_out(forth.id, &stop),
            second.carry_out(back.id, &stop),
            expiry.sweep(),
            acceptance.sweep(),
            moves
        );
        one.and(other).and(expired).and(ended).unwrap();
        assert_eq!(world.books.stock.running_runs().await.unwrap(), []);
        given += 201;
    }
    for name in &names {
        assert_eq!(world.posted(name).await, (given, 0), "{name} after {rounds} rounds");
    }
    let top = 1_000_000_000 - i64::try_from(rounds).unwrap() * i64::try_from(names.len()).unwrap();
    assert_eq!(world.posted("top").await, (top, 0), "offers that nobody accepted gave their stock back");
    world.close().await;
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&database.url).await.unwrap();
    let deadlocks: i64 =
        sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(deadlocks, 0, "SQLSTATE 40P01");
}
