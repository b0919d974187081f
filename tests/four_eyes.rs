//! What needs two persons, on every store.

use std::sync::Arc;

use futures::future::join_all;
use taabia::domain::{AccountClass, Decline, Direction, Operation, Proposal, Ruling, Shard, Status};
use taabia::engine::{Engine, EngineConfig};
use taabia::jobs::ExpiryJob;
use taabia::ledger::{Outcome, Refusal, Request, Rules};
use taabia::ports::{Ledger, LedgerError};

use crate::support::database::on_both;
use crate::support::on_every_store;
use crate::support::script::rules;
use crate::support::world::{Books, CHECKER, MAKER, World, command};

const DAY_MS: i64 = 86_400_000;

async fn proposed(world: &World, key: &str, proposal: Proposal, amount: i64) -> Arc<Operation> {
    let outcome = world.must(world.propose(key, proposal, amount)).await;
    outcome.operation().unwrap().clone()
}

async fn approved(world: &World, operation: &Operation) -> Arc<Operation> {
    world.must(World::rule(operation, CHECKER, Ruling::Approve)).await.operation().unwrap().clone()
}

fn refused(error: Refusal) -> Result<Outcome, LedgerError> {
    Err(LedgerError::Refused(error))
}

/// Sums of a class of system accounts over all shards.
async fn total(world: &World, class: AccountClass) -> i64 {
    let snapshot = world.books.audit.snapshot().await.unwrap();
    snapshot.accounts.iter().filter(|(_, account)| account.class == class).map(|(_, account)| account.posted).sum()
}

const OPENING: i64 = 1_000_000_000_000;

on_every_store!(one_proposes_and_another_decides, async |books: Books| {
    let world = World::new(books).await;
    let issue = proposed(&world, "i1", Proposal::Issue, 5_000).await;
    assert_eq!(issue.status, Status::PendingApproval);
    assert_eq!(total(&world, AccountClass::OperatorStock).await, OPENING);
    assert_eq!(world.execute(World::rule(&issue, MAKER, Ruling::Approve)).await, refused(Refusal::SamePerson));
    assert_eq!(world.execute(World::rule(&issue, MAKER, Ruling::Refuse)).await, refused(Refusal::SamePerson));

    let done = approved(&world, &issue).await;
    assert_eq!(done.status, Status::Approved);
    assert_eq!(done.four_eyes().unwrap().verdict.as_ref().unwrap().checker, CHECKER);
    assert_eq!(total(&world, AccountClass::OperatorStock).await, OPENING + 5_000);
    let stored = world.books.store.operation(issue.id).await.unwrap().unwrap();
    assert_eq!(stored, *done);

    // The same again is a replay; anything else comes too late. The proposal replays as it stands.
    let again = world.must(World::rule(&issue, CHECKER, Ruling::Approve)).await;
    assert_eq!(again, Outcome::Replayed(done.clone()));
    let late = Refusal::DecidedAlready { status: Status::Approved };
    assert_eq!(world.execute(World::rule(&issue, CHECKER, Ruling::Refuse)).await, refused(late));
    assert_eq!(world.must(world.propose("i1", Proposal::Issue, 5_000)).await, Outcome::Replayed(done));
    let reused = |field| refused(Refusal::KeyReused { field });
    assert_eq!(world.execute(world.propose("i1", Proposal::Issue, 5_001)).await, reused("amount"));
    assert_eq!(world.execute(world.propose("i1", Proposal::Destruction, 5_000)).await, reused("external_id"));

    let unwanted = proposed(&world, "i2", Proposal::Issue, 7_000).await;
    let no = world.must(World::rule(&unwanted, CHECKER, Ruling::Refuse)).await;
    assert_eq!(no.operation().unwrap().status, Status::Refused);
    let late = Refusal::DecidedAlready { status: Status::Refused };
    assert_eq!(world.execute(World::rule(&unwanted, CHECKER, Ruling::Approve)).await, refused(late));
    assert_eq!(total(&world, AccountClass::OperatorStock).await, OPENING + 5_000);
    world.close().await;
});

on_every_store!(stock_is_destroyed_only_while_it_is_there, async |books: Books| {
    let world = World::new(books).await;
    let some = proposed(&world, "d1", Proposal::Destruction, OPENING - 1_000).await;
    let more = proposed(&world, "d2", Proposal::Destruction, 1_001).await;
    assert_eq!(approved(&world, &some).await.status, Status::Approved);
    let in_vain = approved(&world, &more).await;
    assert_eq!((in_vain.status, in_vain.decline), (Status::Declined, Some(Decline::InsufficientStock)));
    assert_eq!(total(&world, AccountClass::OperatorStock).await, 1_000);
    assert_eq!(total(&world, AccountClass::Destroyed).await, OPENING - 1_000);
    world.close().await;
});

