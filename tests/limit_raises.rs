//! Limits that are raised: by two persons only, on every store.

use std::sync::Arc;

use futures::future::join_all;
use taabia::domain::records::{Bounds, LimitChange, LimitSet, LimitStep};
use taabia::domain::{Decline, Operation, Ruling, Shard, Status};
use taabia::engine::EngineConfig;
use taabia::ledger::command::PutRecord;
use taabia::ledger::limits::{self, LimitRefusal};
use taabia::ledger::{Outcome, Refusal, Request};
use taabia::ports::{Clock, Ledger, LedgerError};

use crate::support::database::on_both;
use crate::support::on_every_store;
use crate::support::world::{Books, CHECKER, MAKER, World, command};

const DAY_MS: i64 = 86_400_000;
const BEYOND: Option<Decline> = Some(Decline::LimitExceeded);

fn per_operation(minor: i64) -> Bounds {
    Bounds { per_operation_minor: Some(minor), ..Bounds::default() }
}

async fn proposed(world: &World, key: &str, change: LimitChange) -> Arc<Operation> {
    world.must(world.propose_raise(key, change)).await.operation().unwrap().clone()
}

async fn approved(world: &World, operation: &Operation) -> Arc<Operation> {
    world.must(World::rule(operation, CHECKER, Ruling::Approve)).await.operation().unwrap().clone()
}

fn refused(refusal: Refusal) -> Result<Outcome, LedgerError> {
    Err(LedgerError::Refused(refusal))
}

on_every_store!(one_person_lowers_and_two_raise, async |books: Books| {
    let world = World::new(books).await;
    // One in the operator's shard, one elsewhere.
    for shard in Shard::all(world.books.store.shards()).take(2) {
        let name = world.name_in(shard);
        world.reseller(&name, 1_000_000).await;
        let sold = async |key: &str, amount| world.recharge(&name, &format!("{name}-{key}"), amount).await.decline;
        let key = |key: &str| format!("{name}-{key}");
        world.must(Request::LowerLimits(world.change(&name, per_operation(1_000)))).await;
        let higher = world.change(&name, per_operation(2_000));
        let alone = refused(Refusal::Limits(LimitRefusal::Raise));
        assert_eq!(world.execute(Request::LowerLimits(higher.clone())).await, alone);
        assert_eq!(world.execute(Request::LowerLimits(world.change(&name, Bounds::default()))).await, alone);

        let raise = proposed(&world, &key("raise"), higher.clone()).await;
        assert_eq!((raise.status, raise.amount_minor), (Status::PendingApproval, 0));
        assert_eq!(sold("a", 1_001).await, BEYOND, "nothing changes before it is approved");
        for ruling in Ruling::ALL {
            assert_eq!(world.execute(World::rule(&raise, MAKER, ruling)).await, refused(Refusal::SamePerson));
        }
        let done = approved(&world, &raise).await;
        assert_eq!(done.status, Status::Approved);
        assert_eq!(world.books.store.operation(raise.id).await.unwrap().unwrap(), *done);
        assert_eq!((sold("b", 2_000).await, sold("c", 2_001).await), (None, BEYOND));

        // The same again is a replay and raises nothing a second time; anything else comes too late.
        let record = async || {
            let found = world.books.store.record(shard, &limits::key(world.id(&name))).await.unwrap();
            found.unwrap().version()
        };
        assert_eq!(record().await, 2);
        let again = world.must(World::rule(&raise, CHECKER, Ruling::Approve)).await;
        assert_eq!(again, Outcome::Replayed(done.clone()));
        assert_eq!(world.must(world.propose_raise(&key("raise"), higher)).await, Outcome::Replayed(done));
        let other = world.change(&name, per_operation(2_001));
        let reused = refused(Refusal::KeyReused { field: "per_operation" });
        assert_eq!(world.execute(world.propose_raise(&key("raise"), other.clone())).await, reused);
        let late = refused(Refusal::DecidedAlready { status: Status::Approved });
        assert_eq!(world.execute(World::rule(&raise, CHECKER, Ruling::Refuse)).await, late);
        let unwanted = proposed(&world, &key("unwanted"), other).await;
        let no = world.must(World::rule(&unwanted, CHECKER, Ruling::Refuse)).await;
        assert_eq!(no.operation().unwrap().status, Status::Refused);
        assert_eq!((sold("d", 2_001).await, record().await), (BEYOND, 2));
    }
    let nobody = world.change("nobody", Bounds::default());
    assert_eq!(world.execute(world.propose_raise("nobody", nobody)).await, refused(Refusal::UnknownReseller));
    world.close().await;
});

