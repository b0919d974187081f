//! Errors on the wire: RFC 9457 problems, and the one table of their codes.
//!
//! A handler returns a [`Problem`]; the outermost layer ([`super::context`]) renders it with the trace id.
//! `api-spec/problems.md` is generated from [`PROBLEMS`] and from the ledger's table of declines.

use std::fmt::Write as _;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Retry;
use crate::domain::rejection::DECLINES;
use crate::ledger::PlaceRefusal;
use crate::ledger::limits::LimitRefusal;
use crate::ledger::user::UserRefusal;
use crate::services::ServiceError;
use crate::services::webhooks::WebhookRefusal;

/// `application/problem+json` (RFC 9457 §3).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What can go wrong, apart from declines, which are answers of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    MalformedJson,
    InvalidBody,
    InvalidQuery,
    InvalidRequest,
    Unauthenticated,
    InsufficientScope,
    NotFound,
    MethodNotAllowed,
    FourEyes,
    ExternalIdReused,
    ConflictingState,
    StaleVersion,
    VersionRequired,
    CodeTaken,
    DecidedAlready,
    ApprovalExpired,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
    CardDataRefused,
    RateLimited,
    InternalError,
    Overloaded,
    Recovering,
    Unavailable,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct ProblemLine {
    pub problem: Code,
    pub code: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    pub retry: Retry,
    /// Response code of ISO 8583 (1987), field 39.
    pub iso8583: &'static str,
    pub meaning: &'static str,
}

