//! Customer care.

use taabia::services::Scope;

use super::{Reach, Row};

pub fn rows() -> Vec<Row> {
    use Reach::Subtree;
    let row = |call, scope, reach, good, ask| Row { call, scope, reach, good, ask, or: None };
    vec![Row {
        or: Some(Scope::CareRead),
        ..row("GET /v1/recharges/{id}/timeline", Some(Scope::RechargesRead), Subtree, &[200], |s, _| {
            (format!("/v1/recharges/{}/timeline", s.recharge), None)
        })
    }]
}
