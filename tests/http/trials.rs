//! Trials: what a recharge would come to, and nothing of it.

use serde_json::{Value, json};
use taabia::domain::{Limits, Standing};

use crate::support::api::TestApi;

fn trial(api: &TestApi) -> Value {
    let mut body = api.recharge("unused");
    body.as_object_mut().unwrap().remove("external_id");
    body
}

async fn would_be(api: &TestApi, change: impl FnOnce(&mut Value)) -> Value {
    let mut body = trial(api);
    change(&mut body);
    let answer = api.post("/v1/trials", body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn it_answers_what_a_recharge_would() {
    let api = TestApi::new().await;
    let before = api.get(&format!("/v1/recharges?reseller_id={}", api.world.id("shop-1"))).await.json();
    let good = would_be(&api, |_| {}).await;
    let expected = json!({
        "would_be": "completed", "decline": null, "subscriber": "reachable",
        "reseller_id": api.world.id("shop-1").to_string(), "msisdn": "+212612345678", "amount": "20.00",
        "currency": "MAD", "product": "airtime", "product_version": 0, "benefits": [], "validity": null,
        "channel": "atm", "terminal_id": "ATM-0007", "balance_after": "1980.00", "commission": "0.00"
    });
    assert_eq!(good, expected);
    assert_eq!(would_be(&api, |_| {}).await, good, "the one before left nothing behind");
    for (change, code, subscriber) in [
        (("amount", "4.99"), "amount_out_of_range", "not_checked"),
        (("product", "nothing"), "product_unknown", "not_checked"),
        (("msisdn", "+212612345602"), "subscriber_unknown", "unknown"),
    ] {
        let declined = would_be(&api, |body| body[change.0] = json!(change.1)).await;
        assert_eq!(
            (&declined["would_be"], &declined["decline"]["code"], &declined["subscriber"], &declined["balance_after"]),
            (&json!("declined"), &json!(code), &json!(subscriber), &Value::Null),
            "{declined}"
        );
    }
    let silent = would_be(&api, |body| body["msisdn"] = json!("+212612345600")).await;
    assert_eq!((&silent["would_be"], &silent["subscriber"]), (&json!("completed"), &json!("not_checked")));
    assert_eq!(api.get(&format!("/v1/recharges?reseller_id={}", api.world.id("shop-1"))).await.json(), before);
    // What is sold meanwhile counts for the next trial as for the next recharge.
    api.post("/v1/recharges", api.recharge("a").to_string()).await;
    assert_eq!(would_be(&api, |_| {}).await["decline"]["code"], "similar_recharge");
    assert_eq!(would_be(&api, |body| body["allow_repeat"] = json!(true)).await["balance_after"], "1960.00");
    let limits = Limits { per_day_count: Some(1), ..Limits::default() };
    api.world.must(api.world.limits("shop-1", limits)).await;
    assert_eq!(would_be(&api, |body| body["amount"] = json!("21.00")).await["decline"]["code"], "limit_exceeded");
    api.world.must(api.world.standing("shop-1", Standing::Suspended)).await;
    assert_eq!(would_be(&api, |_| {}).await["decline"]["code"], "reseller_suspended");
}

#[tokio::test]
async fn a_key_is_no_part_of_it() {
    let api = TestApi::new().await;
    let body = api.recharge("a").to_string();
    api.post("/v1/trials", body).await.problem(400, "invalid_body");
    let mut body = trial(&api);
    body["reseller_id"] = json!(api.world.id("stranger").to_string());
    api.post("/v1/trials", body.to_string()).await.problem(404, "not_found");
}
