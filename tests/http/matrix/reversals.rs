//! Reversals and trials.

use serde_json::{Value, json};
use taabia::services::Scope;

use super::{Reach, Row};
use crate::support::api::TestApi;

pub fn rows() -> Vec<Row> {
    use Reach::Subtree;
    let row = |call, scope, reach, good, ask| Row { call, scope, reach, good, ask, or: None };
    vec![
        row("POST /v1/recharges/{id}/reversal", Some(Scope::RechargesWrite), Subtree, &[201], |s, nonce| {
            let body = json!({ "external_id": format!("back-{nonce}"), "amount": "0.01", "reason": "wrong number" });
            (format!("/v1/recharges/{}/reversal", s.recharge), Some(body))
        }),
        row("POST /v1/recharges/reversal", Some(Scope::RechargesWrite), Subtree, &[201], |s, nonce| {
            let body = json!({
                "external_id": format!("undo-{nonce}"), "original_external_id": format!("unheard-of-{nonce}"),
                "reseller_id": s.reseller.to_string(), "reason": "duplicate"
            });
            ("/v1/recharges/reversal".into(), Some(body))
        }),
        row("GET /v1/recharges/{id}/reversals", Some(Scope::RechargesRead), Subtree, &[200], |s, _| {
            (format!("/v1/recharges/{}/reversals", s.recharge), None)
        }),
        row("GET /v1/reversals/{id}", Some(Scope::RechargesRead), Subtree, &[200], |s, _| {
            (format!("/v1/reversals/{}", s.reversal), None)
        }),
        row("POST /v1/trials", Some(Scope::RechargesWrite), Subtree, &[200], |s, _| {
            let body = json!({
                "reseller_id": s.reseller.to_string(), "msisdn": "+212612345678", "amount": "20.00", "currency": "MAD",
                "channel": "atm"
            });
            ("/v1/trials".into(), Some(body))
        }),
    ]
}

/// A part of a recharge that was taken back.
pub async fn made(api: &TestApi, recharge: &Value) -> String {
    let body = json!({ "external_id": "matrix-back", "amount": "0.05", "reason": "wrong number" });
    let path = format!("/v1/recharges/{}/reversal", recharge["id"].as_str().unwrap());
    let made = api.post(&path, body.to_string()).await.json();
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}
