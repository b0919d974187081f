//! What can be asked of the simulator over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::connections::{NoAnswer, until_stopped};
use super::books::{Books, NotChanged};
use super::messages::Notify;
use super::payment::{Asked, Moment, Payment, Refused, Status};
use super::token::{Answering, Script};
use super::{page, settlement};
use crate::domain::{Currency, text};
use crate::ports::Clock;
use crate::ports::acquirer::OrderId;

const MAX_BODY_BYTES: usize = 16 * 1024;
const MAX_PAGE: usize = 1_000;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Simulator {
    pub books: Books,
    pub clock: Arc<dyn Clock>,
    pub key: SecretString,
    /// Where its page is reached from outside, without a slash at the end.
    pub public_url: Arc<str>,
    pub notify: Option<Notify>,
    pub slow: Duration,
    pub silence: Duration,
    pub late_ms: i64,
    pub first_retry_ms: i64,
    pub stopped: watch::Receiver<bool>,
}

pub(super) fn router(simulator: Simulator) -> Router {
    let api = Router::new()
        .route("/payments", post(authorise).get(list))
        .route("/payments/{order}", get(lookup))
        .route("/payments/{order}/capture", post(capture))
        .route("/payments/{order}/void", post(void))
        .route("/payments/{order}/refunds", post(refund))
        .route("/summary", get(summary))
        .route("/settlements/{file}", get(settlement_file))
        .route_layer(middleware::from_fn_with_state(simulator.clone(), with_key));
    Router::new()
        .merge(api)
        .route("/pay/{reference}", get(show_page).post(post_page))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "no_such_path", "see POST /payments") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path has other methods")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(simulator)
}

/// An error as JSON: `{"error": "…", "detail": "…"}`.
struct Problem {
    status: StatusCode,
    error: &'static str,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, error: &'static str, detail: impl Into<String>) -> Self {
        Self { status, error, detail: detail.into() }
    }

    fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error, "detail": self.detail }))).into_response()
    }
}

impl From<NotChanged> for Problem {
    fn from(reason: NotChanged) -> Self {
        let unprocessable = |error| Self::new(StatusCode::UNPROCESSABLE_ENTITY, error, "the payment stands as it was");
        match reason {
            NotChanged::NotKnown => Self::new(StatusCode::NOT_FOUND, "not_known", "no payment has this order"),
            NotChanged::Refused(Refused::WrongStage) => unprocessable("wrong_stage"),
            NotChanged::Refused(Refused::AmountTooLarge) => unprocessable("amount_too_large"),
            NotChanged::Refused(Refused::Failed(error)) => unprocessable(error),
            NotChanged::Refused(Refused::OtherContent) => order_reused(),
            NotChanged::RecordFailed => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "record_failed",
                "the record cannot be written; restart the simulator",
            ),
        }
    }
}

fn order_reused() -> Problem {
    Problem::new(StatusCode::CONFLICT, "order_reused", "the id stands for other content")
}

async fn with_key(State(simulator): State<Simulator>, request: Request, next: Next) -> Response {
    let expected = format!("Bearer {}", simulator.key.expose_secret());
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if simulator.key.expose_secret().is_empty() || given == Some(&*expected) {
        next.run(request).await
    } else {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorised", "expected the bearer token").into_response()
    }
}

impl Simulator {
    pub(super) fn moment(&self) -> Moment {
        Moment { now_ms: self.clock.now().unix_ms(), late_ms: self.late_ms, notifies: self.notify.is_some() }
    }

    fn shown(&self, payment: &Payment) -> Response {
        Json(payment.shown(&self.public_url)).into_response()
    }

    /// Keeps the connection without an answer, then closes it.
    async fn stay_silent(&self) -> Response {
        let mut stopped = self.stopped.clone();
        // The caller's leaving ends the connection and this with it.
        let _over = tokio::time::timeout(self.silence, until_stopped(&mut stopped)).await;
        NoAnswer.into_response()
    }

    async fn make(&self, asked: Asked) -> Result<(Payment, bool), Problem> {
        let (order, moment) = (asked.order.clone(), self.moment());
        let same = asked.clone();
        let (payment, known) = self.books.get_or_make(&order, || Payment::new(asked, moment)).await?;
        if payment.asked == same { Ok((payment, known)) } else { Err(order_reused()) }
    }

