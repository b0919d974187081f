//! What one person proposes and another one decides.

use serde_json::json;
use taabia::services::Scope;

use super::Reach::{Everyone, Subtree};
use super::Row;

pub fn rows() -> Vec<Row> {
    let row = |call, scope, reach, good, ask| Row { call, scope, reach, good, ask, or: None };
    vec![
        row("POST /v1/issues", Some(Scope::StockIssue), Everyone, &[201], |_, nonce| {
            let body = json!({
                "external_id": format!("issue-{nonce}"), "amount": "5.00", "currency": "MAD", "reason": "because",
                "document": "PO-1"
            });
            ("/v1/issues".into(), Some(body))
        }),
        Row {
            or: Some(Scope::StockApprove),
            ..row("GET /v1/issues/{id}", Some(Scope::StockIssue), Everyone, &[200], |s, nonce| {
                (s.proposal("issues", nonce), None)
            })
        },
        row("POST /v1/issues/{id}/approval", Some(Scope::StockApprove), Everyone, &[200], |s, nonce| {
            let body = json!({ "decision": "refuse", "reason": "no" });
            (format!("{}/approval", s.proposal("issues", nonce)), Some(body))
        }),
        row("POST /v1/destructions", Some(Scope::StockIssue), Everyone, &[201], |_, nonce| {
            let body = json!({
                "external_id": format!("destruction-{nonce}"), "amount": "5.00", "currency": "MAD", "reason": "because",
                "document": "PO-1"
            });
            ("/v1/destructions".into(), Some(body))
        }),
        Row {
            or: Some(Scope::StockApprove),
            ..row("GET /v1/destructions/{id}", Some(Scope::StockIssue), Everyone, &[200], |s, nonce| {
                (s.proposal("destructions", nonce), None)
            })
        },
        row("POST /v1/destructions/{id}/approval", Some(Scope::StockApprove), Everyone, &[200], |s, nonce| {
            let body = json!({ "decision": "refuse", "reason": "no" });
            (format!("{}/approval", s.proposal("destructions", nonce)), Some(body))
        }),
        row("POST /v1/adjustments", Some(Scope::StockIssue), Subtree, &[201], |s, nonce| {
            let body = json!({
                "external_id": format!("adjustment-{nonce}"), "amount": "5.00", "currency": "MAD", "reason": "because",
                "document": "PO-1", "direction": "in", "reseller_id": s.reseller.to_string()
            });
            ("/v1/adjustments".into(), Some(body))
        }),
        Row {
            or: Some(Scope::StockApprove),
            ..row("GET /v1/adjustments/{id}", Some(Scope::StockIssue), Subtree, &[200], |s, nonce| {
                (s.proposal("adjustments", nonce), None)
            })
        },
        row("POST /v1/adjustments/{id}/approval", Some(Scope::StockApprove), Subtree, &[200], |s, nonce| {
            let body = json!({ "decision": "refuse", "reason": "no" });
            (format!("{}/approval", s.proposal("adjustments", nonce)), Some(body))
        }),
        row("POST /v1/limit-raises", Some(Scope::StockIssue), Subtree, &[201], |s, nonce| {
            let body = json!({
                "external_id": format!("raise-{nonce}"), "currency": "MAD", "credit_limit": "1.00", "reason": "because",
                "document": "PO-1", "reseller_id": s.reseller.to_string()
            });
            ("/v1/limit-raises".into(), Some(body))
        }),
        Row {
            or: Some(Scope::StockApprove),
            ..row("GET /v1/limit-raises/{id}", Some(Scope::StockIssue), Subtree, &[200], |s, nonce| {
                (s.proposal("limit-raises", nonce), None)
            })
        },
        row("POST /v1/limit-raises/{id}/approval", Some(Scope::StockApprove), Subtree, &[200], |s, nonce| {
            let body = json!({ "decision": "refuse", "reason": "no" });
            (format!("{}/approval", s.proposal("limit-raises", nonce)), Some(body))
        }),
    ]
}