on_every_store!(a_raise_is_declined_when_it_is_none_or_the_limits_changed, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000_000).await;
    world.must(Request::LowerLimits(world.change("R1", per_operation(1_000)))).await;
    let unfit = async |key: &str, change: LimitChange| {
        let operation = proposed(&world, key, change.clone()).await;
        assert_eq!((operation.status, operation.decline), (Status::Declined, Some(Decline::UnfitLimits)), "{key}");
        let again = world.must(world.propose_raise(key, change)).await;
        assert_eq!(again, Outcome::Replayed(operation), "and stays so for its key");
    };
    unfit("same", world.change("R1", per_operation(1_000))).await;
    unfit("lower", world.change("R1", per_operation(999))).await;
    let now = Some(world.clock.now());
    unfit("past", LimitChange { effective_from: now, ..world.change("R1", per_operation(9_000)) }).await;

    // Both were proposed for the same limits: the second one was not weighed against what the first one made.
    let first = proposed(&world, "first", world.change("R1", per_operation(2_000))).await;
    let second = proposed(&world, "second", world.change("R1", per_operation(3_000))).await;
    let third = proposed(&world, "third", world.change("R1", per_operation(4_000))).await;
    assert_eq!(approved(&world, &first).await.status, Status::Approved);
    let in_vain = approved(&world, &second).await;
    assert_eq!((in_vain.status, in_vain.decline), (Status::Declined, Some(Decline::LimitsChanged)));
    // Lowering counts too: it must not be undone by an older proposal.
    let fresh = proposed(&world, "fresh", world.change("R1", per_operation(5_000))).await;
    world.must(Request::LowerLimits(world.change("R1", per_operation(500)))).await;
    for late in [&third, &fresh] {
        assert_eq!(approved(&world, late).await.decline, Some(Decline::LimitsChanged));
    }
    assert_eq!(world.recharge("R1", "a", 501).await.decline, BEYOND);
    world.close().await;
});

on_every_store!(a_raise_that_nobody_decides_in_time_comes_too_late, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000_000).await;
    world.must(Request::LowerLimits(world.change("R1", per_operation(1_000)))).await;
    let raise = proposed(&world, "raise", world.change("R1", per_operation(2_000))).await;
    world.clock.advance_ms(DAY_MS);
    for ruling in Ruling::ALL {
        assert_eq!(world.execute(World::rule(&raise, CHECKER, ruling)).await, refused(Refusal::ApprovalExpired));
    }
    assert_eq!(world.recharge("R1", "a", 1_001).await.decline, BEYOND);
    world.close().await;
});