    /// Takes effect at the end of the wait, also when the caller has gone meanwhile: hence a task of its own.
    async fn make_slowly(&self, asked: Asked) -> Result<(Payment, bool), Problem> {
        let simulator = self.clone();
        let task = tokio::spawn(async move {
            let mut stopped = simulator.stopped.clone();
            tokio::select! {
                () = tokio::time::sleep(simulator.slow) => simulator.make(asked).await,
                () = until_stopped(&mut stopped) => Err(NotChanged::RecordFailed.into()),
            }
        });
        task.await.unwrap_or_else(|_| Err(NotChanged::RecordFailed.into()))
    }

    /// Answers a step, as far as its script lets it.
    async fn answer(&self, answering: Answering, payment: &Payment, first: bool) -> Response {
        match answering {
            Answering::SilentApplied if first => self.stay_silent().await,
            Answering::AppliedThenFails if first => {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong").into_response()
            }
            _ => self.shown(payment),
        }
    }
}

fn parse<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Problem> {
    let body = body.map_err(|rejection| Problem::new(rejection.status(), "bad_request", rejection.body_text()))?;
    serde_json::from_slice(&body).map_err(|error| Problem::bad_request(error.to_string()))
}

fn order_of(text: String, name: &str) -> Result<String, Problem> {
    text.parse::<OrderId>().map_err(|expected| Problem::bad_request(format!("{name}: {expected}")))?;
    Ok(text)
}

fn positive(amount_minor: i64) -> Result<i64, Problem> {
    if amount_minor > 0 { Ok(amount_minor) } else { Err(Problem::bad_request("amount_minor: expected more than zero")) }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CaptureMode {
    Automatic,
    Manual,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthoriseBody {
    order: String,
    amount_minor: i64,
    currency: String,
    token: Option<String>,
    capture: CaptureMode,
    return_url: Option<String>,
    #[serde(default)]
    language: String,
}

impl AuthoriseBody {
    fn read(self) -> Result<Asked, Problem> {
        let currency: Currency =
            self.currency.parse().map_err(|expected| Problem::bad_request(format!("currency: {expected}")))?;
        let card = self.token.as_deref().is_some_and(text::contains_card_number);
        if card || self.token.as_ref().is_some_and(|token| token.len() > 255) {
            return Err(Problem::bad_request("token: expected a token, never a card number"));
        }
        if self.return_url.as_ref().is_some_and(|url| url.parse::<hyper::Uri>().is_err() || !url.starts_with("http")) {
            return Err(Problem::bad_request("return_url: expected an http or https URL"));
        }
        Ok(Asked {
            order: order_of(self.order, "order")?,
            amount_minor: positive(self.amount_minor)?,
            currency: currency.code().to_owned(),
            token: self.token,
            manual: matches!(self.capture, CaptureMode::Manual),
            return_url: self.return_url,
            language: self.language,
        })
    }
}

async fn authorise(
    State(simulator): State<Simulator>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let asked = parse::<AuthoriseBody>(body)?.read()?;
    let answering = asked.token.as_deref().map_or(Script::PAGE, Script::of).authorise;
    let (payment, known) = match answering {
        Answering::SilentLost => return Ok(simulator.stay_silent().await),
        Answering::Unlisted => {
            return Ok(Json(json!({ "order": asked.order, "status": "under_review" })).into_response());
        }
        Answering::Slow => simulator.make_slowly(asked).await?,
        _ => simulator.make(asked).await?,
    };
    Ok(simulator.answer(answering, &payment, !known).await)
}

async fn lookup(State(simulator): State<Simulator>, Path(order): Path<String>) -> Result<Response, Problem> {
    let payment = simulator.books.get(&order).ok_or(NotChanged::NotKnown)?;
    Ok(simulator.shown(&payment))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaptureBody {
    amount_minor: i64,
}

async fn capture(
    State(simulator): State<Simulator>,
    Path(order): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let amount_minor = positive(parse::<CaptureBody>(body)?.amount_minor)?;
    let before = simulator.books.get(&order).ok_or(NotChanged::NotKnown)?;
    let answering = before.script().capture;
    if answering == Answering::SilentLost {
        return Ok(simulator.stay_silent().await);
    }
    let moment = simulator.moment();
    let payment = simulator.books.change(&order, |payment| payment.capture(amount_minor, moment)).await?;
    Ok(simulator.answer(answering, &payment, before.status == Status::Authorised).await)
}

async fn void(State(simulator): State<Simulator>, Path(order): Path<String>) -> Result<Response, Problem> {
    let moment = simulator.moment();
    Ok(simulator.shown(&simulator.books.change(&order, |payment| payment.void(moment)).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    refund: String,
    amount_minor: i64,
}

async fn refund(
    State(simulator): State<Simulator>,
    Path(order): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let RefundBody { refund, amount_minor } = parse(body)?;
    let (refund, amount_minor) = (order_of(refund, "refund")?, positive(amount_minor)?);
    let before = simulator.books.get(&order).ok_or(NotChanged::NotKnown)?;
    let answering = before.script().refund;
    if answering == Answering::SilentLost {
        return Ok(simulator.stay_silent().await);
    }
    let moment = simulator.moment();
    let payment = simulator.books.change(&order, |payment| payment.refund(&refund, amount_minor, moment)).await?;
    Ok(simulator.answer(answering, &payment, payment.refunds.len() > before.refunds.len()).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    after: Option<String>,
    limit: Option<usize>,
}

async fn list(
    State(simulator): State<Simulator>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let limit = query.limit.unwrap_or(MAX_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!("limit: expected 1 to {MAX_PAGE}")));
    }
    let mut payments = simulator.books.page(query.after.as_deref(), limit + 1);
    let more = payments.len() > limit;
    payments.truncate(limit);
    let next = if more { payments.last().map(|payment| payment.asked.order.clone()) } else { None };
    let items: Vec<Value> = payments.iter().map(|payment| payment.shown(&simulator.public_url)).collect();
    Ok(Json(json!({ "items": items, "next": next })))
}

async fn summary(State(simulator): State<Simulator>) -> Response {
    Json(simulator.books.sums()).into_response()
}

async fn settlement_file(State(simulator): State<Simulator>, Path(file): Path<String>) -> Result<Response, Problem> {
    const EXPECTED: &str = "expected a day such as 2026-11-22.csv";
    let day =
        file.strip_suffix(".csv").and_then(|day| day.parse().ok()).ok_or_else(|| Problem::bad_request(EXPECTED))?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], settlement::file(&simulator.books, day)).into_response())
}

fn page_of(payment: &Payment) -> Response {
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, page::POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, page::html(payment)).into_response()
}

