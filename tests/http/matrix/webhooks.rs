//! Rows of the calls about endpoints for events. An endpoint belongs to one client: to every other one it does not
//! exist, whatever its subtrees.

use serde_json::json;
use taabia::services::Scope;

use super::Reach::Everyone;
use super::Row;

const UNKNOWN: &str = "/v1/webhook-endpoints/whe_01939f3e-7c00-7000-8000-000000000003";

pub fn rows() -> Vec<Row> {
    let row = |call, scope, good, ask| Row { call, scope: Some(scope), or: None, reach: Everyone, good, ask };
    let (read, write) = (Scope::WebhooksRead, Scope::WebhooksWrite);
    vec![
        row("POST /v1/webhook-endpoints", write, &[201], |_, _| {
            ("/v1/webhook-endpoints".into(), Some(json!({ "url": "https://bank.example/events" })))
        }),
        row("GET /v1/webhook-endpoints", read, &[200], |_, _| ("/v1/webhook-endpoints".into(), None)),
        row("GET /v1/webhook-endpoints/{id}", read, &[404], |_, _| (UNKNOWN.into(), None)),
        row("PATCH /v1/webhook-endpoints/{id}", write, &[404], |_, _| {
            (UNKNOWN.into(), Some(json!({ "description": "back office" })))
        }),
        row("DELETE /v1/webhook-endpoints/{id}", write, &[404], |_, _| (UNKNOWN.into(), None)),
        row("POST /v1/webhook-endpoints/{id}/secret", write, &[404], |_, _| (format!("{UNKNOWN}/secret"), None)),
        row("GET /v1/webhook-endpoints/{id}/deliveries", read, &[404], |_, _| (format!("{UNKNOWN}/deliveries"), None)),
        row("POST /v1/webhook-endpoints/{id}/replay", write, &[404], |_, _| {
            (format!("{UNKNOWN}/replay"), Some(json!({ "from": "2026-11-22T08:00:00Z" })))
        }),
        row("POST /v1/webhook-endpoints/{id}/test", write, &[404], |_, _| (format!("{UNKNOWN}/test"), None)),
    ]
}
