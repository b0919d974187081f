//! Statements of two persons: where nothing else says what became of a recharge.

use std::sync::Arc;

use futures::future::join_all;
use taabia::domain::{
    Decline, Effect, EntryKind, EvidenceKind, Operation, OperationId, Proposal, Ruling, Says, Statement, Status,
};
use taabia::engine::{Engine, EngineConfig};
use taabia::ledger::evidence::{EvidenceRules, SystemRules};
use taabia::ledger::{Evidence, Outcome, Refusal, Request, Rules};
use taabia::ports::{Ledger as _, LedgerError};

use super::evidence::{doubtful, items, status};
use crate::support::on_every_store;
use crate::support::script::rules;
use crate::support::world::{Books, CHECKER, MAKER, RELEASE, World, command};

/// After the deadline, the horizon and two rounds of inquiries.
const PROMISE_MS: i64 = 4_000 + 10_000 + 40_000;

fn state(world: &World, key: &str, recharge: &Operation, applied: bool) -> Request {
    let statement = Statement { recharge: recharge.id, reseller: recharge.reseller, applied };
    world.propose(key, Proposal::Statement(statement), recharge.amount_minor)
}

async fn stated(world: &World, key: &str, recharge: &Operation, applied: bool) -> Arc<Operation> {
    world.must(state(world, key, recharge, applied)).await.operation().unwrap().clone()
}

async fn kinds_of(world: &World, operation: OperationId) -> Vec<EntryKind> {
    let entries = world.books.audit.entries(operation.shard(), 0, i64::MAX, 100_000).await.unwrap();
    let own = entries.iter().filter(|audited| audited.entry.subject == operation.uuid());
    own.map(|audited| audited.entry.kind).collect()
}

on_every_store!(an_approved_statement_ends_the_doubt, async |books: Books| {
    let world = World::new(books).await;
    for name in ["R1", "R2"] {
        world.reseller(name, 100_000).await;
    }
    let (sold, not) = (doubtful(&world, "sold").await, doubtful(&world, "not").await);
    world.clock.advance_ms(PROMISE_MS);
    for (recharge, applied) in [(&sold, true), (&not, false)] {
        let proposal = stated(&world, &format!("s{applied}"), recharge, applied).await;
        assert_eq!(proposal.status, Status::PendingApproval);
        assert_eq!(status(&world, recharge.id).await, Status::InDoubt, "one person decides nothing");
        let same = world.execute(World::rule(&proposal, MAKER, Ruling::Approve)).await;
        assert_eq!(same, Err(LedgerError::Refused(Refusal::SamePerson)));
        let done = world.must(World::rule(&proposal, CHECKER, Ruling::Approve)).await;
        assert_eq!(done.operation().unwrap().status, Status::Approved);
        let again = world.must(World::rule(&proposal, CHECKER, Ruling::Approve)).await;
        assert!(matches!(again, Outcome::Replayed(_)), "{again:?}");
        let kept = items(&world, recharge.id).await;
        let [item] = &kept[..] else { panic!("one item: {kept:?}") };
        assert_eq!((item.kind, item.effect), (EvidenceKind::Statement, Effect::Decided));
        assert!(item.excerpt.starts_with("stm_"), "{item:?}");
        let ended = if applied { EntryKind::RechargeCompleted } else { EntryKind::RechargeReleased };
        let kinds = [EntryKind::RechargeReserved, EntryKind::RechargeInDoubt, ended];
        assert_eq!(kinds_of(&world, recharge.id).await, kinds);
        assert_eq!(kinds_of(&world, proposal.id).await, [EntryKind::ApprovalRequested, EntryKind::StatementBooked]);
    }
    let stock = world.stock("R1").await;
    assert_eq!((stock.posted, stock.held), (99_000, 0));
    assert_eq!(world.books.store.statements(&[sold.id]).await.unwrap().len(), 1);
    world.close().await;
});

