//! Customer care.

use axum::http::header;
use serde_json::{Value, json};
use taabia::services::Scope;

use super::{Reach, Row};
use crate::support::api::TestApi;

fn complaint(recharge: &str, key: &str) -> Value {
    json!({ "external_id": key, "complaint": "other", "recharge_id": recharge, "call_back": "0661111122" })
}

/// The place of a case about a recharge.
pub async fn made(api: &TestApi, recharge: &Value) -> String {
    let body = complaint(recharge["id"].as_str().unwrap(), "matrix");
    api.post("/v1/cases", body.to_string()).await.header(header::LOCATION).to_owned()
}

pub fn rows() -> Vec<Row> {
    use Reach::Subtree;
    let row = |call, scope, reach, good, ask| Row { call, scope, reach, good, ask, or: None };
    vec![
        row("POST /v1/cases", Some(Scope::CareWrite), Subtree, &[201], |s, nonce| {
            ("/v1/cases".into(), Some(complaint(&s.recharge, &format!("case-{nonce}"))))
        }),
        row("GET /v1/cases", Some(Scope::CareRead), Reach::Everyone, &[200], |_, _| ("/v1/cases".into(), None)),
        row("GET /v1/cases/{id}", Some(Scope::CareRead), Subtree, &[200], |s, _| (s.case.clone(), None)),
        row("PATCH /v1/cases/{id}", Some(Scope::CareWrite), Subtree, &[200], |s, _| {
            (s.case.clone(), Some(json!({ "action": "note", "note": "asked" })))
        }),
        row("GET /v1/care/recharges", Some(Scope::CareRead), Reach::Everyone, &[200], |_, _| {
            let day = "from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z";
            (format!("/v1/care/recharges?msisdn=2126*78&{day}&reason=call"), None)
        }),
        Row {
            or: Some(Scope::CareRead),
            ..row("GET /v1/recharges/{id}/timeline", Some(Scope::RechargesRead), Subtree, &[200], |s, _| {
                (format!("/v1/recharges/{}/timeline", s.recharge), None)
            })
        },
    ]
}