on_every_store!(a_raise_begins_when_it_says_and_never_before_its_approval, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000).await;
    world.must(Request::LowerLimits(world.change("R1", per_operation(600)))).await;
    let from = |ms| Some(world.clock.now().plus_ms(ms));
    let credit = LimitChange {
        effective_from: from(3_600_000),
        credit_limit_minor: Some(5_000),
        ..world.change("R1", per_operation(3_000))
    };
    world.raise("credit", credit).await;
    assert_eq!(world.recharge("R1", "a", 601).await.decline, BEYOND);
    world.clock.advance_ms(3_599_999);
    assert_eq!(world.recharge("R1", "b", 601).await.decline, BEYOND);
    world.clock.advance_ms(1);
    assert_eq!(world.recharge("R1", "c", 3_000).await.decline, None, "on credit");
    assert_eq!(world.recharge("R1", "d", 3_001).await.decline, BEYOND);
    // Approved after the time it names, it begins with its approval.
    let soon = LimitChange { effective_from: from(60_000), ..world.change("R1", per_operation(3_500)) };
    let late = proposed(&world, "late", soon).await;
    world.clock.advance_ms(120_000);
    assert_eq!(world.recharge("R1", "e", 3_001).await.decline, BEYOND);
    assert_eq!(approved(&world, &late).await.status, Status::Approved);
    assert_eq!(world.recharge("R1", "f", 3_001).await.decline, Some(Decline::InsufficientStock), "but may be");
    world.close().await;
});

on_every_store!(a_terminal_is_raised_by_itself, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000_000).await;
    let at = |terminal: &str, bounds: Bounds| LimitChange {
        terminal: Some(terminal.parse().unwrap()),
        ..world.change("R1", bounds)
    };
    let month = |count| Bounds { per_month_count: Some(count), ..Bounds::default() };
    world.must(Request::LowerLimits(at("T1", month(1)))).await;
    world.must(Request::LowerLimits(at("T2", month(1)))).await;
    let sold = async |key: &str, terminal: &str| {
        let mut reserve = world.reserve("R1", key, 1_000);
        reserve.terminal = Some(terminal.parse().unwrap());
        world.must(Request::Reserve(reserve)).await.operation().unwrap().decline
    };
    for terminal in ["T1", "T2"] {
        assert_eq!(sold(&format!("{terminal}-1"), terminal).await, None);
        assert_eq!(sold(&format!("{terminal}-2"), terminal).await, BEYOND);
    }
    let alone = refused(Refusal::Limits(LimitRefusal::Raise));
    assert_eq!(world.execute(Request::LowerLimits(at("T1", month(2)))).await, alone);
    assert_eq!(world.execute(Request::LowerLimits(at("T1", Bounds::default()))).await, alone, "free is a raise");
    world.raise("T1", at("T1", month(2))).await;
    assert_eq!((sold("T1-3", "T1").await, sold("T1-4", "T1").await), (None, BEYOND));
    assert_eq!(sold("T2-3", "T2").await, BEYOND, "the other one is as it was");
    world.raise("free", at("T1", Bounds::default())).await;
    assert_eq!(sold("T1-5", "T1").await, None);
    world.close().await;
});

on_every_store!(no_record_raises_limits_by_the_way, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 1_000_000).await;
    let put = |steps: Vec<LimitStep>| {
        let key = limits::key(world.id("R1"));
        Request::PutRecord(PutRecord { key, expected: None, content: LimitSet { steps }.into() })
    };
    let step = |effective_from_ms, minor| LimitStep {
        effective_from_ms,
        reseller: per_operation(minor),
        ..LimitStep::default()
    };
    let tomorrow = world.clock.now().plus_ms(DAY_MS).unix_ms();
    world.must(put(vec![step(0, 1_000), step(tomorrow, 500)])).await;
    let credit = LimitStep { credit_limit_minor: 1, ..step(0, 1_000) };
    for (steps, why) in [
        (vec![step(0, 1_001), step(tomorrow, 500)], "at once"),
        (vec![step(0, 1_000)], "what was to come is left out"),
        (vec![step(0, 1_000), step(tomorrow, 501)], "tomorrow"),
        (vec![step(0, 1_000), step(tomorrow, 500), step(tomorrow + 1, 501)], "a moment later"),
        (vec![step(0, 1_000), step(tomorrow + 1, 500)], "the change comes later"),
        (vec![step(tomorrow, 500)], "nothing is said of today"),
        (vec![], "nothing is said at all"),
        (vec![credit, step(tomorrow, 500)], "credit"),
    ] {
        let alone = refused(Refusal::Limits(LimitRefusal::Raise));
        assert_eq!(world.execute(put(steps)).await, alone, "{why}");
    }
    world.must(put(vec![step(0, 900), step(tomorrow - 1, 500)])).await;
    world.close().await;
});

