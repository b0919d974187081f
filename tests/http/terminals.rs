//! Terminals over HTTP: registered once, blocked, unblocked, listed, and seen by their partner alone.

use serde_json::{Value, json};
use taabia::services::Scope;
use taabia::services::terminals::require_known_terminals;

use crate::support::api::TestApi;

fn named(api: &TestApi, shop: &str, terminal: &str) -> String {
    json!({ "reseller_id": api.world.id(shop).to_string(), "terminal_id": terminal }).to_string()
}

/// The code of the decline of a recharge by the test's own client, or its status.
async fn sell(api: &TestApi, key: &str) -> Value {
    let mut order = api.recharge(key);
    order["allow_repeat"] = true.into();
    let body = api.post("/v1/recharges", order.to_string()).await.json();
    if body["decline"].is_null() { body["status"].clone() } else { body["decline"]["code"].clone() }
}

#[tokio::test]
async fn a_partner_manages_its_terminals() {
    let mut api = TestApi::new().await;
    let partner = api.access.registry_client("atm").await.partner;
    let ledger = api.world.nodes[0].clone();
    require_known_terminals(&*ledger, "operator:test".into(), partner, true).await.unwrap();
    assert_eq!(sell(&api, "a").await, "terminal_unknown");
    api.post("/v1/terminals/block", named(&api, "shop-1", "ATM-0007")).await.problem(404, "not_found");
    let made = api.post("/v1/terminals", named(&api, "shop-1", "ATM-0007")).await;
    assert_eq!((made.status.as_u16(), &made.json()["blocked"]), (201, &json!(false)), "{}", made.text());
    assert_eq!(sell(&api, "b").await, "completed");
    for _ in 0..2 {
        let blocked = api.post("/v1/terminals/block", named(&api, "shop-1", "ATM-0007")).await;
        assert_eq!((blocked.status.as_u16(), &blocked.json()["blocked"]), (200, &json!(true)));
    }
    assert_eq!(sell(&api, "c").await, "terminal_blocked");
    let again = api.post("/v1/terminals", named(&api, "shop-1", "ATM-0007")).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (200, "true"));
    assert_eq!(again.json()["blocked"], true, "registering again unblocks nothing");
    api.post("/v1/terminals/unblock", named(&api, "shop-1", "ATM-0007")).await;
    assert_eq!(sell(&api, "d").await, "completed");

    for n in 0..5 {
        api.post("/v1/terminals", named(&api, "shop-1", &format!("POS-{n}"))).await;
    }
    let (mut seen, mut path) = (Vec::new(), format!("/v1/terminals?reseller_id={}&limit=2", api.world.id("shop-1")));
    loop {
        let page = api.get(&path).await;
        let body = page.json();
        seen.extend(
            body["items"].as_array().unwrap().iter().map(|item| item["terminal_id"].as_str().unwrap().to_owned()),
        );
        let link = page.header("link").to_owned();
        if link.is_empty() {
            break;
        }
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(seen, ["ATM-0007", "POS-0", "POS-1", "POS-2", "POS-3", "POS-4"]);
    api.get("/v1/terminals").await.problem(400, "invalid_query");
    api.post("/v1/terminals", named(&api, "stranger", "ATM-1")).await.problem(404, "not_found");
    let bad = api.post("/v1/terminals", named(&api, "shop-1", &"x".repeat(33))).await;
    assert_eq!(bad.problem(422, "validation_failed"), ["/terminal_id invalid"]);

    // Another partner of the same shops has terminals of its own, and sees no others.
    let other = api.access.client("other", &Scope::ALL, &[api.world.id("root")]).await;
    api.token = api.access.token(&other).await;
    let list = api.get(&format!("/v1/terminals?reseller_id={}", api.world.id("shop-1"))).await.json();
    assert_eq!(list["items"], json!([]));
    api.post("/v1/terminals/block", named(&api, "shop-1", "ATM-0007")).await.problem(404, "not_found");
    assert_eq!(sell(&api, "e").await, "completed", "it is held to nothing");
}
