//! Charge-backs over HTTP, told by the simulator; refunds and kept notifications as lists.

use std::time::Duration;

use serde_json::{Value, json};
use taabia::acquiring::signature;
use taabia::ports::Clock;
use taabia::ports::acquirer::CaptureMode;

use super::notifications::{SECRET, Shop};
use crate::support::must_verify;

/// Waits until the top-up's dispute is so, and gives the top-up back.
async fn disputed(shop: &Shop, id: &Value, status: &str) -> Value {
    let path = format!("/v1/topups/{}", id.as_str().unwrap());
    for _ in 0..500 {
        let topup = shop.api.get(&path).await.json();
        if topup["disputes"][0]["status"] == status {
            return topup;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{id} is not {status}");
}

/// What the simulator has charged back, in minor units.
async fn charged_back(shop: &Shop) -> Value {
    let summary = format!("http://{}/summary", shop.server.as_ref().unwrap().addr());
    let summary = crate::support::program::http_client().get(summary).send().await.unwrap();
    let summary: Value = serde_json::from_str(&summary.text().await.unwrap()).unwrap();
    find(&summary, "charged_back_minor").cloned().unwrap_or(Value::Null)
}

fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(name).or_else(|| fields.values().find_map(|value| find(value, name))),
        Value::Array(items) => items.iter().find_map(|value| find(value, name)),
        _ => None,
    }
}

#[tokio::test]
async fn a_charge_back_goes_its_way_from_the_simulator_to_the_books() {
    let shop = Shop::with_simulator(CaptureMode::Automatic).await;
    let lost = shop.buy("lost", json!({ "payment_method": "tok_chargeback_lost_after_5" })).await;
    let won = shop.buy("won", json!({ "payment_method": "tok_chargeback_won_after_5" })).await;
    assert_eq!(
        (&lost["status"], &won["status"], &won["disputes"]),
        (&json!("credited"), &json!("credited"), &json!([]))
    );
    assert_eq!(shop.stock().await, 202_000);
    shop.clock.advance_ms(5_001);
    for topup in [&lost, &won] {
        let open = disputed(&shop, &topup["id"], "open").await;
        let dispute = &open["disputes"][0];
        assert_eq!((&open["status"], &open["charged_back"]), (&json!("credited"), &json!("10.00")));
        assert_eq!((&dispute["stock_returned"], &dispute["owed"]), (&json!("10.00"), &json!("0.00")));
    }
    assert_eq!((shop.stock().await, shop.taken_from_cards().await), (200_000, 0));
    assert_eq!(charged_back(&shop).await, json!(2_000));
    let reseller = shop.api.get(&format!("/v1/resellers/{}", shop.api.world.id("shop-1"))).await.json();
    assert_eq!(reseller["standing"], "suspended");
    let audit = shop.api.get("/v1/audit").await.json();
    let action = &audit["items"][0];
    assert_eq!(action["action"], "reseller.standing_changed", "{audit}");
    assert!(action.to_string().contains("dispute dsp"), "{action}");
    shop.clock.advance_ms(5_001);
    let lost = disputed(&shop, &lost["id"], "lost").await;
    assert_eq!((&lost["status"], &lost["final"]), (&json!("charged_back"), &json!(true)));
    let won = disputed(&shop, &won["id"], "won").await;
    assert_eq!((&won["status"], &won["charged_back"]), (&json!("credited"), &json!("0.00")));
    assert_eq!((shop.stock().await, shop.taken_from_cards().await), (201_000, 1_000));
    assert_eq!(charged_back(&shop).await, json!(1_000));
    let kept = shop.api.get("/v1/acquirers/simulator/notifications").await.json();
    assert_eq!(kept, json!({ "items": [], "next_cursor": null }));
    must_verify(&*shop.api.world.books.audit).await;
}

#[tokio::test]
async fn what_fits_no_top_up_is_listed_for_the_operator() {
    let shop = Shop::with_simulator(CaptureMode::Automatic).await;
    let topup = shop.buy("a", json!({ "payment_method": "tok_no_notifications" })).await;
    let told = |event: &str, order: &str, currency: &str| {
        json!({
            "id": event, "type": "dispute.opened", "order": order, "reference": "pm_1", "dispute": "dsp_1",
            "occurred_ms": 0, "amount_minor": 1_000, "currency": currency
        })
    };
    let unknown = "top_01939f3e-7c00-7000-8000-000000000000";
    for body in [told("evt_1", unknown, "MAD"), told("evt_2", topup["id"].as_str().unwrap(), "EUR")] {
        let body = body.to_string();
        let header = signature::sign(&SECRET.into(), shop.clock.now(), body.as_bytes());
        assert_eq!(shop.notify("simulator", Some(&header), body.as_bytes()).await.status, 200);
        shop.clock.advance_ms(1);
    }
    let forged = told("evt_3", unknown, "MAD").to_string();
    assert_eq!(shop.notify("simulator", Some("t=1,v1=00"), forged.as_bytes()).await.status, 400);
    let path = "/v1/acquirers/simulator/notifications";
    let mut seen = Vec::new();
    let mut next = format!("{path}?limit=1");
    loop {
        let page = shop.api.get(&next).await.json();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|it| (it["id"].clone(), it["outcome"].clone(), it["amount"].clone())));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}?limit=1&cursor={cursor}"),
            None => break,
        }
    }
    seen.sort_by_key(|(id, ..)| id.to_string());
    let expected = [("evt_1", "unknown_order"), ("evt_2", "other_currency")];
    assert_eq!(seen, expected.map(|(id, outcome)| (json!(id), json!(outcome), json!("10.00"))));
    for (path, status) in [("/v1/acquirers/nobody/notifications", 404), (&format!("{path}?cursor=x"), 400)] {
        assert_eq!(shop.api.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn refunds_of_a_top_up_are_listed() {
    let shop = Shop::with_simulator(CaptureMode::Automatic).await;
    let topup = shop.buy("a", json!({ "payment_method": "tok_visa" })).await;
    let path = format!("/v1/topups/{}", topup["id"].as_str().unwrap());
    for (key, amount) in [("r1", "1.00"), ("r2", "2.00"), ("r3", "50.00")] {
        let body = json!({ "external_id": key, "amount": amount, "currency": "MAD", "reason": "by halves" });
        assert_eq!(shop.api.post(&format!("{path}/refund"), body.to_string()).await.status, 201);
    }
    let first = shop.api.get(&format!("{path}/refunds?limit=2")).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = shop.api.get(&format!("{path}/refunds?limit=2&cursor={cursor}")).await.json();
    assert_eq!(last["next_cursor"], Value::Null);
    let items = [first["items"].as_array().unwrap().as_slice(), last["items"].as_array().unwrap()].concat();
    let mut shown: Vec<_> = items.iter().map(|it| (it["external_id"].to_string(), it["status"].to_string())).collect();
    shown.sort_unstable();
    let expected = [("r1", "refunded"), ("r2", "refunded"), ("r3", "declined")];
    assert_eq!(shown, expected.map(|(key, status)| (json!(key).to_string(), json!(status).to_string())));
    assert_eq!(shop.api.get(&format!("{path}/refunds?cursor=x")).await.status, 400);
}
