//! The payment page: where a customer without an app of the seller's sees a top-up, goes on to the acquirer and comes back.
//!
//! Whoever has the link may see it: the id cannot be guessed, and nothing on the page is about a person. It shows what
//! stands in the books; what a browser brings along says nothing.

mod html;
mod words;

use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use self::html::{Page, Shown};
use self::words::Stage;
use super::context::KeptAsIs;
use super::state::{Api, ApiState};
use crate::domain::{Decline, Money, Operation, OperationId, OperationKind, Status};
use crate::services::ServiceError;
use crate::services::topups::PaymentView;

/// How soon a page looks again: where the bank is being asked, and where the customer has to do something.
const SOON_S: u32 = 3;
const LATER_S: u32 = 15;

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

pub fn calls() -> Vec<UtoipaMethodRouter<ApiState>> {
    vec![routes!(show_payment, return_to_payment)]
}

/// What the address asks for. Acquirers add parameters of their own, which say nothing.
#[derive(Default)]
struct Asked {
    language: Option<String>,
    returned: bool,
}

impl Asked {
    fn read(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "lang" => asked.language = Some(value.into_owned()),
                "returned" => asked.returned = true,
                _ => {}
            }
        }
        asked
    }
}

/// The page of a payment
///
/// For a customer's browser: what is to be paid and how it stands, in Arabic, French or English (`lang`, else
/// `Accept-Language`), with the way to the acquirer while there is something to pay. It needs no token: the id cannot be
/// guessed. The page loads itself again until the top-up is final.
#[utoipa::path(
    get, path = "/pay/{id}", operation_id = "show_payment", tag = "topups",
    params(
        ("id" = String, Path, description = "Id of the top-up", example = "top_01939f3e-7c00-7000-8000-000000000003"),
        ("lang" = Option<String>, Query, description = "`ar`, `fr` or `en`"),
        ("returned" = Option<String>, Query, description = "The browser comes back from the acquirer"),
    ),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 404, description = "There is no such payment: a page that says so", body = String, content_type = "text/html"),
        (status = 503, description = "Too many at once: a page that loads itself again", body = String, content_type = "text/html"),
    )
)]
async fn show_payment(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let Asked { language, returned } = Asked::read(uri.query().unwrap_or_default());
    let language = words::chosen(language.as_deref(), &headers);
    let bare = |stage, refresh_s| Page { language, stage, refresh_s, payment: None, returned };
    let Some(id) = OperationId::parse(&id, OperationKind::Topup.prefix()) else {
        return answer(StatusCode::NOT_FOUND, &bare(Stage::Unknown, None));
    };
    match state.topups.page(id, language).await {
        Ok(view) => shown(&state, &view, &bare(Stage::Working, None)),
        Err(ServiceError::NotFound) => answer(StatusCode::NOT_FOUND, &bare(Stage::Unknown, None)),
        Err(_) => {
            let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, &bare(Stage::Busy, Some(LATER_S)));
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(LATER_S));
            response
        }
    }
}

/// The way back from an acquirer that posts
///
/// What is posted is not read: it may be anything. The browser is sent to the page.
#[utoipa::path(
    post, path = "/pay/{id}", operation_id = "return_to_payment", tag = "topups",
    params(("id" = String, Path, description = "Id of the top-up", example = "top_01939f3e-7c00-7000-8000-000000000003")),
    responses(
        (status = 303, description = "To the page", headers(("Location" = String, description = "The page"))),
        (status = 404, description = "There is no such payment: a page that says so", body = String, content_type = "text/html"),
    )
)]
async fn return_to_payment(Path(id): Path<String>, headers: HeaderMap) -> Response {
    match OperationId::parse(&id, OperationKind::Topup.prefix()) {
        Some(id) => {
            let page = format!("/pay/{}?returned", OperationKind::Topup.render(id));
            (StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response()
        }
        None => {
            let language = words::chosen(None, &headers);
            let page = Page { language, stage: Stage::Unknown, refresh_s: None, payment: None, returned: false };
            answer(StatusCode::NOT_FOUND, &page)
        }
    }
}

fn shown(api: &Api, view: &PaymentView, page: &Page<'_>) -> Response {
    let operation = &view.operation;
    let Some(topup) = operation.topup() else { return answer(StatusCode::NOT_FOUND, page) };
    let reference = OperationKind::Topup.render(operation.id);
    let stage = stage_of(operation, view.expired, page.returned);
    let refresh_s = (!operation.status.is_final()).then_some(if stage == Stage::ToPay { LATER_S } else { SOON_S });
    let payment = Shown {
        reference: &reference,
        due: Money::from_minor(topup.due_minor(), api.currency),
        stock: Money::from_minor(operation.amount_minor, api.currency),
        action: view.action.as_ref(),
        back: topup.return_url.as_deref().filter(|_| operation.status.is_final()),
    };
    answer(StatusCode::OK, &Page { stage, refresh_s, payment: Some(payment), ..*page })
}

fn stage_of(operation: &Operation, expired: bool, returned: bool) -> Stage {
    match operation.status {
        Status::RequiresAction if expired => Stage::Late,
        Status::RequiresAction if returned => Stage::Returned,
        Status::RequiresAction => Stage::ToPay,
        Status::InDoubt => Stage::InDoubt,
        Status::Captured => Stage::Taken,
        Status::Credited => Stage::Credited,
        Status::Declined if operation.decline == Some(Decline::PaymentAbandoned) => Stage::Expired,
        Status::Declined => Stage::Declined,
        Status::Refunded => Stage::Refunded,
        Status::ChargedBack => Stage::ChargedBack,
        _ => Stage::Working,
    }
}

fn answer(status: StatusCode, page: &Page<'_>) -> Response {
    let action = page.payment.as_ref().and_then(|payment| payment.action);
    let policy = HeaderValue::try_from(html::policy(action)).expect("an origin is printable ASCII");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // The link is the key to the page: no other site learns it.
        (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin")),
        (ROBOTS, HeaderValue::from_static("noindex")),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(page.language.code())),
    ];
    let mut response = (status, headers, html::document(page)).into_response();
    response.extensions_mut().insert(KeptAsIs);
    response
}