#[rustfmt::skip]
pub const PROBLEMS: [ProblemLine; 25] = {
    use Retry::{Never, NewId, SameId};
    use StatusCode as S;
    const fn line(problem: Code, code: &'static str, status: S, title: &'static str, retry: Retry, iso8583: &'static str, meaning: &'static str) -> ProblemLine {
        ProblemLine { problem, code, status, title, retry, iso8583, meaning }
    }
    [
        line(Code::MalformedJson,        "malformed_json",         S::BAD_REQUEST,            "Malformed JSON",            Never,  "30", "The body is not one JSON text in UTF-8"),
        line(Code::InvalidBody,          "invalid_body",           S::BAD_REQUEST,            "Unexpected body",           Never,  "30", "A field is unknown, appears twice or has the wrong JSON type"),
        line(Code::InvalidQuery,         "invalid_query",          S::BAD_REQUEST,            "Unexpected query",          Never,  "30", "A query parameter is unknown, appears twice, lacks its companion or has a bad value"),
        line(Code::InvalidRequest,       "invalid_request",        S::BAD_REQUEST,            "Bad request",               Never,  "30", "The request cannot be read"),
        line(Code::Unauthenticated,      "unauthenticated",        S::UNAUTHORIZED,           "No valid token",            SameId, "63", "The access token is missing, malformed, expired, not ours, or its client is revoked"),
        line(Code::InsufficientScope,    "insufficient_scope",     S::FORBIDDEN,              "Insufficient scope",        Never,  "57", "The access token does not carry the scope that the call needs"),
        line(Code::NotFound,             "not_found",              S::NOT_FOUND,              "Not found",                 Never,  "25", "Unknown, or outside the caller's subtrees; nothing was stored"),
        line(Code::MethodNotAllowed,     "method_not_allowed",     S::METHOD_NOT_ALLOWED,     "Method not allowed",        Never,  "40", "The path exists and does not know the method; see Allow"),
        line(Code::FourEyes,             "four_eyes",              S::FORBIDDEN,              "Two persons are needed",    Never,  "63", "Whoever proposed it cannot approve or refuse it"),
        line(Code::ExternalIdReused,     "external_id_reused",     S::CONFLICT,               "external_id reused",        NewId,  "94", "The external_id was used before with other content; errors names the field that differs"),
        line(Code::ConflictingState,     "conflicting_state",      S::CONFLICT,               "Conflicting state",         Never,  "57", "What it is about does not permit this now; detail says why"),
        line(Code::StaleVersion,         "stale_version",          S::PRECONDITION_FAILED,    "Changed meanwhile",         Never,  "40", "If-Match names another version than the one that stands; read it again and decide anew"),
        line(Code::VersionRequired,      "version_required",       S::PRECONDITION_REQUIRED,  "If-Match required",         Never,  "40", "A change names the version that it replaces: the ETag of the last answer, in If-Match"),
        line(Code::CodeTaken,            "code_taken",             S::CONFLICT,               "Code taken",                Never,  "94", "Another reseller has this code, or this one has it with other content; errors names the field that differs"),
        line(Code::DecidedAlready,       "decided_already",        S::CONFLICT,               "Decided already",           Never,  "94", "It was decided before, otherwise; it stands as it is"),
        line(Code::ApprovalExpired,      "approval_expired",       S::CONFLICT,               "Too late",                  NewId,  "94", "Nobody decided the proposal in time; it can be proposed anew"),
        line(Code::PayloadTooLarge,      "payload_too_large",      S::PAYLOAD_TOO_LARGE,      "Payload too large",         Never,  "30", "The body is larger than 16 KiB"),
        line(Code::UnsupportedMediaType, "unsupported_media_type", S::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type",    Never,  "30", "The Content-Type is not the one that the call takes"),
        line(Code::ValidationFailed,     "validation_failed",      S::UNPROCESSABLE_ENTITY,   "Bad value",                 Never,  "30", "A field is missing or its value is not acceptable; errors names each"),
        line(Code::CardDataRefused,      "card_data_refused",      S::UNPROCESSABLE_ENTITY,   "Card data refused",         Never,  "30", "A field holds what looks like a card number; card data must never be sent here"),
        line(Code::RateLimited,          "rate_limited",           S::TOO_MANY_REQUESTS,      "Too many requests",         SameId, "91", "The client's rate is used up; nothing was stored; see Retry-After"),
        line(Code::InternalError,        "internal_error",         S::INTERNAL_SERVER_ERROR,  "Internal error",            SameId, "96", "Our fault; whether the request took effect is told by sending it again with the same external_id"),
        line(Code::Overloaded,           "overloaded",             S::SERVICE_UNAVAILABLE,    "Overloaded",                SameId, "91", "Too much is waiting; nothing was stored; see Retry-After"),
        line(Code::Recovering,           "recovering",             S::SERVICE_UNAVAILABLE,    "Sales are refused",         SameId, "91", "The books were restored from a backup; nothing is sold until they agree with the charging systems and acquirers; nothing was stored; see Retry-After"),
        line(Code::Unavailable,          "unavailable",            S::SERVICE_UNAVAILABLE,    "Unavailable",               SameId, "91", "The store cannot be reached or the node is not ready; see Retry-After"),
    ]
};

impl Code {
    #[must_use]
    pub fn line(self) -> &'static ProblemLine {
        &PROBLEMS[self as usize]
    }

    /// The problem for an error status that the framework itself answered with.
    fn of_status(status: StatusCode) -> Self {
        PROBLEMS
            .iter()
            .find(|line| line.status == status && line.problem.stands_for_its_status())
            .map_or(if status.is_client_error() { Self::InvalidRequest } else { Self::InternalError }, |line| {
                line.problem
            })
    }

    fn stands_for_its_status(self) -> bool {
        !matches!(
            self,
            Self::MalformedJson
                | Self::InvalidBody
                | Self::InvalidQuery
                | Self::CodeTaken
                | Self::ConflictingState
                | Self::FourEyes
                | Self::DecidedAlready
                | Self::ApprovalExpired
                | Self::CardDataRefused
                | Self::Overloaded
                | Self::Recovering
        )
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body, or into the query read as an object.
    #[schema(example = "/amount")]
    pub pointer: String,
    /// `missing`, `invalid`, `unknown`, `duplicate`, `wrong_type`, `control_characters`, `card_data_refused` or `differs`.
    #[schema(example = "invalid")]
    pub code: &'static str,
    /// What was expected. Never repeats what was sent.
    #[schema(example = "expected no more decimals than the currency has")]
    pub detail: String,
}

/// An error on its way out.
#[derive(Clone, Debug)]
pub struct Problem {
    pub code: Code,
    pub detail: Option<String>,
    pub errors: Vec<FieldError>,
    pub retry_after_s: Option<u32>,
    /// `WWW-Authenticate`, where there is one.
    pub challenge: Option<HeaderValue>,
}

impl Problem {
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self { code, detail: None, errors: Vec::new(), retry_after_s: None, challenge: None }
    }

    #[must_use]
    pub fn with_errors(code: Code, errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(code) }
    }

    #[must_use]
    pub fn retry_after(code: Code, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds.max(1)), ..Self::new(code) }
    }

    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        Self::new(Code::of_status(status))
    }

    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    #[must_use]
    pub fn challenge(self, challenge: HeaderValue) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    fn body(self, trace_id: &str) -> ProblemJson {
        let line = self.code.line();
        ProblemJson {
            r#type: format!("urn:taabia:problem:{}", line.code),
            title: line.title,
            status: line.status.as_u16(),
            detail: self.detail.unwrap_or_else(|| line.meaning.to_owned()),
            code: line.code,
            retry: line.retry.name(),
            trace_id: trace_id.to_owned(),
            errors: self.errors,
        }
    }

    /// The response as it goes over the wire.
    #[must_use]
    pub fn render(mut self, trace_id: &str) -> Response {
        let line = self.code.line();
        let (retry_after_s, challenge) = (self.retry_after_s, self.challenge.take());
        let body = serde_json::to_vec(&self.body(trace_id)).expect("a problem is made of texts and numbers");
        let mut response = (line.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The body of a problem.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, description = "An error (RFC 9457).")]
