//! Lists, their filters and their pages.

use axum::http::header;
use serde_json::{Value, json};

use crate::support::api::TestApi;

async fn sell(api: &TestApi, shop: &str, key: &str) -> String {
    let mut body = api.recharge(key);
    body["reseller_id"] = json!(api.world.id(shop).to_string());
    body["allow_repeat"] = json!(true);
    api.world.clock.advance_ms(1_000);
    api.post("/v1/recharges", body.to_string()).await.json()["id"].as_str().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_are_newest_first_and_lose_nothing() {
    let api = TestApi::new().await;
    let mut sold = Vec::new();
    for number in 0..7 {
        sold.push(sell(&api, if number % 2 == 0 { "shop-1" } else { "shop-2" }, &format!("k{number}")).await);
    }
    sold.reverse();
    assert_eq!(ids(&api.get("/v1/recharges").await.json()), sold);
    let (mut path, mut seen) = ("/v1/recharges?limit=3&status=completed".to_owned(), Vec::new());
    loop {
        let answer = api.get(&path).await;
        let page = answer.json();
        seen.extend(ids(&page));
        let link = answer.header(header::LINK);
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(link, "");
            break;
        };
        path = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
        assert_eq!(path, format!("/v1/recharges?limit=3&status=completed&cursor={cursor}"));
    }
    assert_eq!(seen, sold);
}

#[tokio::test]
async fn filters_narrow() {
    let api = TestApi::new().await;
    let first = sell(&api, "shop-1", "k1").await;
    let second = sell(&api, "shop-2", "k1").await;
    let (one, two) = (api.world.id("shop-1"), api.world.id("shop-2"));
    let period = "from=2026-11-22T00:00:00Z&to=2026-12-22T00:00:00Z";
    for (query, expected) in [
        (format!("reseller_id={one}"), vec![&first]),
        (format!("reseller_id={two}&external_id=k1"), vec![&second]),
        (format!("reseller_id={two}&external_id=k2"), vec![]),
        ("status=declined".into(), vec![]),
        (format!("msisdn=%2B212612345678&{period}"), vec![&second, &first]),
        (format!("msisdn=0612345679&{period}"), vec![]),
        ("from=2026-11-22T08:00:02Z".into(), vec![&second]),
        ("to=2026-11-22T08:00:02Z".into(), vec![&first]),
    ] {
        let page = api.get(&format!("/v1/recharges?{query}")).await.json();
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), expected, "{query}");
    }
}

#[tokio::test]
async fn unexpected_queries_are_refused() {
    let api = TestApi::new().await;
    for (query, expected) in [
        ("limit=0", "/limit invalid"),
        ("limit=201", "/limit invalid"),
        ("limit=ten", "/limit invalid"),
        ("limit=5&limit=5", "/limit duplicate"),
        ("page=2", "/page unknown"),
        ("cursor=nonsense", "/cursor invalid"),
        ("cursor=", "/cursor invalid"),
        ("status=lost", "/status invalid"),
        ("reseller_id=shop-1", "/reseller_id invalid"),
        ("external_id=k", "/reseller_id missing"),
        ("msisdn=0612345678&from=2026-11-01T00:00:00Z", "/to missing"),
        ("msisdn=0612345678&from=2026-11-01T00:00:00Z&to=2026-12-02T00:00:00.001Z", "/to invalid"),
        ("msisdn=12&from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z", "/msisdn invalid"),
        ("from=yesterday", "/from invalid"),
        ("from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "/to invalid"),
        ("status=%00", "/status control_characters"),
        ("external_id=4242424242424242", "/external_id card_data_refused"),
    ] {
        let pointers = api.get(&format!("/v1/recharges?{query}")).await.problem(400, "invalid_query");
        assert_eq!(pointers, [expected], "{query}");
    }
    api.get("/v1/recharges?status=%ff").await.problem(400, "invalid_query");
    api.get("/v1/whoami?cursor=AQAA").await.problem(400, "invalid_query");
    let widest = "/v1/recharges?msisdn=0612345678&from=2026-11-01T00:00:00Z&to=2026-12-02T00:00:00Z";
    assert_eq!(api.get(widest).await.status, 200);
}

#[tokio::test]
async fn whoami_lists_the_roots_first_and_each_reseller_once() {
    let api = TestApi::new().await;
    let id = |name: &str| api.world.id(name).to_string();
    let whole = api.get("/v1/whoami").await.json();
    assert_eq!((&whole["name"], &whole["next_cursor"]), (&json!("atm"), &json!(null)));
    assert_eq!(whole["scopes"].as_array().unwrap().len(), taabia::services::Scope::ALL.len());
    assert!(whole["client_id"].as_str().unwrap().starts_with("cli_"));
    let all: Vec<_> =
        whole["reseller_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!(all.len(), 3);
    assert_eq!(all[0], id("root"));

    for limit in 1..=4 {
        let (mut path, mut seen) = (format!("/v1/whoami?limit={limit}"), Vec::<String>::new());
        loop {
            let page = api.get(&path).await.json();
            let ids = page["reseller_ids"].as_array().unwrap();
            assert!(!ids.is_empty() && ids.len() <= limit, "{page}");
            seen.extend(ids.iter().map(|id| id.as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/whoami?limit={limit}&cursor={cursor}");
        }
        assert_eq!(seen, all, "{limit}");
    }
}
