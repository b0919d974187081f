//! What is sold, what a recharge answers of it, and what it earned.

use serde_json::{Value, json};
use taabia::domain::catalogue::{Import, PayIn, RuleKind};
use taabia::domain::{Currency, ResellerId};
use taabia::ledger::Request;
use taabia::ledger::command::ImportCatalogue;
use taabia::services::Scope;
use taabia::services::catalogue::{Format, parse};

use crate::commission::rule;
use crate::support::api::TestApi;

const FILE: &str = r#"
[[product]]
code = "airtime"
name = "Recharge libre"
kind = "open_range"
[[product.offer]]
amount = "5.00"
amount_to = "500.00"

[[product]]
code = "*3"
name = "Pass Internet"
kind = "benefit"
[[product.offer]]
name = "Pass Internet 1 Go"
amount = "10.00"
benefits = ["data:1024", "sms:10"]
validity = "7d"
[[product.offer]]
amount = "20.00"
benefits = ["data:4096"]
validity = "1h"
from = "2026-12-01"
"#;

fn sample() -> Import {
    parse(FILE.as_bytes(), Format::Toml, Currency::MAD, &jiff::tz::TimeZone::UTC).unwrap()
}

async fn with_catalogue(rules: Vec<taabia::domain::catalogue::Rule>) -> TestApi {
    let api = TestApi::new().await;
    let import = Import { rules, ..sample() };
    api.world.must(Request::ImportCatalogue(ImportCatalogue { import })).await;
    api.world.clock.advance_ms(1);
    api
}