on_every_store!(raises_that_race_with_debits_neither_lose_nor_double_anything, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig::default());
    world.reseller("R1", 10_000_000).await;
    let month = |count| Bounds { per_month_count: Some(count), ..Bounds::default() };
    world.must(Request::LowerLimits(world.change("R1", month(40)))).await;
    let mut raises = Vec::new();
    for number in 0..4 {
        raises.push(proposed(&world, &format!("raise-{number}"), world.change("R1", month(60))).await);
    }
    let mut requests: Vec<Request> =
        (0..120).map(|n| Request::Reserve(world.reserve("R1", &format!("k{n}"), 1_000))).collect();
    for (number, raise) in raises.iter().enumerate() {
        requests.insert(30 * number + 15, World::rule(raise, CHECKER, Ruling::Approve));
    }
    let tasks = requests.into_iter().enumerate().map(|(n, request)| {
        let node = world.nodes[n % 2].clone();
        tokio::spawn(async move { node.execute(command(request)).await.unwrap() })
    });
    let outcomes: Vec<Outcome> = join_all(tasks.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
    let operations: Vec<_> = outcomes.iter().map(|outcome| outcome.operation().unwrap()).collect();
    let count = |wanted: &dyn Fn(&Operation) -> bool| operations.iter().filter(|operation| wanted(operation)).count();
    assert_eq!(count(&|operation| operation.status == Status::Approved), 1, "one raise for the limits that stood");
    assert_eq!(count(&|operation| operation.decline == Some(Decline::LimitsChanged)), 3);
    let sold = count(&|operation| operation.status == Status::Submitted);
    assert!((40..=60).contains(&sold), "{sold} sold under limits of 40 and 60");
    // What both nodes have counted is what was sold: exactly as many fit as are left.
    for n in sold..62 {
        let reserve = Request::Reserve(world.reserve("R1", &format!("left-{n}"), 1_000));
        let outcome = world.nodes[n % 2].execute(command(reserve)).await.unwrap();
        assert_eq!(outcome.operation().unwrap().decline, (n >= 60).then_some(Decline::LimitExceeded), "{n}");
    }
    let stock = world.stock("R1").await;
    assert_eq!((stock.held, stock.usage.count), (60_000, 60));
    world.close().await;
});

on_both! {
    /// Whoever passes the program by meets the database's own rule, and `verify`.
    async fn an_edited_raise_is_refused_or_found(db: &Database) {
        let world = World::new(crate::support::books_of(db)).await;
        world.reseller("R1", 1_000).await;
        world.must(Request::LowerLimits(world.change("R1", per_operation(1_000)))).await;
        let raise = proposed(&world, "raise", world.change("R1", per_operation(2_000))).await;
        let alone = "UPDATE four_eyes SET checker = maker, ruling = 1, ruling_reason = 'me', ruled_at = 1 \
                     WHERE checker IS NULL";
        let error = db.by_hand(alone).await.unwrap_err().to_string();
        assert!(error.contains("four_eyes_are_of_two_persons"), "{error}");
        let verify = async || {
            let options = taabia::reports::verify::Options::default();
            taabia::reports::verify::verify(&*world.books.audit, &options, &mut |_| {}).await
        };
        verify().await.unwrap();
        let edit = "UPDATE four_eyes SET limits = replace(limits, '2000', '3000') WHERE limits IS NOT NULL";
        assert_eq!(db.by_hand(edit).await.unwrap(), 1);
        let error = verify().await.unwrap_err().to_string();
        assert!(error.contains(&raise.kind().render(raise.id)) || error.contains("operation"), "{error}");
        let back = "UPDATE four_eyes SET limits = replace(limits, '3000', '2000') WHERE limits IS NOT NULL";
        db.by_hand(back).await.unwrap();
        world.close().await;
    }
}
