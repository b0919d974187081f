//! What people do is on the one log with who, from where, why, before and after, on every store.

use std::sync::Arc;

use serde_json::{Value, json};
use taabia::domain::{EntryKind, Limits, Origin, Shard, Standing, Via};
use taabia::ledger::{Actor, Command, Request};
use taabia::ports::{Ledger, RecordedAction, StaffActionQuery};

use taabia::services::Scope;

use crate::support::api::Access;
use crate::support::on_every_store;
use crate::support::world::{Books, World};

fn person(name: &str) -> Actor {
    let address = Some("192.0.2.7".into());
    Actor::person(name, Origin { via: Via::Api, address, request: Some("req-1".into()), reason: None })
}

async fn by(world: &World, actor: Actor, request: Request) {
    world.clock.advance_ms(1_000);
    world.nodes[0].execute(Command { actor, request }).await.unwrap();
}

fn all(roots: &[taabia::domain::ResellerId]) -> StaffActionQuery {
    StaffActionQuery {
        roots: roots.to_vec(),
        reseller: None,
        actor: None,
        kind: None,
        from: None,
        to: None,
        after: None,
        limit: 50,
    }
}

async fn list(world: &World, query: StaffActionQuery) -> Vec<RecordedAction> {
    world.books.store.staff_actions(&query).await.unwrap()
}

