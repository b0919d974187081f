//! Watched stock, days of cover and business days over HTTP.

use axum::body::Body;
use axum::http::header;
use serde_json::json;
use taabia::services::Scope;

use crate::support::api::{Answer, TestApi};

async fn put(api: &TestApi, path: &str, body: serde_json::Value) -> Answer {
    let request = api.request("PUT", path).header(header::CONTENT_TYPE, "application/json");
    api.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn renewed(api: &mut TestApi) {
    let name = format!("at-{}", api.world.clock.now_ms());
    let client = api.access.client(&name, &Scope::ALL, &[api.world.id("root")]).await;
    api.token = api.access.token(&client).await;
}

#[tokio::test]
async fn a_threshold_is_set_read_and_taken_away() {
    let mut api = TestApi::new().await;
    let shop = format!("/v1/resellers/{}", api.world.id("shop-1"));
    let path = format!("{shop}/stock-watch");
    let none = json!({"reseller_id": api.world.id("shop-1").to_string(), "currency": "MAD", "threshold": null,
        "replenish_up_to": null, "replenish_from": null});
    assert_eq!(api.get(&path).await.json(), none);
    assert_eq!(api.get(&format!("{shop}/balance")).await.json()["low_stock"], json!(null));
    let body = json!({"threshold": "2500", "currency": "MAD", "replenish_up_to": "3000.5"});
    let answer = put(&api, &path, body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut expected = none.clone();
    expected["threshold"] = "2500.00".into();
    expected["replenish_up_to"] = "3000.50".into();
    expected["replenish_from"] = "operator".into();
    assert_eq!((&answer.json(), &api.get(&path).await.json()), (&expected, &expected));
    let balance = api.get(&format!("{shop}/balance")).await.json();
    assert_eq!(balance["low_stock"], json!({"threshold": "2500.00", "is_low": true}));

    for (body, expected) in [
        (json!({"threshold": "0", "currency": "MAD"}), "/threshold invalid"),
        (json!({"threshold": "10", "currency": "EUR"}), "/currency invalid"),
        (json!({"threshold": "10", "currency": "MAD", "replenish_up_to": "10.00"}), "/replenish_up_to invalid"),
        (json!({"threshold": "10", "currency": "MAD", "replenish_from": "thin air"}), "/replenish_from invalid"),
        (json!({"currency": "MAD"}), "/threshold missing"),
    ] {
        assert_eq!(put(&api, &path, body).await.problem(422, "validation_failed"), [expected]);
    }
    put(&api, &format!("/v1/resellers/{}/stock-watch", api.world.id("stranger")), body.clone())
        .await
        .problem(404, "not_found");

    // The parent's stock moves only where the caller sees the parent.
    let from_parent =
        json!({"threshold": "10", "currency": "MAD", "replenish_up_to": "20", "replenish_from": "parent"});
    assert_eq!(put(&api, &path, from_parent.clone()).await.json()["replenish_from"], "parent");
    let top = format!("/v1/resellers/{}/stock-watch", api.world.id("root"));
    put(&api, &top, from_parent.clone()).await.problem(404, "not_found");
    let all = std::mem::take(&mut api.token);
    let child = api.access.client("child", &Scope::ALL, &[api.world.id("shop-1")]).await;
    api.token = api.access.token(&child).await;
    put(&api, &path, from_parent).await.problem(404, "not_found");
    api.token = all;

    let gone = api.send(api.request("DELETE", &path).body(Body::empty()).unwrap()).await;
    assert_eq!((gone.status.as_u16(), &gone.json()), (200, &none));
    assert_eq!(api.get(&path).await.json(), none);

    // Who may not allocate sets a threshold, and no more.
    let scopes = [Scope::NetworkWrite, Scope::StockRead];
    let modest = api.access.client("modest", &scopes, &[api.world.id("root")]).await;
    api.token = api.access.token(&modest).await;
    put(&api, &path, body).await.problem(403, "insufficient_scope");
    assert_eq!(put(&api, &path, json!({"threshold": "10", "currency": "MAD"})).await.status, 200);
}

#[tokio::test]
async fn the_balance_tells_how_long_it_lasts_and_the_days_are_listed() {
    let mut api = TestApi::new().await;
    let path = format!("/v1/resellers/{}/balance", api.world.id("shop-1"));
    for day in 0..3 {
        for number in 0..2 {
            let mut body = api.recharge(&format!("k{day}-{number}"));
            body["amount"] = "70.00".into();
            body["allow_repeat"] = true.into();
            assert_eq!(api.post("/v1/recharges", body.to_string()).await.json()["status"], "completed");
        }
        let balance = api.get(&path).await.json();
        let average = format!("{}.00", day * 20);
        assert_eq!(balance["average_daily_sale"], average, "day {day}");
        let cover = [json!(null), json!("86.0"), json!("39.5")];
        assert_eq!(balance["days_of_cover"], cover[day], "day {day}: {balance}");
        api.world.clock.advance_ms(86_400_000);
        renewed(&mut api).await;
    }
    let as_of = api.get(&format!("{path}?as_of=2026-11-23T08:00:00Z")).await.json();
    for unknown in ["low_stock", "average_daily_sale", "days_of_cover"] {
        assert_eq!(as_of[unknown], json!(null));
    }

    let days = api.get("/v1/business-days").await.json();
    let dates: Vec<_> = days["items"].as_array().unwrap().iter().map(|day| day["business_date"].clone()).collect();
    assert_eq!(dates, ["2026-11-25", "2026-11-24", "2026-11-23", "2026-11-22"]);
    assert_eq!(days["items"][0]["closed"], false);
    assert_eq!(days["items"][0]["closed_at"], json!(null));
    assert_eq!(days["items"][3]["ends_at"], "2026-11-23T00:00:00.000Z");
    let first = api.get("/v1/business-days?limit=3").await;
    let next = first.json()["next_cursor"].as_str().unwrap().to_owned();
    assert!(first.header(header::LINK).contains(&next));
    let rest = api.get(&format!("/v1/business-days?limit=3&cursor={next}")).await.json();
    assert_eq!((&rest["items"][0], &rest["next_cursor"]), (&days["items"][3], &json!(null)));
    for (query, expected) in
        [("limit=0", "/limit invalid"), ("cursor=x", "/cursor invalid"), ("from=1", "/from unknown")]
    {
        let answer = api.get(&format!("/v1/business-days?{query}")).await;
        assert_eq!(answer.problem(400, "invalid_query"), [expected]);
    }
}
