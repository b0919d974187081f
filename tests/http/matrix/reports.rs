//! Rows of the calls that compare books.

use serde_json::json;
use taabia::services::Scope;

use super::Reach::Everyone;
use super::Row;

pub fn rows() -> Vec<Row> {
    let row = |call, scope, reach, good, ask| Row { call, scope, reach, good, ask, or: None };
    vec![
        Row {
            or: Some(Scope::StockApprove),
            ..row("POST /v1/settlements", Some(Scope::StockIssue), Everyone, &[422], |_, _| {
                ("/v1/settlements?acquirer=nobody".into(), None)
            })
        },
        Row {
            or: Some(Scope::StockApprove),
            ..row("GET /v1/settlements/{id}", Some(Scope::StockIssue), Everyone, &[404], |_, _| {
                ("/v1/settlements/stl_01939f3e-7c00-8000-8000-000000000003".into(), None)
            })
        },
        Row {
            or: Some(Scope::StockApprove),
            ..row("POST /v1/charging-records", Some(Scope::StockIssue), Everyone, &[415], |_, _| {
                ("/v1/charging-records".into(), Some(json!({})))
            })
        },
        Row {
            or: Some(Scope::StockApprove),
            ..row("GET /v1/settlement-items", Some(Scope::StockIssue), Everyone, &[200], |_, _| {
                ("/v1/settlement-items?state=missing_there".into(), None)
            })
        },
        Row {
            or: Some(Scope::StockApprove),
            ..row("GET /v1/settlement-items/{id}", Some(Scope::StockIssue), Everyone, &[404], |_, _| {
                ("/v1/settlement-items/itm_01939f3e7c0080008000000000000003-1".into(), None)
            })
        },
        Row {
            or: Some(Scope::StockApprove),
            ..row("PUT /v1/settlement-items/{id}/owner", Some(Scope::StockIssue), Everyone, &[404], |_, _| {
                let body = json!({ "owner": "cli_01939f3e-7c00-7000-8000-000000000003", "reason": "hers" });
                ("/v1/settlement-items/itm_01939f3e7c0080008000000000000003-1/owner".into(), Some(body))
            })
        },
        row("POST /v1/resolutions", Some(Scope::StockIssue), Everyone, &[404], |_, nonce| {
            let body = json!({
                "external_id": format!("resolution-{nonce}"), "item_id": "itm_01939f3e7c0080008000000000000003-1",
                "resolution": "write_off", "reason": "because", "document": "PO-1"
            });
            ("/v1/resolutions".into(), Some(body))
        }),
        Row {
            or: Some(Scope::StockApprove),
            ..row("GET /v1/resolutions/{id}", Some(Scope::StockIssue), Everyone, &[404], |_, _| {
                ("/v1/resolutions/rsn_01939f3e-7c00-8000-8000-000000000000".into(), None)
            })
        },
        row("POST /v1/resolutions/{id}/approval", Some(Scope::StockApprove), Everyone, &[404], |_, _| {
            let body = json!({ "decision": "refuse", "reason": "no" });
            ("/v1/resolutions/rsn_01939f3e-7c00-8000-8000-000000000000/approval".into(), Some(body))
        }),
        Row {
            or: Some(Scope::StockApprove),
            ..row("GET /v1/acquirers/{name}/notifications", Some(Scope::StockIssue), Everyone, &[404], |_, _| {
                ("/v1/acquirers/nobody/notifications".into(), None)
            })
        },
        // What a caller gets is of its own subtrees.
        row("GET /v1/reconciliation", Some(Scope::RechargesRead), Everyone, &[200], |_, _| {
            ("/v1/reconciliation?business_date=2026-11-22".into(), None)
        }),
        row("GET /v1/reconciliation/lines", Some(Scope::RechargesRead), Everyone, &[200], |_, _| {
            ("/v1/reconciliation/lines?business_date=2026-11-22".into(), None)
        }),
    ]
}
