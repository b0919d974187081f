//! The acquirer simulator's HTTP interface (`taabia simulate acquirer`), and the form of its notifications.
//!
//! Only a listed answer is an outcome; everything else is unknown, not failure (`domain.md` \[1\]).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ConnectError, Dependencies, signature};
use crate::domain::{Money, Timestamp};
use crate::exchange::{self, Answer, Bounds, Order, Peer, Sending};
use crate::ports::Acquirer;
use crate::ports::acquirer::{
    AcquirerReference, AmountForm, Authorised, CaptureMode, CustomerAction, DisputeStage, DisputeState, Done, Event,
    Lookup, NotSent, Notification, NotificationError, NotificationReply, NotificationVerdict, Notified, OrderId,
    Outcome, Payment, PaymentMethod, PaymentOrder, PaymentStage, PaymentState, Received, RefundOrder, RefundStage,
    RefundState, Refusal, RefusalReason, SettlementColumns, SettlementProfile,
};

/// Header of the signature of a notification.
pub const SIGNATURE: &str = "acquirer-signature";

#[derive(Clone, Debug)]
pub struct Config {
    /// Where the simulator listens, such as `http://127.0.0.1:8095`.
    pub url: String,
    pub bounds: Bounds,
    /// Sent as a bearer token, unless it is empty.
    pub key: SecretString,
    /// Those that may sign notifications.
    pub notification_secrets: Vec<SecretString>,
    pub notification_tolerance_s: i64,
    pub settlement: SettlementProfile,
}

impl Config {
    /// The default timings, no key and no secret.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            bounds: Bounds {
                connect_timeout: Duration::from_secs(2),
                timeout: Duration::from_secs(10),
                max_orders_in_flight: 256,
            },
            key: SecretString::default(),
            notification_secrets: Vec::new(),
            notification_tolerance_s: 300,
            settlement: settlement_profile(),
        }
    }
}

/// The adapter.
pub struct Simulator {
    peer: Peer,
    headers: HeaderMap,
    secrets: Vec<SecretString>,
    tolerance_s: i64,
    profile: SettlementProfile,
}

impl Simulator {
    /// # Errors
    /// [`ConnectError`] when the configuration cannot work.
    pub fn new(config: &Config, dependencies: &Dependencies) -> Result<Self, ConnectError> {
        let clock = Arc::clone(&dependencies.clock);
        let mut headers = HeaderMap::new();
        if !config.key.expose_secret().is_empty() {
            headers.insert(AUTHORIZATION, bearer(&config.key)?);
        }
        Ok(Self {
            peer: Peer::new(&config.url, config.bounds, Arc::new(move || clock.now()))?,
            headers,
            secrets: config.notification_secrets.clone(),
            tolerance_s: config.notification_tolerance_s,
            profile: config.settlement.clone(),
        })
    }

    /// Posts to `path`; `Ok` is the payment as the simulator tells it after an explicit success.
    async fn post<T>(
        &self,
        path: String,
        body: &serde_json::Value,
        submit_by: Timestamp,
        about: &Payment,
    ) -> Result<PaymentState, Outcome<T>> {
        let body = serde_json::to_vec(body).expect("a JSON value is JSON");
        let headers = self.headers.clone();
        let order = Order { path, content_type: "application/json", headers, body, submit_by };
        match self.peer.post_once(order).await {
            Sending::Answered(answer) if answer.status == 200 => read_payment(&answer, about).map_err(Outcome::unknown),
            Sending::Answered(answer) => Err(read_refusal(&answer)),
            Sending::NotSent(exchange::NotSent::TooLate) => Err(Outcome::NotSent(NotSent::TooLate)),
            Sending::NotSent(exchange::NotSent::Unreachable(reason)) => {
                Err(Outcome::NotSent(NotSent::Unreachable(reason)))
            }
            Sending::Unknown(reason) => Err(Outcome::unknown(reason)),
        }
    }
}

