//! Customer care.

use taabia::services::Scope;

use super::{Reach, Row};

pub fn rows() -> Vec<Row> {
    use Reach::Subtree;
    let row = |call, scope, reach, good, ask| Row { call, scope, reach, good, ask, or: None };
    vec![
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
