//! What happened to a recharge, from its beginning: entries with postings, calls, answers, deliveries.

use axum::http::header;
use serde_json::{Value, json};
use taabia::domain::{EventType, OperationId};
use taabia::ledger::command::{Resolve, Source};
use taabia::ledger::{Evidence, Request};
use taabia::ports::Clock as _;
use taabia::services::Scope;
use taabia::services::webhooks::NewEndpoint;

use super::sell;
use crate::support::api::{Answer, TestApi};
use crate::support::on_every_store;
use crate::support::webhooks;
use crate::support::world::RELEASE;

async fn timeline(api: &TestApi, recharge: &Value) -> Value {
    let answer = api.get(&path(recharge)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn path(recharge: &Value) -> String {
    format!("/v1/recharges/{}/timeline", recharge["id"].as_str().unwrap())
}

/// What a charging system says now.
async fn hear(api: &TestApi, operation: OperationId, evidence: Evidence) {
    let source = Source::answer(api.world.clock.now());
    api.world.must(Request::Resolve(Resolve { operation, evidence, source })).await;
}

/// Each event in a few words.
fn told(timeline: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let tell = |event: &Value| match event["type"].as_str().unwrap() {
        "entry" => text(&event["entry"]["kind"]),
        "call" => format!("{}?", text(&event["call"]["asks"])),
        "answer" => {
            let answer = &event["answer"];
            format!("{}: {} {}", text(&answer["by"]), text(&answer["says"]), text(&answer["effect"]))
        }
        _ => format!("{} {}", text(&event["delivery"]["event_type"]), text(&event["delivery"]["outcome"])),
    };
    timeline["events"].as_array().unwrap().iter().map(tell).collect()
}

/// The same question of another client.
async fn asked_by(api: &TestApi, name: &str, scopes: &[Scope], root: &str, path: &str) -> Answer {
    let client = api.access.client(name, scopes, &[api.world.id(root)]).await;
    let bearer = format!("Bearer {}", api.access.token(&client).await);
    let request = axum::http::Request::get(path).header(header::AUTHORIZATION, bearer);
    api.send(request.body(axum::body::Body::empty()).unwrap()).await
}

on_every_store!(a_sale_is_told_with_its_postings, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    let recharge = sell(&api, "a", "+212612345678").await;
    for key in ["b", "c", "d"] {
        sell(&api, key, "+212612345678").await;
    }
    let whole = timeline(&api, &recharge).await;
    assert_eq!(told(&whole), ["recharge.reserved", "refill?", "answer: applied -", "recharge.completed"], "{whole}");
    assert_eq!((&whole["complete"], &whole["status"]), (&json!(true), &json!("completed")));
    assert_eq!((&whole["reversal_ids"], &whole["topup_id"]), (&json!([]), &json!(null)));
    let call = &whole["events"][1]["call"];
    assert_eq!(
        (&call["charging_system"], &call["charging_reference"]),
        (&json!("main"), &recharge["charging_reference"])
    );
    let entry = &whole["events"][3]["entry"];
    assert_eq!((&entry["actor"], &entry["hidden_postings"]), (&json!("system:charging"), &json!(0)));
    let posting = &entry["postings"][0];
    assert_eq!(posting["debit"], json!({ "account": "reseller_stock", "reseller_id": recharge["reseller_id"] }));
    assert_eq!(posting["credit"], json!({ "account": "delivered", "reseller_id": null }));
    assert_eq!((&posting["asset"], &posting["amount"]), (&json!("airtime:MAD"), &json!("20.00")));

    // Declined by the charging system, refused before it was asked, never received.
    let declined = timeline(&api, &sell(&api, "e", "+212612345602").await).await;
    assert_eq!(
        told(&declined),
        ["recharge.reserved", "refill?", "answer: not_applied -", "recharge.released"],
        "{declined}"
    );
    assert_eq!(declined["events"][2]["answer"]["decline"], "subscriber_unknown");
    let mut dear = api.recharge("f");
    dear["amount"] = json!("499.00");
    for key in ["g", "h", "i", "j", "k"] {
        dear["external_id"] = json!(key);
        dear["allow_repeat"] = json!(true);
        let made = api.post("/v1/recharges", dear.to_string()).await.json();
        if made["decline"]["code"] == "insufficient_stock" {
            assert_eq!(told(&timeline(&api, &made).await), ["recharge.refused"]);
        }
    }
    let key = json!({ "reseller_id": api.world.id("shop-1").to_string(), "external_id": "lost" });
    let void = api.post("/v1/recharges/void", key.to_string()).await.json();
    let void = timeline(&api, &void).await;
    assert_eq!((told(&void), &void["complete"]), (vec!["key.voided".to_owned()], &json!(true)));
});

on_every_store!(a_doubt_and_its_reversal_are_told_in_their_order, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    let recharge = sell(&api, "a", "+212612345600").await;
    let id = OperationId::parse(recharge["id"].as_str().unwrap(), "rch_").unwrap();
    api.world.clock.advance_ms(4_001);
    hear(&api, id, Evidence::NoAnswer).await;
    let open = timeline(&api, &recharge).await;
    assert_eq!(told(&open), ["recharge.reserved", "refill?", "answer: no_answer -", "recharge.in_doubt"], "{open}");
    // Others sell meanwhile.
    for n in 0..30 {
        api.world.clock.advance_ms(10_000);
        sell(&api, &format!("n{n}"), "+212612345678").await;
    }
    hear(&api, id, Evidence::NotKnown).await;
    sell(&api, "between", "+212612345678").await;
    hear(&api, id, Evidence::Applied).await;
    api.world.clock.advance_ms(200_000);
    hear(&api, id, RELEASE).await;
    let body = json!({ "external_id": "back", "reason": "wrong number" });
    let reversal =
        api.post(&format!("/v1/recharges/{}/reversal", recharge["id"].as_str().unwrap()), body.to_string()).await;
    let reversal = reversal.json();
    sell(&api, "after", "+212612345678").await;
    let whole = timeline(&api, &recharge).await;
    assert_eq!(
        told(&whole),
        [
            "recharge.reserved",
            "refill?",
            "answer: no_answer -",
            "recharge.in_doubt",
            "late_answer: not_known nothing",
            "recharge.evidence_recorded",
            "late_answer: applied decided",
            "recharge.completed",
            "late_answer: not_applied contradicts",
            "recharge.evidence_contradicts",
            "reversal.submitted",
            "reversal?",
            "recharge.reversal_pending",
            "answer: applied -",
            "reversal.completed",
            "recharge.reversed",
        ]
        .map(String::from),
        "{whole}"
    );
    assert_eq!((&whole["complete"], &whole["reversal_ids"]), (&json!(true), &json!([reversal["id"]])));
    let times: Vec<_> = whole["events"].as_array().unwrap().iter().map(|event| event["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
});

on_every_store!(whose_it_is_and_who_helps_see_it, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    let recharge = sell(&api, "a", "+212612345678").await;
    let path = path(&recharge);
    let all = api.get(&path).await.json();
    for (name, scopes, root) in [
        ("reader", [Scope::RechargesRead].as_slice(), "root"),
        ("carer", &[Scope::CareRead], "root"),
        ("outlet", &[Scope::RechargesRead], "shop-1"),
    ] {
        let seen = asked_by(&api, name, scopes, root, &path).await;
        assert_eq!((seen.status.as_u16(), seen.json()), (200, all.clone()), "{name}");
    }
    asked_by(&api, "other", &Scope::ALL, "shop-2", &path).await.problem(404, "not_found");
    asked_by(&api, "narrow", &[Scope::StockRead], "root", &path).await.problem(403, "insufficient_scope");
    for unknown in ["rch_01939f3e-7c00-7000-8000-000000000001", "rch_x", "top_01939f3e-7c00-7000-8000-000000000001"] {
        api.get(&format!("/v1/recharges/{unknown}/timeline")).await.problem(404, "not_found");
    }
});

on_every_store!(attempts_to_deliver_are_told_to_whose_they_are, async |books| {
    let api = TestApi::over(books, Vec::new()).await;
    let partner = webhooks::client(&api.world, "partner", &Scope::ALL, &["root"]).await;
    let receiver = webhooks::Receiver::new();
    let endpoints = webhooks::webhooks(&api.world, receiver.clone());
    let new = NewEndpoint {
        url: "https://partner.example/hook".into(),
        event_types: vec![EventType::RechargeCompleted],
        description: None,
    };
    endpoints.register(&partner, new).await.unwrap();
    let recharge = sell(&api, "a", "+212612345678").await;
    sell(&api, "b", "+212612345678").await;
    webhooks::sweep(&webhooks::job(&api.world, receiver, std::sync::Arc::new(webhooks::Plain), 1)).await;
    let id = OperationId::parse(recharge["id"].as_str().unwrap(), "rch_").unwrap();
    let attempts = |whole: &[String]| whole.iter().filter(|event| *event == "recharge.completed delivered").count();
    // Whoever helps sees everybody's; a partner its own.
    assert_eq!(attempts(&told(&timeline(&api, &recharge).await)), 1);
    let own = api.state.care.timeline(&partner, id).await.unwrap();
    let without = taabia::services::Caller { scopes: [Scope::RechargesRead].into(), ..partner.clone() };
    let seen = api.state.care.timeline(&without, id).await.unwrap();
    assert_eq!(seen.events.len(), own.events.len());
    let stranger = asked_by(&api, "reader", &[Scope::RechargesRead], "root", &path(&recharge)).await;
    assert_eq!(attempts(&told(&stranger.json())), 0);
});
