//! Recharges in doubt and what proves their outcome.

use serde_json::json;
use taabia::services::Scope;

use super::{Reach, Row};

pub fn rows() -> Vec<Row> {
    use Reach::{Everyone, Subtree};
    let row = |call, scope, reach, good, ask| Row { call, scope, reach, good, ask, or: None };
    vec![
        row("GET /v1/recharges/{id}/certificate", Some(Scope::RechargesRead), Subtree, &[200], |s, _| {
            (format!("/v1/recharges/{}/certificate", s.recharge), None)
        }),
        row("GET /v1/doubts", Some(Scope::RechargesRead), Subtree, &[200], |s, _| {
            (format!("/v1/doubts?reseller_id={}", s.reseller), None)
        }),
        row("POST /v1/recharges/{id}/statement", Some(Scope::StockIssue), Subtree, &[201], |s, nonce| {
            let body = json!({
                "external_id": format!("statement-{nonce}"), "decision": "applied", "reason": "seen", "document": "T-1"
            });
            (format!("/v1/recharges/{}/statement", s.recharge), Some(body))
        }),
        Row {
            or: Some(Scope::StockApprove),
            ..row("GET /v1/recharges/{id}/statement", Some(Scope::StockIssue), Subtree, &[200, 404], |s, _| {
                (format!("/v1/recharges/{}/statement", s.recharge), None)
            })
        },
        row("POST /v1/recharges/{id}/statement/approval", Some(Scope::StockApprove), Everyone, &[404], |s, _| {
            let body = json!({
                "statement_id": "stm_01939f3e-7c00-8000-8000-000000000000", "decision": "refuse", "reason": "no"
            });
            (format!("/v1/recharges/{}/statement/approval", s.recharge), Some(body))
        }),
    ]
}
