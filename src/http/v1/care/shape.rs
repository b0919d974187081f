//! Cases on the wire.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::domain::care_case::{CallResult, CaseAction, CaseOutcome, CaseStatus, Complaint};
use crate::domain::records::Remark;
use crate::domain::{CaseId, Timestamp};
use crate::http::precondition::etag;
use crate::http::problem::{Code, Problem};
use crate::http::schema::one_of;
use crate::services::care::{CaseView, recharge_id, reseller_of};

/// Something that was done to a case.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CaseRemark)]
pub struct RemarkJson {
    #[schema(example = "2026-11-22T08:45:00.000Z", format = DateTime)]
    at: String,
    /// The API client.
    #[schema(example = "cli_01939f3e-7c00-7000-8000-00000000000b")]
    by: String,
    #[schema(schema_with = actions)]
    action: String,
    /// Of `call_back`: `reached` or `not_reached`.
    #[schema(example = json!(null), required)]
    result: Option<String>,
    /// Of `close`.
    #[schema(example = json!(null), required)]
    outcome: Option<String>,
    #[schema(example = "asked the bank", required)]
    note: Option<String>,
}

impl From<&Remark> for RemarkJson {
    fn from(remark: &Remark) -> Self {
        Self {
            at: time(remark.at_ms),
            by: remark.by.to_string(),
            action: remark.action.to_string(),
            result: text(remark.result.as_deref()),
            outcome: text(remark.outcome.as_deref()),
            note: text(remark.note.as_deref()),
        }
    }
}

/// The case of a subscriber who complains.
#[derive(Debug, Serialize, ToSchema)]
pub struct Case {
    #[schema(example = "cas_01939f3e-7c00-8000-8000-000000000001")]
    id: String,
    #[schema(example = "call-4711")]
    external_id: String,
    #[schema(schema_with = complaints)]
    complaint: String,
    #[schema(example = "rch_01939f3e-7c00-7000-8000-000000000001", required)]
    recharge_id: Option<String>,
    /// Who sold it, where that is known.
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a", required)]
    reseller_id: Option<String>,
    /// The subscriber's; masked without `recharges:read`.
    #[schema(example = "+212612345678", required)]
    msisdn: Option<String>,
    /// When it was bought by what the subscriber says, where no recharge is named.
    #[schema(example = json!(null), format = DateTime, required)]
    sold_at: Option<String>,
    /// Whom to call back; masked without `care:write`.
    #[schema(example = "+212612345678", required)]
    call_back: Option<String>,
    #[schema(example = "paid at an ATM, nothing came", required)]
    note: Option<String>,
    #[schema(schema_with = statuses)]
    status: String,
    /// The API client that looks after it.
    #[schema(example = json!(null), required)]
    owner: Option<String>,
    #[schema(example = "2026-11-22T08:30:00.000Z", format = DateTime)]
    opened_at: String,
    /// The API client that opened it.
    #[schema(example = "cli_01939f3e-7c00-7000-8000-00000000000b")]
    opened_by: String,
    #[schema(example = "2026-11-22T09:30:00.000Z", format = DateTime)]
    call_back_by: String,
    /// When somebody first did, since it was opened or opened again.
    #[schema(example = json!(null), format = DateTime, required)]
    called_back_at: Option<String>,
    /// Whether the time for it is over and nobody did.
    #[schema(example = false)]
    overdue: bool,
    /// How it ended.
    #[schema(schema_with = outcomes, required)]
    outcome: Option<String>,
    /// What was done to it, the oldest first.
    remarks: Vec<RemarkJson>,
}

impl From<&CaseView> for Case {
    fn from(view: &CaseView) -> Self {
        let case = &view.case;
        Self {
            id: view.id.to_string(),
            external_id: case.external_id.to_string(),
            complaint: case.complaint.to_string(),
            recharge_id: recharge_id(case),
            reseller_id: reseller_of(case).map(|reseller| reseller.to_string()),
            msisdn: view.subscriber.clone(),
            sold_at: case.sold_at_ms.map(time),
            call_back: view.call_back.clone(),
            note: text(case.note.as_deref()),
            status: case.status.to_string(),
            owner: text(case.owner.as_deref()),
            opened_at: time(case.opened_at_ms),
            opened_by: case.opened_by.to_string(),
            call_back_by: time(case.call_back_by_ms),
            called_back_at: case.called_back_at_ms.map(time),
            overdue: view.overdue,
            outcome: text(case.outcome.as_deref()),
            remarks: case.remarks.iter().map(RemarkJson::from).collect(),
        }
    }
}

/// With its version.
pub fn shown(view: &CaseView) -> Response {
    ([(header::ETAG, etag(view.version))], Json(Case::from(view))).into_response()
}

/// The case that a path names.
///
/// # Errors
/// `404`, as for an unknown one.
pub fn case_id(text: &str) -> Result<CaseId, Problem> {
    CaseId::parse(text).ok_or_else(|| Problem::new(Code::NotFound))
}

fn time(ms: i64) -> String {
    Timestamp::from_unix_ms(ms).to_string()
}

fn text(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn complaints() -> Object {
    one_of(Complaint::ALL.map(Complaint::name))
}

fn statuses() -> Object {
    one_of(CaseStatus::ALL.map(CaseStatus::name))
}

fn outcomes() -> Object {
    one_of(CaseOutcome::ALL.map(CaseOutcome::name))
}

fn actions() -> Object {
    one_of(CaseAction::ALL.map(CaseAction::name))
}

/// Results of call backs, for requests.
pub fn results() -> Vec<&'static str> {
    CallResult::ALL.map(CallResult::name).to_vec()
}