fn kinds(actions: &[RecordedAction]) -> Vec<EntryKind> {
    actions.iter().map(|found| found.action.kind).collect()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

on_every_store!(an_action_says_who_from_where_why_and_what_changed, async |books: Books| {
    let world = World::new(books).await;
    by(&world, person("client:maker"), world.open("R1")).await;
    by(&world, person("client:maker").because("fraud, case 17"), world.standing("R1", Standing::Suspended)).await;
    let limits = Limits { per_day_count: Some(9), ..Limits::default() };
    by(&world, person("client:checker"), world.limits("R1", limits)).await;
    by(&world, person("client:checker"), world.put(Some("R1"), 1, None)).await;
    by(&world, person("client:checker"), world.put(Some("R1"), 2, None)).await;
    by(&world, person("client:checker"), world.put(None, 3, None)).await;
    // The program's own doing and what is sold are nobody's staff action.
    by(&world, "system:job".into(), world.standing("R1", Standing::Active)).await;
    world.must(world.allocate("a", "R1", 10_000)).await;
    by(&world, person("client:atm"), Request::Reserve(world.reserve("R1", "k", 1_000))).await;

    let found = list(&world, all(&[world.id("R1")])).await;
    let expected = [
        EntryKind::RecordPut,
        EntryKind::RecordPut,
        EntryKind::RecordPut,
        EntryKind::LimitsChanged,
        EntryKind::StandingChanged,
        EntryKind::ResellerOpened,
    ];
    assert_eq!(kinds(&found), expected);
    let suspended = &found[4].action;
    assert_eq!((&*suspended.actor, suspended.origin.via), ("client:maker", Via::Api));
    assert_eq!(suspended.origin.address.as_deref(), Some("192.0.2.7"));
    assert_eq!(suspended.origin.request.as_deref(), Some("req-1"));
    assert_eq!(suspended.origin.reason.as_deref(), Some("fraud, case 17"));
    assert_eq!((suspended.reseller, suspended.subject), (world.id("R1"), world.id("R1").uuid()));
    assert_eq!(json_of(suspended.before.as_deref().unwrap())["standing"], "active");
    assert_eq!(json_of(&suspended.after)["standing"], "suspended");
    let opened = &found[5].action;
    assert_eq!((opened.before.as_deref(), &json_of(&opened.after)["code"]), (None, &json!("R1")));
    let user = &found[1].action;
    let before = json_of(user.before.as_deref().unwrap());
    assert_eq!((&before["pin_secret"], &before["name"]), (&json!("…"), &json!("Amine \"تعبئة\" 1")));
    assert!(!user.after.contains("argon2"), "secrets are not shown: {}", user.after);
    let policy = &found[0];
    assert_eq!((policy.shard, policy.action.reseller), (Shard::OPERATOR, taabia::domain::ResellerId::OPERATOR));
    world.close().await;
});

on_every_store!(actions_are_filtered_and_paged_newest_first, async |books: Books| {
    let world = World::new(books).await;
    for name in ["R1", "R2"] {
        by(&world, person("client:maker"), world.open(name)).await;
        by(&world, person("client:checker"), world.standing(name, Standing::Suspended)).await;
    }
    by(&world, person("client:maker"), world.put(None, 1, None)).await;
    let (one, two) = (world.id("R1"), world.id("R2"));
    let whole = list(&world, all(&[one, two])).await;
    assert_eq!(whole.len(), 5);
    assert!(whole.is_sorted_by(|left, right| left.action.recorded_at > right.action.recorded_at));
    let count = async |query| list(&world, query).await.len();
    assert_eq!(count(all(&[one])).await, 3, "its own, and what concerns no single reseller");
    assert_eq!(count(all(&[])).await, 1);
    assert_eq!(count(StaffActionQuery { reseller: Some(two), ..all(&[one, two]) }).await, 2);
    assert_eq!(count(StaffActionQuery { actor: Some("client:maker".into()), ..all(&[one, two]) }).await, 3);
    assert_eq!(count(StaffActionQuery { kind: Some(EntryKind::ResellerOpened), ..all(&[one, two]) }).await, 2);
    let middle = whole[2].action.recorded_at;
    assert_eq!(count(StaffActionQuery { from: Some(middle), ..all(&[one, two]) }).await, 3);
    assert_eq!(count(StaffActionQuery { to: Some(middle), ..all(&[one, two]) }).await, 2);
    let mut paged = Vec::new();
    let mut query = StaffActionQuery { limit: 2, ..all(&[one, two]) };
    loop {
        let page = list(&world, query.clone()).await;
        let Some(last) = page.last() else { break };
        query.after = Some((last.action.recorded_at, last.shard, last.sequence));
        paged.extend(page);
    }
    assert_eq!(paged, whole);
    world.close().await;
});

on_every_store!(what_is_done_to_clients_stands_on_the_log, async |books: Books| {
    let world = World::new(books).await;
    world.reseller("R1", 0).await;
    let ledger: Arc<dyn Ledger> = world.nodes[0].clone();
    let mut access = Access::new(&world.books, ledger, world.clock.clone());
    let origin = Origin { via: Via::CommandLine, address: Some("uid 0 on host".into()), request: None, reason: None };
    access.clients.actor = Actor::person("operator:command_line", origin);
    let (id, _) = access.client("atm", &[Scope::RechargesRead], &[world.id("R1")]).await;
    access.clients.rotate(id).await.unwrap();
    access.clients.revoke(id).await.unwrap();
    let mut found = list(&world, all(&[])).await;
    found.reverse();
    assert_eq!(kinds(&found), [EntryKind::RecordPut; 3]);
    let states: Vec<Value> = found.iter().map(|found| json_of(&found.action.after)).collect();
    let secrets: Vec<_> = states.iter().map(|state| state["fingerprints"].as_array().unwrap().len()).collect();
    assert_eq!(secrets, [1, 2, 2]);
    assert_eq!((&states[0]["name"], &states[0]["scopes"]), (&json!("atm"), &json!(["recharges:read"])));
    assert_eq!(states[0]["resellers"], json!([world.id("R1").to_string()]));
    assert!(states[1]["revoked_at_ms"].is_null() && states[2]["revoked_at_ms"].is_i64());
    assert_eq!(found[2].action.before, Some(found[1].action.after.clone()));
    assert_eq!((found[0].action.origin.via, &*found[0].action.actor), (Via::CommandLine, "operator:command_line"));
    assert!(found.iter().all(|found| !found.action.after.contains("argon2")));
    world.close().await;
});