async fn show_page(State(simulator): State<Simulator>, Path(reference): Path<String>) -> Result<Response, Problem> {
    let payment = simulator.books.by_reference(&reference).ok_or(NotChanged::NotKnown)?;
    Ok(page_of(&payment))
}

/// The customer pays or gives up, and is sent back where the payment says.
async fn post_page(
    State(simulator): State<Simulator>,
    Path(reference): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|rejection| Problem::new(rejection.status(), "bad_request", rejection.body_text()))?;
    let (mut action, mut token) = (None, None);
    for (name, value) in form_urlencoded::parse(&body) {
        match &*name {
            "action" => action = Some(value.into_owned()),
            "token" => token = Some(value.into_owned()),
            _ => {}
        }
    }
    if token.as_deref().is_some_and(text::contains_card_number) {
        return Err(Problem::bad_request("token: expected a token, never a card number"));
    }
    let order = simulator.books.by_reference(&reference).ok_or(NotChanged::NotKnown)?.asked.order;
    let moment = simulator.moment();
    let changed = match action.as_deref() {
        Some("pay") => simulator.books.change(&order, |payment| payment.pay(token, moment)).await,
        Some("give_up") => simulator.books.change(&order, |payment| payment.give_up(moment)).await,
        _ => return Err(Problem::bad_request("action: expected pay or give_up")),
    };
    let payment = match changed {
        Err(NotChanged::Refused(_)) => simulator.books.get(&order).ok_or(NotChanged::NotKnown)?,
        changed => changed?,
    };
    match &payment.asked.return_url {
        Some(url) if payment.status != Status::RequiresAction => {
            Ok((StatusCode::SEE_OTHER, [(header::LOCATION, url.clone())]).into_response())
        }
        _ => Ok(page_of(&payment)),
    }
}
