//! `POST /v1/cases`: a subscriber complains.

use std::str::FromStr as _;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use super::shape::{Case, shown};
use crate::domain::care_case::Complaint;
use crate::domain::{ExternalId, OperationId, OperationKind, Reason, ResellerId, Timestamp};
use crate::http::body::{self, Field, Fields, JsonBody, Readable};
use crate::http::problem::{Problem, ProblemJson};
use crate::http::state::ApiState;
use crate::http::v1::recharges::REPLAYED;
use crate::services::Caller;
use crate::services::care::{CaseAbout, NewCase};

/// A complaint.
pub struct CaseRequest(NewCase);

impl Readable for CaseRequest {
    const FIELDS: &'static [Field] = &[
        Field::text(
            "external_id",
            64,
            "The client's key of the case: the same again opens no second one.",
            "call-4711",
        ),
        Field::choice(
            "complaint",
            || Complaint::ALL.map(Complaint::name).to_vec(),
            "What the subscriber complains about.",
            "not_received",
        ),
        Field::text("recharge_id", 40, "The recharge it is about.", "rch_01939f3e-7c00-7000-8000-000000000001")
            .optional(),
        Field::text("msisdn", 16, "The subscriber's number, where the recharge is not known.", "+212612345678")
            .optional()
            .without_card_check(),
        Field::text(
            "sold_at",
            40,
            "When it was bought, by what the subscriber says; with msisdn.",
            "2026-11-22T08:30:00Z",
        )
        .optional(),
        Field::text(
            "reseller_id",
            40,
            "Where, if that is known; with msisdn.",
            "rsl_01939f3e-7c00-7000-8000-00000000000a",
        )
        .optional(),
        Field::text("call_back", 16, "The number to call back.", "+212612345678"),
        Field::text("note", Reason::MAX_LEN, "What the subscriber says.", "paid at an ATM, nothing came").optional(),
    ];

    fn read(mut fields: Fields<'_>, state: &ApiState) -> Result<Self, Problem> {
        let external_id = fields.text("external_id", ExternalId::from_str);
        let complaint = fields.text("complaint", |text| Complaint::from_name(text).ok_or(Complaint::EXPECTED));
        let recharge = fields.text("recharge_id", |text| {
            OperationId::parse(text, OperationKind::Recharge.prefix()).ok_or("expected the id of a recharge")
        });
        let subscriber = fields.text("msisdn", |text| state.numbering.parse(text));
        let at = fields.text("sold_at", Timestamp::parse);
        let reseller = fields.text("reseller_id", ResellerId::from_str);
        let call_back = fields.text("call_back", |text| state.numbering.parse(text));
        let note = fields.text("note", Reason::from_str);
        if fields.has("recharge_id") {
            for name in ["msisdn", "sold_at", "reseller_id"] {
                if fields.has(name) {
                    fields.refuse(name, "the recharge tells it");
                }
            }
        } else {
            fields.demand("msisdn", "a case is about a recharge_id, or about a msisdn and a time");
            fields.demand("sold_at", "a case is about a recharge_id, or about a msisdn and a time");
        }
        let about = match (recharge, subscriber, at) {
            (Some(recharge), ..) => Some(CaseAbout::Recharge(recharge)),
            (None, Some(subscriber), Some(at)) => Some(CaseAbout::Sale { subscriber, at, reseller }),
            (None, ..) => None,
        };
        let case = || {
            Some(NewCase {
                external_id: external_id?,
                about: about?,
                complaint: complaint?,
                call_back: call_back?,
                note: note.map(|note| note.as_str().into()),
            })
        };
        let case = case();
        fields.finish(case).map(Self)
    }
}

impl PartialSchema for CaseRequest {
    fn schema() -> RefOr<Schema> {
        body::schema(Self::FIELDS, "A complaint of a subscriber.").into()
    }
}

impl ToSchema for CaseRequest {}

/// Open a case
///
/// About a recharge, or about a number and a time where the recharge is not known. Somebody is to call back by `call_back_by`.
/// It stands on the audit of staff actions (`case.opened`), as does everything that is done to it.
#[utoipa::path(
    post, path = "/v1/cases", operation_id = "open_case", tag = "care",
    request_body = CaseRequest,
    responses(
        (status = 201, description = "Opened", body = Case, headers(("Location" = String, description = "The case"), ("ETag" = String, description = "Its version"))),
        (status = 200, description = "A replay: the case as it stands now", body = Case, headers(("Idempotent-Replayed" = String, description = "`true`"), ("ETag" = String, description = "Its version"))),
        (status = 400, description = "Malformed JSON, an unknown field or a wrong JSON type", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "Recharge or reseller are unknown or outside the caller's subtrees", body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The external_id was used with other content", body = ProblemJson, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 16 KiB", body = ProblemJson, content_type = "application/problem+json"),
        (status = 415, description = "Not application/json", body = ProblemJson, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn open_case(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(CaseRequest(new)): JsonBody<CaseRequest>,
) -> Result<Response, Problem> {
    let (view, replayed) = state.care.open_case(&caller, new).await?;
    let mut response = shown(&view);
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    } else {
        *response.status_mut() = StatusCode::CREATED;
        let location = format!("/v1/cases/{}", view.id);
        let location = HeaderValue::from_str(&location).expect("ids are ASCII");
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
