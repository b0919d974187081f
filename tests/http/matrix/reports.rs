//! Rows of the calls that compare books.

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
            ..row("GET /v1/settlement-items", Some(Scope::StockIssue), Everyone, &[200], |_, _| {
                ("/v1/settlement-items?state=missing_there".into(), None)
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