on_every_store!(nobody_states_anything_before_the_promise_or_against_the_rules, async |books: Books| {
    let world = World::new(books.clone()).await;
    world.reseller("R1", 100_000).await;
    let recharge = doubtful(&world, "a").await;
    world.clock.advance_ms(PROMISE_MS - 1);
    let early = stated(&world, "early", &recharge, true).await;
    assert_eq!((early.status, early.decline), (Status::Declined, Some(Decline::UnfitStatement)));
    let submitted = world.recharge("R1", "b", 1_000).await;
    let open = stated(&world, "open", &submitted, true).await;
    assert_eq!(open.decline, Some(Decline::UnfitStatement));
    world.clock.advance_ms(1);
    assert_eq!(stated(&world, "now", &recharge, true).await.status, Status::PendingApproval);
    let done = world.recharge("R1", "c", 1_000).await;
    world.must(World::resolve(done.id, Evidence::Applied)).await;
    assert_eq!(stated(&world, "done", &done, false).await.decline, Some(Decline::UnfitStatement));
    // Where the rules let no statement decide, an approval of what was proposed before them does nothing either.
    let proposal = stated(&world, "later", &recharge, true).await;
    let standard = SystemRules { decided_by: vec![EvidenceKind::DailyRecord], ..SystemRules::default() };
    let strict = Rules { evidence: EvidenceRules { standard, ..EvidenceRules::default() }, ..rules() };
    let node = Engine::start(books.store.clone(), world.clock.clone(), Arc::new(strict), &EngineConfig::default());
    let ruled = node.execute(command(World::rule(&proposal, CHECKER, Ruling::Approve))).await.unwrap();
    assert_eq!(ruled.operation().unwrap().decline, Some(Decline::UnfitStatement));
    assert_eq!(status(&world, recharge.id).await, Status::InDoubt);
    node.close().await;
    world.close().await;
});

on_every_store!(what_ended_before_the_approval_stands, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 100_000).await;
    for (key, evidence, applied, contradicts) in [
        ("same", Evidence::Applied, true, false),
        ("sold", Evidence::Applied, false, true),
        ("released", RELEASE, true, true),
    ] {
        let recharge = doubtful(&world, key).await;
        world.clock.advance_ms(PROMISE_MS);
        let proposal = stated(&world, &format!("s-{key}"), &recharge, applied).await;
        world.must(World::resolve(recharge.id, evidence)).await;
        let before = (world.stock("R1").await, status(&world, recharge.id).await);
        let ruled = world.must(World::rule(&proposal, CHECKER, Ruling::Approve)).await;
        assert_eq!(ruled.operation().unwrap().decline, Some(Decline::UnfitStatement), "{key}");
        assert_eq!((world.stock("R1").await, status(&world, recharge.id).await), before, "{key}");
        let kept = items(&world, recharge.id).await;
        let told = kept.iter().filter(|item| item.kind == EvidenceKind::Statement);
        let told: Vec<_> = told.map(|item| item.effect).collect();
        assert_eq!(told, if contradicts { vec![Effect::Contradicts] } else { vec![] }, "{key}");
    }
    world.close().await;
});

on_every_store!(of_an_approval_and_late_answers_at_once_one_wins, async |books: Books| {
    let world = World::new(books).await.node(&EngineConfig { cached_rows: 0, ..EngineConfig::default() });
    world.reseller("R1", 100_000).await;
    for round in 0..6 {
        let recharge = doubtful(&world, &format!("r{round}")).await;
        world.clock.advance_ms(PROMISE_MS);
        let proposals = [
            stated(&world, &format!("yes{round}"), &recharge, true).await,
            stated(&world, &format!("no{round}"), &recharge, false).await,
        ];
        let before = world.stock("R1").await;
        let requests = (0..12).map(|n| match (n + round) % 4 {
            0 => World::rule(&proposals[0], CHECKER, Ruling::Approve),
            1 => World::rule(&proposals[1], CHECKER, Ruling::Approve),
            2 => World::resolve(recharge.id, Evidence::Applied),
            _ => World::resolve(recharge.id, RELEASE),
        });
        let all = requests.enumerate().map(|(n, request)| world.nodes[n % 2].execute(command(request)));
        for done in join_all(all).await {
            done.unwrap();
        }
        let kept = items(&world, recharge.id).await;
        let decided: Vec<_> = kept.iter().filter(|item| item.effect == Effect::Decided).collect();
        let [decided] = decided[..] else { panic!("one decides: {kept:?}") };
        let sold = status(&world, recharge.id).await == Status::Completed;
        assert_eq!(sold, decided.says == Says::Applied, "{decided:?}");
        let stock = world.stock("R1").await;
        assert_eq!((stock.posted, stock.held), (before.posted - if sold { 1_000 } else { 0 }, 0));
        let approved = join_all(proposals.iter().map(|it| status(&world, it.id))).await;
        let won = usize::from(decided.kind == EvidenceKind::Statement);
        assert_eq!(approved.iter().filter(|status| **status == Status::Approved).count(), won, "{approved:?}");
    }
    world.close().await;
});