async fn sell(api: &TestApi, key: &str, product: &str, amount: &str) -> Value {
    let mut order = api.recharge(key);
    (order["product"], order["amount"], order["allow_repeat"]) = (product.into(), amount.into(), true.into());
    let answer = api.post("/v1/recharges", order.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn a_fresh_installation_sells_airtime() {
    let api = TestApi::new().await;
    let answer = api.get("/v1/products").await.json();
    assert_eq!((&answer["version"], &answer["currency"]), (&json!(0), &json!("MAD")));
    let product = &answer["items"][0];
    assert_eq!((&product["code"], &product["kind"]), (&json!("airtime"), &json!("open_range")));
    assert_eq!(product["offers"][0]["amount_min"], "5.00");
    assert_eq!(product["offers"][0]["amount_max"], "500.00");
    let sold = sell(&api, "a", "airtime", "20.00").await;
    assert_eq!((&sold["benefits"], &sold["validity"], &sold["product_version"]), (&json!([]), &Value::Null, &json!(0)));
    assert_eq!(sold["commission"], "0.00");
}

#[tokio::test]
async fn products_are_listed_page_by_page_with_what_is_announced() {
    let api = with_catalogue(vec![]).await;
    let first = api.get("/v1/products?limit=1").await;
    assert!(first.header("link").contains("rel=\"next\""));
    let first = first.json();
    assert_eq!(first["items"][0]["code"], "*3");
    let offers = first["items"][0]["offers"].as_array().unwrap();
    assert_eq!(
        offers[0]["benefits"],
        json!([
            { "kind": "data", "quantity": 1024, "unit": "MB" },
            { "kind": "sms", "quantity": 10, "unit": "messages" },
        ])
    );
    assert_eq!((&offers[0]["validity"], &offers[1]["validity"]), (&json!("P7D"), &json!("PT1H")));
    assert_eq!(offers[1]["effective_from"], "2026-12-01T00:00:00.000Z");
    let next = first["next_cursor"].as_str().unwrap();
    let second = api.get(&format!("/v1/products?limit=1&cursor={next}")).await.json();
    assert_eq!((&second["items"][0]["code"], &second["next_cursor"]), (&json!("airtime"), &Value::Null));
    api.get("/v1/products?cursor=nonsense").await.problem(400, "invalid_query");
    api.get("/v1/products?product=x").await.problem(400, "invalid_query");
}

#[tokio::test]
async fn a_recharge_tells_what_it_brings_and_what_is_off_the_catalogue_is_declined() {
    let api = with_catalogue(vec![]).await;
    let sold = sell(&api, "a", "*3", "10.00").await;
    assert_eq!(
        (&sold["status"], &sold["product"], &sold["product_version"]),
        (&json!("completed"), &json!("*3"), &json!(1))
    );
    assert_eq!((&sold["benefits"][0]["quantity"], &sold["validity"]), (&json!(1024), &json!("P7D")));
    let shown = api.get(&format!("/v1/recharges/{}", sold["id"].as_str().unwrap())).await.json();
    assert_eq!(shown, sold);
    for (key, product, amount, code) in [
        ("b", "*3", "20.00", "amount_out_of_range"),
        ("c", "*9", "20.00", "product_unknown"),
        ("d", "airtime", "500.01", "amount_out_of_range"),
    ] {
        let declined = sell(&api, key, product, amount).await;
        assert_eq!(
            (&declined["status"], &declined["decline"]["code"]),
            (&json!("declined"), &json!(code)),
            "{product}"
        );
        assert_eq!(declined["benefits"], json!([]));
    }
    let mut order = api.recharge("e");
    order["product"] = "No such code!".into();
    assert_eq!(
        api.post("/v1/recharges", order.to_string()).await.problem(422, "validation_failed"),
        ["/product invalid"]
    );
    // What it was sold as does not change with the catalogue.
    let withdrawn = taabia::domain::catalogue::Product { offers: vec![], ..sample().products[1].clone() };
    let import = Import { products: vec![withdrawn], ..Import::default() };
    api.world.must(Request::ImportCatalogue(ImportCatalogue { import })).await;
    api.world.clock.advance_ms(1);
    assert_eq!(sell(&api, "f", "*3", "10.00").await["decline"]["code"], "product_unknown");
    let listed = api.get("/v1/recharges?limit=200").await.json();
    let first = listed["items"].as_array().unwrap().iter().find(|item| item["external_id"] == "a").unwrap().clone();
    assert_eq!(first, sold);
}

#[tokio::test]
async fn a_commission_is_explained_to_those_whose_business_it_is() {
    let rules = vec![
        rule("outlet", RuleKind::Commission, "outlet", "2.55", Some(PayIn::Stock)),
        rule("above", RuleKind::Override, "outlet", "0.125", Some(PayIn::Money)),
    ];
    let api = with_catalogue(rules).await;
    let sold = sell(&api, "a", "airtime", "20.00").await;
    assert_eq!(sold["commission"], "0.51");
    let path = format!("/v1/recharges/{}/commission", sold["id"].as_str().unwrap());
    let told = api.get(&path).await.json();
    let (shop, root) = (api.world.id("shop-1").to_string(), api.world.id("root").to_string());
    assert_eq!(
        (&told["earned"], &told["catalogue_version"], &told["currency"]),
        (&json!(true), &json!(1), &json!("MAD"))
    );
    assert_eq!(told["total"], json!({ "stock": "0.51", "money": "0.02" }));
    assert_eq!(told["rounding"], json!({ "stock": "0.00", "money": "0.00" }));
    let [seller, above] = told["shares"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!(
        (&seller["reseller_id"], &seller["steps_up"], &seller["pay_in"]),
        (&json!(shop), &json!(0), &json!("stock"))
    );
    assert_eq!(seller["arithmetic"], "20.00 × 2.55 % = 0.51, rounded half to even: 0.51");
    assert_eq!((&seller["rule"]["code"], &seller["rule"]["rate"]), (&json!("outlet"), &json!("2.55")));
    assert_eq!((&above["reseller_id"], &above["rule"]["kind"]), (&json!(root), &json!("override")));
    assert_eq!(above["arithmetic"], "20.00 × 0.125 % = 0.025, rounded half to even: 0.02");

    // The outlet does not see what stands above it earns; a stranger sees nothing.
    let shop: ResellerId = api.world.id("shop-1");
    for (roots, expected) in [(shop, 200), (api.world.id("stranger"), 404)] {
        let client = api.access.client(&format!("client-{expected}"), &Scope::ALL, &[roots]).await;
        let token = api.access.token(&client).await;
        let request = axum::http::Request::builder().uri(&path).header("authorization", format!("Bearer {token}"));
        let answer = api.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, expected);
        if expected == 200 {
            let told = answer.json();
            assert_eq!(told["shares"].as_array().unwrap().len(), 1);
            assert_eq!((&told["rounding"], &told["total"]["money"]), (&Value::Null, &json!("0.00")));
        }
    }
    let declined = sell(&api, "b", "airtime", "500.01").await;
    let told = api.get(&format!("/v1/recharges/{}/commission", declined["id"].as_str().unwrap())).await.json();
    assert_eq!((&told["earned"], &told["shares"]), (&json!(false), &json!([])));
    api.get("/v1/recharges/rch_01939f3e-7c00-7000-8000-000000000001/commission").await.problem(404, "not_found");
}