/// The header of a bearer token.
pub(super) fn bearer(key: &SecretString) -> Result<HeaderValue, ConnectError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
        .map_err(|_| ConnectError::new("secret_key", "expected printable ASCII characters"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[async_trait]
impl Acquirer for Simulator {
    fn kind(&self) -> &'static str {
        "simulator"
    }

    fn offers(&self, _: &PaymentMethod) -> bool {
        true
    }

    async fn authorise(&self, order: &PaymentOrder) -> Outcome<Authorised> {
        let token = match &order.method {
            PaymentMethod::Token(token) => Some(token.as_str()),
            PaymentMethod::HostedPage => None,
        };
        let body = json!({
            "order": order.order.as_str(),
            "amount_minor": order.amount.minor(),
            "currency": order.amount.currency().code(),
            "token": token,
            "capture": if order.capture == CaptureMode::Automatic { "automatic" } else { "manual" },
            "return_url": order.return_url,
            "language": order.language.code(),
        });
        let about = Payment { order: order.order.clone(), reference: None, amount: order.amount };
        match self.post("payments".into(), &body, order.submit_by, &about).await {
            Ok(state) => authorised(state),
            Err(outcome) => outcome,
        }
    }

    async fn capture(&self, payment: &Payment, amount: Money, submit_by: Timestamp) -> Outcome<Done> {
        let body = json!({ "amount_minor": amount.minor() });
        match self.post(format!("payments/{}/capture", payment.order), &body, submit_by, payment).await {
            Ok(state) if state.stage == PaymentStage::Captured && state.captured == amount => {
                Outcome::Done(Done { reference: state.reference, amount, settled: true })
            }
            Ok(_) => Outcome::unknown("the answer to a capture does not say that it was captured"),
            Err(outcome) => outcome,
        }
    }

    async fn void(&self, payment: &Payment, submit_by: Timestamp) -> Outcome<Done> {
        match self.post(format!("payments/{}/void", payment.order), &json!({}), submit_by, payment).await {
            Ok(state) if state.stage == PaymentStage::Voided => {
                Outcome::Done(Done { reference: state.reference, amount: state.amount, settled: true })
            }
            Ok(_) => Outcome::unknown("the answer to a void does not say that it was voided"),
            Err(outcome) => outcome,
        }
    }

    async fn refund(&self, order: &RefundOrder) -> Outcome<Done> {
        let body = json!({ "refund": order.refund.as_str(), "amount_minor": order.amount.minor() });
        let path = format!("payments/{}/refunds", order.payment.order);
        let state = match self.post(path, &body, order.submit_by, &order.payment).await {
            Ok(state) => state,
            Err(outcome) => return outcome,
        };
        let ours = |refund: &&RefundState| refund.refund.as_ref() == Some(&order.refund);
        match state.refunds.iter().find(ours) {
            Some(refund) if refund.amount == order.amount && refund.stage == RefundStage::Done => {
                Outcome::Done(Done { reference: refund.reference.clone(), amount: refund.amount, settled: true })
            }
            _ => Outcome::unknown("the answer to a refund does not list it"),
        }
    }

    async fn lookup(&self, payment: &Payment) -> Lookup {
        match self.peer.get(&format!("payments/{}", payment.order), "", self.headers.clone()).await {
            Ok(answer) if answer.status == 404 && error_of(&answer).as_deref() == Some("not_known") => Lookup::NotKnown,
            Ok(answer) if answer.status == 200 => match read_payment(&answer, payment) {
                Ok(state) => Lookup::Known(state),
                Err(reason) => Lookup::Unknown(reason),
            },
            Ok(answer) => Lookup::Unknown(format!("HTTP status {}", answer.status)),
            Err(reason) => Lookup::Unknown(reason),
        }
    }

    fn read_notification(&self, received: &Received<'_>) -> Result<Notified, NotificationError> {
        let header = received.header(SIGNATURE);
        signature::verify(header, received.body, &self.secrets, received.at, self.tolerance_s)?;
        let told: Told = serde_json::from_slice(received.body).map_err(|_| NotificationError::Unreadable)?;
        told.read().ok_or(NotificationError::Unreadable)
    }

    fn reply(&self, verdict: NotificationVerdict) -> NotificationReply {
        reply(verdict)
    }

    fn settlement_profile(&self) -> &SettlementProfile {
        &self.profile
    }
}

/// JSON that the simulator does not read; its status says whether to send again.
pub(super) fn reply(verdict: NotificationVerdict) -> NotificationReply {
    let (status, body) = match verdict {
        NotificationVerdict::Take | NotificationVerdict::Keep => (200, r#"{"received":true}"#),
        NotificationVerdict::Refuse => (400, r#"{"received":false}"#),
        NotificationVerdict::Later => (503, r#"{"received":false}"#),
    };
    NotificationReply { status, content_type: "application/json", body }
}

/// The simulator's daily files.
#[must_use]
pub fn settlement_profile() -> SettlementProfile {
    SettlementProfile {
        delimiter: b',',
        columns: SettlementColumns {
            order: "order".into(),
            reference: "reference".into(),
            kind: "kind".into(),
            gross: "gross".into(),
            fee: "fee".into(),
            net: "net".into(),
            currency: "currency".into(),
            settled_on: "settled_on".into(),
        },
        date_format: "%Y-%m-%d".into(),
        amounts: AmountForm::Point,
        payment: "payment".into(),
        refund: "refund".into(),
        chargeback: "chargeback".into(),
        chargeback_reversal: "chargeback_reversal".into(),
    }
}

/// What we read of a payment; it may hold more.
#[derive(Deserialize)]
struct PaymentBody {
    order: String,
    reference: String,
    status: String,
    amount_minor: i64,
    currency: String,
    captured_minor: i64,
    refunded_minor: i64,
    code: Option<String>,
    redirect_url: Option<String>,
    #[serde(default)]
    refunds: Vec<RefundBody>,
    dispute: Option<DisputeBody>,
}

#[derive(Deserialize)]
struct RefundBody {
    refund: String,
    reference: String,
    amount_minor: i64,
}

#[derive(Deserialize)]
struct DisputeBody {
    reference: String,
    amount_minor: i64,
    status: String,
}

fn read_payment(answer: &Answer, about: &Payment) -> Result<PaymentState, String> {
    // The parser's message would quote the answer.
    let body: PaymentBody =
        serde_json::from_slice(&answer.body).map_err(|_| "HTTP status 200 with an unreadable answer".to_owned())?;
    let state = body.read().ok_or("HTTP status 200 with an unlisted answer")?;
    if state.order != about.order || state.amount != about.amount {
        return Err("the answer is about another payment, or another amount".into());
    }
    Ok(state)
}

impl PaymentBody {
    fn read(self) -> Option<PaymentState> {
        let currency = self.currency.parse().ok()?;
        let money = |minor| Money::from_minor(minor, currency);
        if self.amount_minor <= 0 || !(0..=self.amount_minor).contains(&self.captured_minor) {
            return None;
        }
        if !(0..=self.captured_minor).contains(&self.refunded_minor) {
            return None;
        }
        let stage = match &*self.status {
            "requires_action" => PaymentStage::NeedsCustomer(Some(CustomerAction::Redirect {
                url: self.redirect_url.filter(|url| url.starts_with("http"))?.into(),
            })),
            "authorised" => PaymentStage::Authorised,
            "captured" => PaymentStage::Captured,
            "voided" => PaymentStage::Voided,
            "declined" => PaymentStage::Refused(declined(self.code.as_deref()?)?),
            _ => return None,
        };
        let refunds = self.refunds.into_iter().map(|refund| {
            Some(RefundState {
                refund: Some(refund.refund.parse().ok()?),
                reference: refund.reference.parse().ok()?,
                amount: money(refund.amount_minor),
                stage: RefundStage::Done,
            })
        });
        let dispute = match self.dispute {
            None => None,
            Some(dispute) => Some(DisputeState {
                reference: dispute.reference.parse().ok()?,
                amount: money(dispute.amount_minor),
                stage: match &*dispute.status {
                    "open" => DisputeStage::Open,
                    "won" => DisputeStage::Won,
                    "lost" => DisputeStage::Lost,
                    _ => return None,
                },
            }),
        };
        Some(PaymentState {
            order: self.order.parse().ok()?,
            reference: self.reference.parse().ok()?,
            stage,
            amount: money(self.amount_minor),
            captured: money(self.captured_minor),
            refunded: money(self.refunded_minor),
            refunds: refunds.collect::<Option<_>>()?,
            dispute,
        })
    }
}

fn authorised(state: PaymentState) -> Outcome<Authorised> {
    let PaymentState { reference, amount, captured, .. } = state;
    match state.stage {
        PaymentStage::Authorised => Outcome::Done(Authorised::Held { reference, amount }),
        PaymentStage::Captured => Outcome::Done(Authorised::Captured { reference, amount: captured }),
        PaymentStage::NeedsCustomer(Some(action)) => {
            Outcome::Done(Authorised::NeedsCustomer { reference: Some(reference), action })
        }
        PaymentStage::Refused(refusal) => Outcome::Refused(refusal),
        PaymentStage::Voided => Outcome::refused(RefusalReason::Cancelled, "voided"),
        PaymentStage::Pending | PaymentStage::NeedsCustomer(None) => Outcome::Done(Authorised::Pending { reference }),
    }
}

/// The listed codes of a declined payment.
fn declined(code: &str) -> Option<Refusal> {
    let reason = match code {
        "card_declined" => RefusalReason::CardDeclined,
        "insufficient_funds" => RefusalReason::InsufficientFunds,
        "expired_card" => RefusalReason::CardExpired,
        "authentication_failed" => RefusalReason::AuthenticationFailed,
        "token_unknown" => RefusalReason::TokenUnknown,
        _ => return None,
    };
    Some(Refusal::new(reason, code))
}

#[derive(Deserialize, Serialize)]
struct ErrorBody {
    error: String,
}

fn error_of(answer: &Answer) -> Option<String> {
    serde_json::from_slice::<ErrorBody>(&answer.body).ok().map(|body| body.error)
}

/// The listed refusals. Whatever is not here proves nothing.
fn read_refusal<T>(answer: &Answer) -> Outcome<T> {
    let error = error_of(answer).unwrap_or_default();
    let reason = match (answer.status, &*error) {
        (401, "unauthorised") => RefusalReason::Misconfigured,
        (404, "not_known") => RefusalReason::PaymentUnknown,
        (409, "order_reused") => RefusalReason::OtherContent,
        (422, "wrong_stage") => RefusalReason::WrongStage,
        (422, "amount_too_large") => RefusalReason::AmountOutOfRange,
        (422, "capture_failed" | "refund_failed") => RefusalReason::AcquirerError,
        _ => return Outcome::unknown(format!("HTTP status {} with an unlisted answer", answer.status)),
    };
    Outcome::refused(reason, &error)
}

/// A notification as it is written.
#[derive(Deserialize)]
struct Told {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    order: OrderText,
    reference: String,
    occurred_ms: i64,
    amount_minor: i64,
    currency: String,
    code: Option<String>,
    refund: Option<OrderText>,
    refund_reference: Option<String>,
    refunded_minor: Option<i64>,
    dispute: Option<String>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct OrderText(String);

impl OrderText {
    fn read(&self) -> Option<OrderId> {
        self.0.parse().ok()
    }
}

impl Told {
    fn read(self) -> Option<Notified> {
        let currency = self.currency.parse().ok()?;
        let amount =
            Some(self.amount_minor).filter(|minor| *minor > 0).map(|minor| Money::from_minor(minor, currency))?;
        let dispute = || self.dispute.as_deref()?.parse::<AcquirerReference>().ok();
        let event = match &*self.kind {
            "payment.authorised" => Event::Authorised { amount, captured_by_reply: false },
            "payment.captured" => Event::Captured { amount },
            "payment.declined" => Event::Refused(declined(self.code.as_deref()?)?),
            "payment.voided" => Event::Voided,
            "refund.done" => Event::Refunded {
                refund: Some(self.refund.as_ref()?.read()?),
                reference: Some(self.refund_reference.as_deref()?.parse().ok()?),
                amount: Some(amount),
                total: Some(Money::from_minor(self.refunded_minor?, currency)),
            },
            "dispute.opened" => Event::DisputeOpened { dispute: dispute()?, amount },
            "dispute.won" => Event::DisputeWon { dispute: dispute()?, amount },
            "dispute.lost" => Event::DisputeLost { dispute: dispute()?, amount },
            other => return Some(Notified::irrelevant(other)),
        };
        Some(Notified::Of(Notification {
            key: Some(self.id).filter(|id| (1..=128).contains(&id.len()))?.into(),
            order: Some(self.order.read()?),
            reference: Some(self.reference.parse().ok()?),
            occurred_at: Some(Timestamp::from_unix_ms(self.occurred_ms)),
            event,
        }))
    }
}
