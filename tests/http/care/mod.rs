//! Customer care over the API, on every store.

mod cases;
mod search;
mod timeline;

use serde_json::{Value, json};

use crate::support::api::TestApi;

/// A recharge as it stands once its answer came, however busy the machine is; one for a number that ends in `00` gets none.
async fn sell(api: &TestApi, key: &str, msisdn: &str) -> Value {
    let mut body = api.recharge(key);
    (body["msisdn"], body["allow_repeat"]) = (json!(msisdn), json!(true));
    loop {
        let answer = api.post("/v1/recharges", body.to_string()).await;
        let recharge = answer.json();
        if answer.status.is_success() && (recharge["status"] != "submitted" || msisdn.ends_with("00")) {
            return recharge;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
