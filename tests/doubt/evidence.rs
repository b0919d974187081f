//! Evidence: what decides, what is kept, and what contradicts.

use std::sync::Arc;

use futures::future::join_all;
use taabia::domain::{
    Decline, Effect, EvidenceItem, EvidenceKind, Operation, OperationId, Says, Status, SystemName, Timestamp,
};
use taabia::engine::{Engine, EngineConfig};
use taabia::ledger::command::{Resolve, Source};
use taabia::ledger::evidence::{EvidenceRules, SystemRules};
use taabia::ledger::{Evidence, Outcome, Request, Rules};
use taabia::ports::{Clock as _, Ledger as _};

use crate::support::script::rules;
use crate::support::world::{Books, RELEASE, World, command};
use crate::support::{must_verify, on_every_store};

const DEADLINE_MS: i64 = 4_000;

/// What was received of a kind, now.
fn received(world: &World, operation: OperationId, kind: EvidenceKind, evidence: Evidence) -> Request {
    let source = Source { kind, about: None, observed_at: world.clock.now(), excerpt: "as told".into() };
    Request::Resolve(Resolve { operation, evidence, source })
}

pub async fn doubtful(world: &World, key: &str) -> Arc<Operation> {
    let operation = world.recharge("R1", key, 1_000).await;
    world.must(World::resolve(operation.id, Evidence::NoAnswer)).await;
    operation
}

pub async fn items(world: &World, operation: OperationId) -> Vec<Arc<EvidenceItem>> {
    let found = world.books.store.evidence(&[operation]).await.unwrap();
    assert!(found.is_sorted_by_key(|recorded| recorded.sequence));
    found.into_iter().map(|recorded| recorded.item).collect()
}

async fn told(world: &World, operation: OperationId) -> Vec<(EvidenceKind, Says, Effect)> {
    items(world, operation).await.iter().map(|item| (item.kind, item.says, item.effect)).collect()
}

pub async fn status(world: &World, operation: OperationId) -> Status {
    world.books.store.operation(operation).await.unwrap().unwrap().status
}

on_every_store!(an_answer_in_time_leaves_no_item_and_a_late_one_its_own, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    let prompt = world.recharge("R1", "prompt", 1_000).await;
    world.must(World::resolve(prompt.id, Evidence::Applied)).await;
    assert_eq!(told(&world, prompt.id).await, []);

    let late = doubtful(&world, "late").await;
    world.must(World::resolve(late.id, Evidence::Applied)).await;
    let kept = items(&world, late.id).await;
    let sent = late.recharge().unwrap();
    let [item] = &kept[..] else { panic!("one item: {kept:?}") };
    assert_eq!((item.kind, item.says, item.effect), (EvidenceKind::LateAnswer, Says::Applied, Effect::Decided));
    assert_eq!((item.system, Some(item.reference)), (SystemName::MAIN, sent.charging_reference));
    assert_eq!((item.submit_by, item.promised_at), (sent.submit_by, sent.submit_by.plus_ms(50_000)));

    // Nobody said that it is in doubt, but its time was over.
    let slow = world.recharge("R1", "slow", 1_000).await;
    world.clock.advance_ms(DEADLINE_MS + 1);
    world.must(World::resolve(slow.id, RELEASE)).await;
    let declined = Says::NotApplied(Decline::ChargingDeclined);
    assert_eq!(told(&world, slow.id).await, [(EvidenceKind::LateAnswer, declined, Effect::Decided)]);
    world.close().await;
});

on_every_store!(what_proves_nothing_yet_is_kept_once, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    let operation = doubtful(&world, "a").await.id;
    let miss = |world: &World| received(world, operation, EvidenceKind::Inquiry, Evidence::NotKnown);
    let silent = |world: &World| received(world, operation, EvidenceKind::Inquiry, Evidence::Nothing);
    let noted = world.must(miss(&world)).await;
    assert!(matches!(&noted, Outcome::Decided(it) if it.status == Status::InDoubt), "{noted:?}");
    for again in 0..5 {
        world.clock.advance_ms(500);
        let done = world.must(if again % 2 == 0 { silent(&world) } else { miss(&world) }).await;
        assert_eq!(matches!(done, Outcome::Unchanged(_)), again > 0, "{again}: {done:?}");
    }
    let nothing_yet = [
        (EvidenceKind::Inquiry, Says::NotKnown, Effect::Nothing),
        (EvidenceKind::Inquiry, Says::Nothing, Effect::Nothing),
    ];
    assert_eq!(told(&world, operation).await, nothing_yet);
    // Another node knows it from the store.
    let other = world.node(&EngineConfig::default());
    let done = other.nodes[1].execute(command(miss(&other))).await.unwrap();
    assert!(matches!(done, Outcome::Unchanged(_)), "{done:?}");
    other.clock.advance_ms(DEADLINE_MS + 10_000);
    other.nodes[1].execute(command(miss(&other))).await.unwrap();
    let decided = (EvidenceKind::Inquiry, Says::NotKnown, Effect::Decided);
    assert_eq!(told(&other, operation).await[2..], [decided]);
    let stored = other.books.store.operation(operation).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.decline), (Status::Declined, Some(Decline::ChargingDeclined)));
    other.close().await;
});

