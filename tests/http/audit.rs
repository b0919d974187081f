//! The audit of staff actions, as auditors ask for it.

use serde_json::json;
use taabia::domain::{Origin, Standing, Via};
use taabia::ledger::{Actor, Command};
use taabia::ports::Ledger;

use crate::support::api::TestApi;

async fn suspend(api: &TestApi, name: &str, reason: &str) {
    api.world.clock.advance_ms(1_000);
    let origin = Origin { via: Via::Api, address: Some("192.0.2.7".into()), request: None, reason: None };
    let actor = Actor::person("client:maker", origin).because(reason);
    let request = api.world.standing(name, Standing::Suspended);
    api.world.nodes[0].execute(Command { actor, request }).await.unwrap();
}

#[tokio::test]
async fn auditors_read_who_did_what_from_where_and_why() {
    let api = TestApi::new().await;
    for (name, reason) in [("shop-1", "case 1"), ("shop-2", "case 2"), ("stranger", "case 3")] {
        suspend(&api, name, reason).await;
    }
    let page = api.get("/v1/audit").await.json();
    let items = page["items"].as_array().unwrap();
    assert_eq!((items.len(), &page["next_cursor"]), (2, &json!(null)), "not the stranger's: {page}");
    let newest = &items[0];
    assert_eq!((&newest["reason"], &newest["actor"]), (&json!("case 2"), &json!("client:maker")));
    assert_eq!((&newest["via"], &newest["address"]), (&json!("api"), &json!("192.0.2.7")));
    assert_eq!((&newest["action"], &newest["request_id"]), (&json!("reseller.standing_changed"), &json!(null)));
    assert_eq!(newest["reseller_id"], json!(api.world.id("shop-2").to_string()));
    assert_eq!((&newest["before"]["standing"], &newest["after"]["standing"]), (&json!("active"), &json!("suspended")));

    let first = api.get("/v1/audit?limit=1&action=reseller.standing_changed").await;
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    assert!(first.header("link").contains(&cursor));
    let second = api.get(&format!("/v1/audit?limit=1&cursor={cursor}")).await.json();
    assert_eq!((&second["items"][0]["reason"], &second["next_cursor"]), (&json!("case 1"), &json!(null)));
    let shop = api.world.id("shop-1");
    for (query, count) in [
        (format!("reseller_id={shop}"), 1),
        ("actor=client%3Amaker".into(), 2),
        ("actor=client%3Aother".into(), 0),
        ("action=record.put".into(), 0),
        ("from=2026-11-22T08:00:02Z".into(), 1),
        ("to=2026-11-22T08:00:02Z".into(), 1),
    ] {
        let page = api.get(&format!("/v1/audit?{query}")).await.json();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(count), "{query}: {page}");
    }
}

#[tokio::test]
async fn unexpected_audit_queries_are_refused() {
    let api = TestApi::new().await;
    for (query, expected) in [
        ("action=recharge.completed", "/action invalid"),
        ("action=nothing", "/action invalid"),
        ("reseller_id=shop-1", "/reseller_id invalid"),
        ("cursor=AQAA", "/cursor invalid"),
        ("limit=0", "/limit invalid"),
        ("reason=x", "/reason unknown"),
        ("actor=a%00", "/actor control_characters"),
        ("from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "/to invalid"),
    ] {
        let pointers = api.get(&format!("/v1/audit?{query}")).await.problem(400, "invalid_query");
        assert_eq!(pointers, [expected], "{query}");
    }
    let stranger = api.world.id("stranger");
    api.get(&format!("/v1/audit?reseller_id={stranger}")).await.problem(404, "not_found");
}