pub struct ProblemJson {
    /// Identifies the kind of problem.
    #[schema(example = "urn:taabia:problem:validation_failed")]
    r#type: String,
    #[schema(example = "Bad value")]
    title: &'static str,
    #[schema(example = 422)]
    status: u16,
    /// For people. May change.
    detail: String,
    /// For programs. Stable; `api-spec/problems.md` lists all.
    #[schema(example = "validation_failed")]
    code: &'static str,
    /// What the client may do: never send it again, send it again with the same `external_id`, or try a new one.
    #[schema(schema_with = retry_schema)]
    retry: &'static str,
    /// Finds the request in our logs.
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: String,
    errors: Vec<FieldError>,
}

/// What a call documents as its answer with an error status.
#[must_use]
pub fn example(status: &str, has_body: bool) -> Option<serde_json::Value> {
    let code = match Code::of_status(status.parse().ok()?) {
        Code::InvalidRequest if has_body => Code::InvalidBody,
        Code::InvalidRequest => Code::InvalidQuery,
        code => code,
    };
    let error = |pointer: &str, code, detail: &str| FieldError { pointer: pointer.into(), code, detail: detail.into() };
    let errors = match code {
        Code::InvalidBody => vec![error("/amout", "unknown", "no such field is known")],
        Code::InvalidQuery => vec![error("/limit", "invalid", "expected a whole number from 1 to 200")],
        Code::ValidationFailed => vec![error("/amount", "invalid", "expected no more decimals than the currency has")],
        Code::ExternalIdReused => vec![differs("amount")],
        _ => vec![],
    };
    let body = Problem::with_errors(code, errors).body("4bf92f3577b34da6a3ce929d0e0e4736");
    Some(serde_json::to_value(body).expect("a problem is made of texts and numbers"))
}

fn differs(field: &str) -> FieldError {
    FieldError {
        pointer: format!("/{field}"),
        code: "differs",
        detail: "differs from the first request with this external_id".into(),
    }
}

