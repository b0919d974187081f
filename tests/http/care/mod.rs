//! Customer care over the API, on every store.

mod search;
mod timeline;

use serde_json::{Value, json};

use crate::support::api::TestApi;

async fn sell(api: &TestApi, key: &str, msisdn: &str) -> Value {
    let mut body = api.recharge(key);
    (body["msisdn"], body["allow_repeat"]) = (json!(msisdn), json!(true));
    api.post("/v1/recharges", body.to_string()).await.json()
}