on_every_store!(only_kinds_that_the_rules_name_decide, async |books: Books| {
    let world = World::new(books.clone()).await;
    world.reseller("R1", 100_000).await;
    let strict = SystemRules { decided_by: vec![EvidenceKind::DailyRecord], ..SystemRules::default() };
    let rules = Rules { evidence: EvidenceRules { standard: strict, ..EvidenceRules::default() }, ..rules() };
    let node = Engine::start(books.store.clone(), world.clock.clone(), Arc::new(rules), &EngineConfig::default());
    let operation = doubtful(&world, "a").await.id;
    for kind in [EvidenceKind::LateAnswer, EvidenceKind::Inquiry, EvidenceKind::Event] {
        node.execute(command(received(&world, operation, kind, Evidence::Applied))).await.unwrap();
        assert_eq!(status(&world, operation).await, Status::InDoubt, "{kind:?}");
    }
    world.clock.advance_ms(DEADLINE_MS + 1);
    node.execute(command(received(&world, operation, EvidenceKind::DailyRecord, RELEASE))).await.unwrap();
    assert_eq!(status(&world, operation).await, Status::Declined);
    let effects: Vec<_> = items(&world, operation).await.iter().map(|item| item.effect).collect();
    assert_eq!(effects, [Effect::Nothing, Effect::Nothing, Effect::Nothing, Effect::Decided]);
    // An answer in time is what was asked for, whatever the rules say of doubts.
    let prompt = world.recharge("R1", "b", 1_000).await.id;
    node.execute(command(received(&world, prompt, EvidenceKind::Event, Evidence::Applied))).await.unwrap();
    assert_eq!(status(&world, prompt).await, Status::Submitted);
    node.execute(command(World::resolve(prompt, Evidence::Applied))).await.unwrap();
    assert_eq!(status(&world, prompt).await, Status::Completed);
    node.close().await;
    world.close().await;
});

on_every_store!(a_contradiction_is_recorded_once_and_changes_nothing, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    let (sold, released) = (doubtful(&world, "sold").await.id, doubtful(&world, "released").await.id);
    world.must(World::resolve(sold, Evidence::Applied)).await;
    world.must(World::resolve(released, RELEASE)).await;
    let before = world.stock("R1").await;
    for (operation, says) in [(sold, RELEASE), (released, Evidence::Applied)] {
        for again in [false, true, true] {
            let done = world.must(received(&world, operation, EvidenceKind::Event, says)).await;
            assert_eq!(matches!(done, Outcome::Unchanged(_)), again, "{done:?}");
        }
        let effects: Vec<_> = items(&world, operation).await.iter().map(|item| item.effect).collect();
        assert_eq!(effects, [Effect::Decided, Effect::Contradicts]);
    }
    assert_eq!((status(&world, sold).await, status(&world, released).await), (Status::Completed, Status::Declined));
    assert_eq!(world.stock("R1").await, before);
    world.close().await;
});

on_every_store!(what_is_about_another_attempt_is_no_evidence, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    let operation = doubtful(&world, "a").await;
    let reference = operation.recharge().unwrap().charging_reference.unwrap();
    let north: SystemName = "north".parse().unwrap();
    for about in [(SystemName::MAIN, reference + 1), (north, reference)] {
        let source =
            Source { kind: EvidenceKind::Event, about: Some(about), observed_at: Timestamp::EPOCH, excerpt: "".into() };
        let resolve = Resolve { operation: operation.id, evidence: Evidence::Applied, source };
        assert!(matches!(world.must(Request::Resolve(resolve)).await, Outcome::Unchanged(_)));
    }
    assert_eq!((status(&world, operation.id).await, told(&world, operation.id).await), (Status::InDoubt, vec![]));
    world.close().await;
});

on_every_store!(of_64_at_once_that_contradict_each_other_one_decides, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig { cached_rows: 0, ..EngineConfig::default() });
    world.reseller("R1", 100_000).await;
    let operation = doubtful(&world, "a").await.id;
    let kinds = [EvidenceKind::LateAnswer, EvidenceKind::Inquiry, EvidenceKind::Event];
    let all = (0..64).map(|n| {
        let says = if n % 2 == 0 { Evidence::Applied } else { RELEASE };
        world.nodes[n % 2].execute(command(received(&world, operation, kinds[n % 3], says)))
    });
    join_all(all).await.into_iter().for_each(|done| drop(done.unwrap()));
    let kept = items(&world, operation).await;
    assert_eq!(kept.iter().filter(|item| item.effect == Effect::Decided).count(), 1, "{kept:?}");
    // Three kinds say each of both; what agrees with the outcome is not kept again.
    assert!(kept.len() <= 4, "{kept:?}");
    let stock = world.stock("R1").await;
    let sold = status(&world, operation).await == Status::Completed;
    assert_eq!((stock.held, stock.posted), (0, if sold { 99_000 } else { 100_000 }));
    must_verify(&*world.books.audit).await;
    world.close().await;
});