/// The values of `retry`.
#[must_use]
pub fn retry_schema() -> utoipa::openapi::schema::Object {
    super::schema::one_of([Retry::Never, Retry::SameId, Retry::NewId].map(Retry::name))
}

impl IntoResponse for Problem {
    /// An empty response that carries the problem to the outermost layer, which knows the trace id.
    fn into_response(self) -> Response {
        let mut response = self.code.line().status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::NotFound | ServiceError::User(UserRefusal::Unknown) => Self::new(Code::NotFound),
            ServiceError::ExternalIdReused { field } => Self::with_errors(Code::ExternalIdReused, vec![differs(field)]),
            ServiceError::StaleVersion => Self::new(Code::StaleVersion),
            ServiceError::CodeTaken { field } => {
                Self::with_errors(Code::CodeTaken, field.map(code_differs).into_iter().collect())
            }
            ServiceError::Limits(LimitRefusal::Past) => {
                let error = FieldError {
                    pointer: "/effective_from".into(),
                    code: "invalid",
                    detail: "expected a time in the future, or none for at once".into(),
                };
                Self::with_errors(Code::ValidationFailed, vec![error])
            }
            ServiceError::Limits(refusal) => Self::new(Code::ConflictingState).detail(refusal.to_string()),
            ServiceError::Place(refusal) => of_place(refusal),
            ServiceError::SamePerson | ServiceError::User(UserRefusal::SamePerson) => Self::new(Code::FourEyes),
            ServiceError::User(refusal) => Self::new(Code::ConflictingState).detail(refusal.to_string()),
            ServiceError::Case(refusal) => Self::new(Code::ConflictingState).detail(refusal.to_string()),
            ServiceError::DecidedAlready { status } => {
                Self::new(Code::DecidedAlready).detail(format!("it is {} already", status.name()))
            }
            ServiceError::UnknownOwner => {
                let detail = "expected the id of a client that may call".into();
                let error = FieldError { pointer: "/owner".into(), code: "invalid", detail };
                Self::with_errors(Code::ValidationFailed, vec![error])
            }
            ServiceError::UnknownAcquirer => {
                let detail = "expected the name of an acquirer of this installation, or none".into();
                let error = FieldError { pointer: "/acquirer".into(), code: "invalid", detail };
                Self::with_errors(Code::ValidationFailed, vec![error])
            }
            ServiceError::NotTheHouse => {
                let detail =
                    "expected the house reseller: only from its stock do subscribers buy for themselves".into();
                let error = FieldError { pointer: "/reseller_id".into(), code: "invalid", detail };
                Self::with_errors(Code::ValidationFailed, vec![error])
            }
            ServiceError::Webhook(refusal) => of_webhook(refusal),
            ServiceError::ApprovalExpired => Self::new(Code::ApprovalExpired),
            ServiceError::TooManyLines => {
                Self::new(Code::PayloadTooLarge).detail("the rule meets more than 100,000 resellers")
            }
            ServiceError::Overloaded { retry_after_s } => Self::retry_after(Code::Overloaded, retry_after_s),
            ServiceError::Unavailable { retry_after_s } => Self::retry_after(Code::Unavailable, retry_after_s),
            ServiceError::Recovering { retry_after_s } => Self::retry_after(Code::Recovering, retry_after_s),
            ServiceError::Internal => Self::new(Code::InternalError),
        }
    }
}

fn code_differs(field: &'static str) -> FieldError {
    let detail = "differs from that of the reseller that has the code".into();
    FieldError { pointer: format!("/{field}"), code: "differs", detail }
}