on_every_store!(an_adjustment_moves_between_a_stock_and_suspense, async |books: Books| {
    let world = World::new(books).await;
    // One in the operator's shard, one elsewhere.
    let names: Vec<String> = Shard::all(world.books.store.shards()).take(2).map(|shard| world.name_in(shard)).collect();
    for name in &names {
        world.reseller(name, 10_000).await;
        let adjust = |direction| Proposal::Adjustment { reseller: Some(world.id(name)), direction };
        let out = proposed(&world, &format!("out-{name}"), adjust(Direction::Out), 4_000).await;
        assert_eq!(approved(&world, &out).await.status, Status::Approved);
        assert_eq!(world.stock(name).await.posted, 6_000);
        let too_much = proposed(&world, &format!("much-{name}"), adjust(Direction::Out), 6_001).await;
        assert_eq!(approved(&world, &too_much).await.decline, Some(Decline::InsufficientStock));
        let back = proposed(&world, &format!("in-{name}"), adjust(Direction::In), 1_000).await;
        assert_eq!(approved(&world, &back).await.status, Status::Approved);
        assert_eq!(world.stock(name).await.posted, 7_000);
    }
    assert_eq!(total(&world, AccountClass::AirtimeSuspense).await, 6_000);
    let own = Proposal::Adjustment { reseller: None, direction: Direction::Out };
    let own = proposed(&world, "own", own, 10).await;
    assert_eq!(approved(&world, &own).await.status, Status::Approved);
    assert_eq!(total(&world, AccountClass::AirtimeSuspense).await, 6_010);
    let nobody = Proposal::Adjustment { reseller: Some(world.id("nobody")), direction: Direction::In };
    assert_eq!(world.execute(world.propose("no", nobody, 5)).await, refused(Refusal::UnknownReseller));
    // A decision that names another reseller than the proposal touches nothing.
    let mine = Proposal::Adjustment { reseller: Some(world.id(&names[0])), direction: Direction::In };
    let mine = proposed(&world, "mine", mine, 5).await;
    let Request::Rule(mut rule) = World::rule(&mine, CHECKER, Ruling::Approve) else { unreachable!("it rules") };
    rule.reseller = Some(world.id(&names[1]));
    assert_eq!(world.execute(Request::Rule(rule)).await, refused(Refusal::UnknownOperation));
    world.close().await;
});

on_every_store!(what_nobody_decides_expires, async |books: Books| {
    let world = World::new(books).await;
    let forgotten = proposed(&world, "i1", Proposal::Issue, 5_000).await;
    let job = ExpiryJob {
        ledger: world.nodes[0].clone(),
        reads: world.books.stock.clone(),
        clock: world.clock.clone(),
        poll_interval_ms: 1_000,
    };
    world.clock.advance_ms(DAY_MS - 1);
    job.sweep().await.unwrap();
    assert_eq!(world.books.store.operation(forgotten.id).await.unwrap().unwrap().status, Status::PendingApproval);
    world.clock.advance_ms(1);
    // Before the job has come by, the ledger knows by itself.
    assert_eq!(
        world.execute(World::rule(&forgotten, CHECKER, Ruling::Approve)).await,
        refused(Refusal::ApprovalExpired)
    );
    job.sweep().await.unwrap();
    job.sweep().await.unwrap();
    let expired = world.books.store.operation(forgotten.id).await.unwrap().unwrap();
    // One entry closed the day, the other one is the expiry.
    assert_eq!((expired.status, expired.last_sequence), (Status::Expired, forgotten.last_sequence + 2));
    assert_eq!(
        world.execute(World::rule(&forgotten, CHECKER, Ruling::Refuse)).await,
        refused(Refusal::ApprovalExpired)
    );
    assert_eq!(total(&world, AccountClass::OperatorStock).await, OPENING);
    world.close().await;
});

