//! `GET /v1/acquirers/{name}/notifications`: what an acquirer told that fits no top-up.

use axum::Json;
use axum::extract::{OriginalUri, Path, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use crate::acquiring::AcquirerName;
use crate::domain::{Currency, Money, Timestamp};
use crate::http::problem::{Code, Problem, ProblemJson};
use crate::http::query::{PageParameters, Query, cursor, parse_cursor};
use crate::http::schema::one_of;
use crate::http::state::ApiState;
use crate::ports::{KeptNotification, NotificationOutcome};

/// First byte of this list's cursors; time and key of the last item shown follow.
const AFTER: u8 = 92;

fn outcomes() -> Object {
    one_of(NotificationOutcome::ALL.into_iter().filter(|it| it.is_kept()).map(NotificationOutcome::name))
}

/// What an acquirer told that fits no top-up.
#[derive(Serialize, ToSchema)]
pub struct AcquirerNotification {
    /// The acquirer's own id of it, or what tells repetitions.
    #[schema(example = "evt_17")]
    id: String,
    /// What happened, such as `captured`, `refunded` or `dispute_opened`.
    #[schema(example = "dispute_opened")]
    kind: String,
    /// Why it is kept: `unknown_order`, `unexpected` (not as the top-up stands), `other_currency`, or `failed` (it could not be
    /// written down, and the acquirer was told to send it again).
    #[schema(schema_with = outcomes)]
    outcome: &'static str,
    /// What the acquirer calls the order: the id of a top-up, where it is ours.
    #[schema(required)]
    order: Option<String>,
    /// The acquirer's own id of the payment.
    #[schema(required)]
    acquirer_reference: Option<String>,
    /// In `currency`, where it is about money.
    #[schema(required)]
    amount: Option<String>,
    #[schema(required)]
    currency: Option<String>,
    /// How often it came.
    times: i64,
    /// The first time.
    #[schema(format = DateTime)]
    received_at: String,
}

impl From<&KeptNotification> for AcquirerNotification {
    fn from(kept: &KeptNotification) -> Self {
        let text = |text: Option<&Box<str>>| text.map(ToString::to_string);
        let currency: Option<Currency> = kept.currency.as_deref().and_then(|code| code.parse().ok());
        let amount = currency.zip(kept.amount_minor).map(|(currency, minor)| Money::from_minor(minor, currency));
        Self {
            id: kept.key.to_string(),
            kind: kept.kind.to_string(),
            outcome: kept.outcome.name(),
            order: text(kept.order.as_ref()),
            acquirer_reference: text(kept.reference.as_ref()),
            amount: amount.map(|amount| amount.to_string()),
            currency: text(kept.currency.as_ref()),
            times: kept.times,
            received_at: kept.received_at.to_string(),
        }
    }
}

/// A page, newest first.
#[derive(Serialize, ToSchema)]
pub struct AcquirerNotifications {
    items: Vec<AcquirerNotification>,
    /// For the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What an acquirer told that fits no top-up, newest first
///
/// For somebody to look at. What changed something, or says again what is known, is not shown.
#[utoipa::path(
    get, path = "/v1/acquirers/{name}/notifications", operation_id = "list_notifications", tag = "topups",
    params(("name" = String, Path, description = "The acquirer's name in the configuration", example = "simulator"), PageParameters),
    responses(
        (status = 200, description = "A page", body = AcquirerNotifications, headers(("Link" = String, description = "The next page (RFC 8288), when there is one"))),
        (status = 400, description = "A parameter is unknown or has a bad value", body = ProblemJson, content_type = "application/problem+json"),
        (status = 404, description = "There is no acquirer of the name", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub async fn list_notifications(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Problem> {
    let (query, before, limit) = Query::page(&uri, place)?;
    let name: AcquirerName = name.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let (kept, more) = state.topups.kept_notifications(&name, before.as_ref(), limit).await?;
    let next_cursor = kept.last().filter(|_| more).map(|last| {
        let at = last.received_at.unix_ms().to_be_bytes();
        cursor(AFTER, &[at.as_slice(), last.key.as_bytes()].concat())
    });
    let headers = query.page_headers(uri.path(), next_cursor.as_deref());
    let items = kept.iter().map(AcquirerNotification::from).collect();
    Ok((headers, Json(AcquirerNotifications { items, next_cursor })).into_response())
}

fn place(text: &str) -> Result<(Timestamp, Box<str>), &'static str> {
    const EXPECTED: &str = "expected a cursor of an earlier page";
    let (AFTER, place) = parse_cursor(text)? else { return Err(EXPECTED) };
    let (at, key) = place.split_first_chunk().ok_or(EXPECTED)?;
    let key = std::str::from_utf8(key).map_err(|_| EXPECTED)?;
    Ok((Timestamp::from_unix_ms(i64::from_be_bytes(*at)), key.into()))
}