/// Why an endpoint for events is not to be as somebody wants it.
fn of_webhook(refusal: WebhookRefusal) -> Problem {
    let bad = |field: &str, detail: String| {
        let error = FieldError { pointer: format!("/{field}"), code: "invalid", detail };
        Problem::with_errors(Code::ValidationFailed, vec![error])
    };
    match refusal {
        WebhookRefusal::Url(expected) => bad("url", expected.into()),
        WebhookRefusal::EventType(event) => {
            bad("event_types", format!("the client lacks the scope to read what {} tells", event.name()))
        }
        WebhookRefusal::ReplayFrom(expected) => bad("from", expected.into()),
        WebhookRefusal::TooMany => Problem::new(Code::ConflictingState).detail("a client has at most 16 endpoints"),
        WebhookRefusal::OtherKey => {
            Problem::new(Code::ConflictingState).detail("its secret is good no longer; ask for a new one")
        }
    }
}

/// Why the network does not change like that.
fn of_place(refusal: PlaceRefusal) -> Problem {
    let bad = |field: &str| {
        let error = FieldError { pointer: format!("/{field}"), code: "invalid", detail: refusal.to_string() };
        Problem::with_errors(Code::ValidationFailed, vec![error])
    };
    match refusal {
        PlaceRefusal::CodeTaken => Problem::new(Code::CodeTaken).detail(refusal.to_string()),
        PlaceRefusal::UnknownLevel | PlaceRefusal::LevelAboveParent | PlaceRefusal::LevelBelowChild => bad("level"),
        PlaceRefusal::UnknownParent | PlaceRefusal::ParentClosed | PlaceRefusal::Cycle | PlaceRefusal::TooDeep => {
            bad("parent_id")
        }
        PlaceRefusal::Closed | PlaceRefusal::HasBalance | PlaceRefusal::HasHolds | PlaceRefusal::HasChildren => {
            Problem::new(Code::ConflictingState).detail(refusal.to_string())
        }
    }
}

/// The text of `api-spec/problems.md`.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from(
        "# Problems and declines\n\n\
         Generated by `taabia openapi`; do not edit.\n\n\
         `retry` says what a client may do: `never` send the same again, send it again with the `same_id`, or try a `new_id`.\n\
         The last column is field 39 of ISO 8583 (1987).\n\n\
         ## Problems\n\n\
         Errors before or instead of a decision (RFC 9457, `application/problem+json`). `type` is `urn:taabia:problem:` and the code.\n\
         Below 500 nothing was stored.\n\n\
         | code | HTTP | retry | ISO 8583 | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for line in &PROBLEMS {
        let ProblemLine { code, status, retry, iso8583, meaning, .. } = line;
        writeln!(text, "| `{code}` | {} | `{}` | {iso8583} | {meaning} |", status.as_u16(), retry.name())
            .expect("writing to a String succeeds");
    }
    text.push_str(
        "\n## Declines\n\n\
         Decisions: `201` with `\"status\": \"declined\"` and the code in `decline`. Stored and final for the `external_id`.\n\
         In order of precedence: when several apply, the first is given.\n\n\
         | code | retry | ISO 8583 | meaning |\n| --- | --- | --- | --- |\n",
    );
    for line in &DECLINES {
        writeln!(text, "| `{}` | `{}` | {} | {} |", line.code, line.decline.retry().name(), line.iso8583, line.meaning)
            .expect("writing to a String succeeds");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_codes() {
        for (index, line) in PROBLEMS.iter().enumerate() {
            assert_eq!(line.problem as usize, index, "{}", line.code);
            assert_eq!(line.iso8583.len(), 2, "{}", line.code);
            let same_code = PROBLEMS.iter().filter(|other| other.code == line.code).count();
            assert_eq!(same_code, 1, "{}", line.code);
        }
    }

    #[test]
    fn every_status_of_the_framework_has_a_problem() {
        for (status, code) in [
            (404, "not_found"),
            (405, "method_not_allowed"),
            (413, "payload_too_large"),
            (415, "unsupported_media_type"),
            (422, "validation_failed"),
            (400, "invalid_request"),
            (418, "invalid_request"),
            (500, "internal_error"),
            (503, "unavailable"),
            (504, "internal_error"),
        ] {
            assert_eq!(Problem::of_status(StatusCode::from_u16(status).unwrap()).code.line().code, code);
        }
    }
}