on_every_store!(the_day_has_a_cap_that_counts_what_waits, async |books: Books| {
    let world = World::new(books).await;
    let capped = Rules { issue_per_day_minor: Some(OPENING + 10_000), ..rules() };
    let store = world.books.store.clone();
    let node = Engine::start(store, world.clock.clone(), Arc::new(capped), &EngineConfig::default());
    let propose = async |key: &str, amount: i64| {
        let outcome = node.execute(command(world.propose(key, Proposal::Issue, amount))).await.unwrap();
        outcome.operation().unwrap().clone()
    };
    let first = propose("i1", 6_000).await;
    let beyond = propose("i2", 4_001).await;
    assert_eq!((beyond.status, beyond.decline), (Status::Declined, Some(Decline::LimitExceeded)));
    assert_eq!(propose("i3", 4_000).await.status, Status::PendingApproval);
    // What is refused is free again; what was declined cannot be approved.
    node.execute(command(World::rule(&first, CHECKER, Ruling::Refuse))).await.unwrap();
    assert_eq!(propose("i4", 6_000).await.status, Status::PendingApproval);
    assert_eq!(propose("i5", 1).await.decline, Some(Decline::LimitExceeded));
    let declined = Refusal::DecidedAlready { status: Status::Declined };
    let late = node.execute(command(World::rule(&beyond, CHECKER, Ruling::Approve))).await;
    assert_eq!(late, refused(declined));
    world.clock.advance_ms(DAY_MS);
    assert_eq!(propose("i6", OPENING + 10_000).await.status, Status::PendingApproval);
    node.close().await;
    world.close().await;
});

on_every_store!(many_checkers_at_once_decide_once, async |books: Books| {
    let world = World::new(books).await;
    let issue = proposed(&world, "i1", Proposal::Issue, 5_000).await;
    let rulings = (0..32_u128).map(|number| {
        let checker = taabia::domain::ClientId::from_uuid(uuid::Uuid::from_u128(100 + number));
        let ruling = if number % 2 == 0 { Ruling::Approve } else { Ruling::Refuse };
        world.execute(World::rule(&issue, checker, ruling))
    });
    let outcomes = join_all(rulings).await;
    let decided = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Outcome::Decided(_)))).count();
    assert_eq!(decided, 1, "{outcomes:?}");
    let stands = world.books.store.operation(issue.id).await.unwrap().unwrap();
    let expected = if stands.status == Status::Approved { 5_000 } else { 0 };
    assert_eq!(total(&world, AccountClass::OperatorStock).await, OPENING + expected);
    world.close().await;
});

on_both! {
    /// Whoever passes the program by meets the database's own rule.
    async fn the_database_refuses_one_person_for_both(db: &Database) {
        let world = World::new(crate::support::books_of(db)).await;
        proposed(&world, "i1", Proposal::Issue, 5_000).await;
        let by_hand = "UPDATE four_eyes SET checker = maker, ruling = 1, ruling_reason = 'me', ruled_at = 1";
        let error = db.by_hand(by_hand).await.unwrap_err().to_string();
        assert!(error.contains("four_eyes_are_of_two_persons"), "{error}");
        let half = "UPDATE four_eyes SET ruling = 1 WHERE checker IS NULL";
        let error = db.by_hand(half).await.unwrap_err().to_string();
        assert!(error.contains("a_ruling_is_complete"), "{error}");
        world.close().await;
    }

    async fn an_edited_proposal_is_found(db: &Database) {
        let world = World::new(crate::support::books_of(db)).await;
        let verify = async || {
            let options = taabia::reports::verify::Options::default();
            taabia::reports::verify::verify(&*world.books.audit, &options, &mut |_| {}).await
        };
        verify().await.unwrap();
        for edit in [
            "UPDATE four_eyes SET document = 'PO-2'",
            "UPDATE four_eyes SET reason = 'other'",
            "UPDATE four_eyes SET ruling_reason = 'other'",
            "UPDATE four_eyes SET ruling = 2",
            "UPDATE four_eyes SET expires_at = expires_at + 1",
            "DELETE FROM four_eyes",
        ] {
            let before = "CREATE TABLE kept AS SELECT * FROM four_eyes";
            db.by_hand(before).await.unwrap();
            assert!(db.by_hand(edit).await.unwrap() > 0, "{edit}");
            let error = verify().await.expect_err(edit).to_string();
            assert!(error.contains("iss_") || error.contains("four_eyes"), "{edit}: {error}");
            db.by_hand("DELETE FROM four_eyes").await.unwrap();
            db.by_hand("INSERT INTO four_eyes SELECT * FROM kept").await.unwrap();
            db.by_hand("DROP TABLE kept").await.unwrap();
        }
        world.close().await;
    }
}
