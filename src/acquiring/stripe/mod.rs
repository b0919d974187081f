//! Stripe: `PaymentIntents` over its REST API (version of the account), and signed webhooks.
//!
//! An authorisation is two requests. The first creates the intent and moves no money, so its failure is no doubt
//! ([`NotSent`]); the second confirms it, and only that one can be in doubt. By then Stripe's id is known, and asking by it
//! is reliable at once, which its search is not. Every write carries an `Idempotency-Key` made of our own ids, so that a
//! repetition gets the first answer (Stripe keeps keys for a day or more); an intent that was confirmed meanwhile is
//! looked at instead of confirmed again.
//!
//! Only listed answers are outcomes; 409, 429, 5xx and whatever else is not listed is unknown.

mod webhook;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use form_urlencoded::Serializer;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::simulator::bearer;
use super::{ConnectError, Dependencies, signature};
use crate::domain::{Money, Timestamp};
use crate::exchange::{self, Answer, Bounds, Order, Peer, Sending};
use crate::ports::Acquirer;
use crate::ports::acquirer::{
    AcquirerReference, AmountForm, Authorised, CaptureMode, Done, Lookup, NotSent, NotificationError,
    NotificationReply, NotificationVerdict, Notified, OrderId, Outcome, Payment, PaymentMethod, PaymentOrder,
    PaymentStage, PaymentState, Received, RefundOrder, RefundStage, RefusalReason, SettlementColumns,
    SettlementProfile,
};

/// Where the signature of a webhook stands.
const SIGNATURE: &str = "stripe-signature";
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Intents and refunds carry our ids under these names in their metadata.
const ORDER: &str = "metadata[order]";
const REFUND: &str = "metadata[refund]";
/// With every intent comes its charge, which tells refunds and disputes.
const EXPAND: (&str, &str) = ("expand[]", "latest_charge");

#[derive(Clone, Debug)]
pub struct Config {
    /// `https://api.stripe.com`
    pub url: String,
    pub bounds: Bounds,
    /// The account's secret key, `sk_…`.
    pub key: SecretString,
    /// Signing secrets of the webhook endpoint, `whsec_…`.
    pub webhook_secrets: Vec<SecretString>,
    pub webhook_tolerance_s: i64,
    pub settlement: SettlementProfile,
}

/// The adapter.
pub struct Stripe {
    peer: Peer,
    headers: HeaderMap,
    config: Config,
}

/// A request that writes.
struct Write<'a> {
    path: String,
    key: String,
    fields: Vec<(&'a str, &'a str)>,
    submit_by: Timestamp,
}

/// How a write ended, before it is read.
enum Written {
    Answered(Answer),
    NotSent(NotSent),
    Unknown(String),
}

impl Stripe {
    /// # Errors
    /// [`ConnectError`] when the configuration cannot work.
    pub fn new(config: &Config, dependencies: &Dependencies) -> Result<Self, ConnectError> {
        if config.key.expose_secret().is_empty() {
            return Err(ConnectError::new("secret_key", "expected the secret key of the account"));
        }
        let clock = Arc::clone(&dependencies.clock);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer(&config.key)?);
        let peer = Peer::new(&config.url, config.bounds, Arc::new(move || clock.now()))?;
        Ok(Self { peer, headers, config: config.clone() })
    }

    async fn write(&self, write: Write<'_>) -> Written {
        let mut headers = self.headers.clone();
        let key = HeaderValue::from_str(&write.key).expect("keys are made of plain ids");
        headers.insert(IDEMPOTENCY_KEY, key);
        let order = Order {
            path: write.path,
            content_type: "application/x-www-form-urlencoded",
            headers,
            body: Serializer::new(String::new()).extend_pairs(write.fields).finish().into_bytes(),
            submit_by: write.submit_by,
        };
        match self.peer.post_once(order).await {
            Sending::Answered(answer) => Written::Answered(answer),
            Sending::NotSent(exchange::NotSent::TooLate) => Written::NotSent(NotSent::TooLate),
            Sending::NotSent(exchange::NotSent::Unreachable(reason)) => Written::NotSent(NotSent::Unreachable(reason)),
            Sending::Unknown(reason) => Written::Unknown(reason),
        }
    }

    async fn read(&self, path: &str, query: &str) -> Result<Answer, String> {
        self.peer.get(path, query, self.headers.clone()).await
    }

    /// Creates the intent, unconfirmed: no money moves. The same order gets the same intent.
    async fn create(&self, order: &PaymentOrder, token: &str) -> Result<AcquirerReference, Outcome<Authorised>> {
        let amount = order.amount.minor().to_string();
        let currency = order.amount.currency().code().to_ascii_lowercase();
        let capture = if order.capture == CaptureMode::Automatic { "automatic" } else { "manual" };
        let fields = vec![
            ("amount", &*amount),
            ("currency", &*currency),
            ("payment_method", token),
            ("payment_method_types[]", "card"),
            ("capture_method", capture),
            (ORDER, order.order.as_str()),
        ];
        let key = order.order.to_string();
        let write = Write { path: "v1/payment_intents".into(), key, fields, submit_by: order.submit_by };
        match self.write(write).await {
            Written::Answered(answer) if answer.status == 200 => {
                let intent = wire::Intent::parse(&answer).and_then(|intent| intent.state(&order.order, order.amount));
                // What cannot be read cannot be confirmed either.
                intent.map(|state| state.reference).map_err(|reason| Outcome::NotSent(NotSent::Unreachable(reason)))
            }
            Written::Answered(answer) => Err(match wire::refusal(&answer) {
                // All that a new intent refers to is the token.
                Some(refusal) if refusal.reason == RefusalReason::PaymentUnknown => {
                    Outcome::refused(RefusalReason::TokenUnknown, &refusal.code)
                }
                Some(refusal) => Outcome::Refused(refusal),
                None => Outcome::NotSent(NotSent::Unreachable(wire::unlisted(&answer))),
            }),
            Written::NotSent(why) => Err(Outcome::NotSent(why)),
            Written::Unknown(reason) => Err(Outcome::NotSent(NotSent::Unreachable(reason))),
        }
    }

    async fn confirm(&self, order: &PaymentOrder, reference: &AcquirerReference) -> Outcome<Authorised> {
        let mut fields = vec![EXPAND];
        fields.extend(order.return_url.as_deref().map(|url| ("return_url", url)));
        let write = Write {
            path: format!("v1/payment_intents/{reference}/confirm"),
            key: format!("{}-confirm", order.order),
            fields,
            submit_by: order.submit_by,
        };
        let unknown = |reason| Outcome::Unknown { reference: Some(reference.clone()), reason };
        let payment = Payment { order: order.order.clone(), reference: Some(reference.clone()), amount: order.amount };
        match self.write(write).await {
            Written::Answered(answer) if answer.status == 200 => {
                match wire::Intent::parse(&answer).and_then(|intent| intent.state(&order.order, order.amount)) {
                    Ok(state) => self.authorised(&payment, state, order.submit_by).await,
                    Err(reason) => unknown(reason),
                }
            }
            Written::Answered(answer) if wire::may_be_in_another_stage(&answer) => {
                // Confirmed before, by a request whose answer was lost.
                match self.lookup(&payment).await {
                    Lookup::Known(state) if state.stage != PaymentStage::Pending => {
                        self.authorised(&payment, state, order.submit_by).await
                    }
                    _ => unknown(wire::unlisted(&answer)),
                }
            }
            Written::Answered(answer) => match wire::refusal(&answer) {
                Some(refusal) => Outcome::Refused(refusal),
                None => unknown(wire::unlisted(&answer)),
            },
            Written::NotSent(why) => Outcome::NotSent(why),
            Written::Unknown(reason) => unknown(reason),
        }
    }

    async fn authorised(&self, payment: &Payment, state: PaymentState, submit_by: Timestamp) -> Outcome<Authorised> {
        let PaymentState { reference, amount, captured, .. } = state;
        match state.stage {
            PaymentStage::Authorised => Outcome::Done(Authorised::Held { reference, amount }),
            PaymentStage::Captured => Outcome::Done(Authorised::Captured { reference, amount: captured }),
            PaymentStage::NeedsCustomer(Some(action)) => {
                Outcome::Done(Authorised::NeedsCustomer { reference: Some(reference), action })
            }
            // It can only go on in a page of Stripe's script, which we have not: ended, so that it cannot go on there.
            PaymentStage::NeedsCustomer(None) => match self.void(payment, submit_by).await {
                Outcome::Done(_) => Outcome::refused(RefusalReason::AuthenticationFailed, "authentication_required"),
                _ => Outcome::Unknown { reference: Some(reference), reason: "3-D Secure without a page".into() },
            },
            PaymentStage::Refused(refusal) => Outcome::Refused(refusal),
            PaymentStage::Voided => Outcome::refused(RefusalReason::Cancelled, "canceled"),
            PaymentStage::Pending => Outcome::Done(Authorised::Pending { reference }),
        }
    }

    /// Writes to an intent and reads how it then stands.
    async fn step(&self, payment: &Payment, write: Write<'_>) -> Result<PaymentState, Outcome<Done>> {
        match self.write(write).await {
            Written::Answered(answer) if answer.status == 200 => wire::Intent::parse(&answer)
                .and_then(|intent| intent.state(&payment.order, payment.amount))
                .map_err(Outcome::unknown),
            Written::Answered(answer) => Err(match wire::refusal(&answer) {
                Some(refusal) => Outcome::Refused(refusal),
                None => Outcome::unknown(wire::unlisted(&answer)),
            }),
            Written::NotSent(why) => Err(Outcome::NotSent(why)),
            Written::Unknown(reason) => Err(Outcome::unknown(reason)),
        }
    }

    /// Stripe's id: as told, or found by ours. `None`: Stripe's search does not find it, which lags by a minute or more.
    async fn reference(&self, payment: &Payment) -> Result<Option<AcquirerReference>, String> {
        if let Some(reference) = &payment.reference {
            return Ok(Some(reference.clone()));
        }
        let query = format!("metadata['order']:'{}'", payment.order);
        let query = Serializer::new(String::new()).append_pair("query", &query).append_pair("limit", "2").finish();
        let answer = self.read("v1/payment_intents/search", &query).await?;
        wire::found(&answer)
    }

    async fn known_reference(&self, payment: &Payment) -> Result<AcquirerReference, Outcome<Done>> {
        match self.reference(payment).await {
            Ok(Some(reference)) => Ok(reference),
            // Nothing was sent that moves money, but that Stripe does not know the payment is not proven.
            Ok(None) => Err(Outcome::NotSent(NotSent::Unreachable("not found by Stripe's search yet".into()))),
            Err(reason) => Err(Outcome::NotSent(NotSent::Unreachable(reason))),
        }
    }
}

#[async_trait]
impl Acquirer for Stripe {
    fn kind(&self) -> &'static str {
        "stripe"
    }

    fn offers(&self, method: &PaymentMethod) -> bool {
        matches!(method, PaymentMethod::Token(_))
    }

    async fn authorise(&self, order: &PaymentOrder) -> Outcome<Authorised> {
        let PaymentMethod::Token(token) = &order.method else { return Outcome::NotSent(NotSent::NotOffered) };
        match self.create(order, token.as_str()).await {
            Ok(reference) => self.confirm(order, &reference).await,
            Err(outcome) => outcome,
        }
    }

    async fn capture(&self, payment: &Payment, amount: Money, submit_by: Timestamp) -> Outcome<Done> {
        let reference = match self.known_reference(payment).await {
            Ok(reference) => reference,
            Err(outcome) => return outcome,
        };
        let minor = amount.minor().to_string();
        let write = Write {
            path: format!("v1/payment_intents/{reference}/capture"),
            key: format!("{}-capture", payment.order),
            fields: vec![("amount_to_capture", &minor), EXPAND],
            submit_by,
        };
        match self.step(payment, write).await {
            Ok(state) if state.stage == PaymentStage::Captured => {
                Outcome::Done(Done { reference, amount: state.captured, settled: true })
            }
            Ok(state) if state.stage == PaymentStage::Voided => Outcome::refused(RefusalReason::Cancelled, "canceled"),
            Ok(_) => Outcome::Unknown { reference: Some(reference), reason: "the capture is not finished".into() },
            Err(outcome) => outcome,
        }
    }

    async fn void(&self, payment: &Payment, submit_by: Timestamp) -> Outcome<Done> {
        let reference = match self.known_reference(payment).await {
            Ok(reference) => reference,
            Err(outcome) => return outcome,
        };
        let write = Write {
            path: format!("v1/payment_intents/{reference}/cancel"),
            key: format!("{}-void", payment.order),
            fields: vec![EXPAND],
            submit_by,
        };
        match self.step(payment, write).await {
            Ok(state) if state.stage == PaymentStage::Voided => {
                Outcome::Done(Done { reference, amount: state.amount, settled: true })
            }
            Ok(_) => Outcome::Unknown { reference: Some(reference), reason: "the void is not finished".into() },
            Err(outcome) => outcome,
        }
    }

    async fn refund(&self, order: &RefundOrder) -> Outcome<Done> {
        let reference = match self.known_reference(&order.payment).await {
            Ok(reference) => reference,
            Err(outcome) => return outcome,
        };
        let minor = order.amount.minor().to_string();
        let fields = vec![
            ("payment_intent", reference.as_str()),
            ("amount", &minor),
            (ORDER, order.payment.order.as_str()),
            (REFUND, order.refund.as_str()),
        ];
        let write =
            Write { path: "v1/refunds".into(), key: order.refund.to_string(), fields, submit_by: order.submit_by };
        match self.write(write).await {
            Written::Answered(answer) if answer.status == 200 => wire::read_refund(&answer, order),
            Written::Answered(answer) => match wire::refusal(&answer) {
                Some(refusal) => Outcome::Refused(refusal),
                None => Outcome::unknown(wire::unlisted(&answer)),
            },
            Written::NotSent(why) => Outcome::NotSent(why),
            Written::Unknown(reason) => Outcome::unknown(reason),
        }
    }

    async fn lookup(&self, payment: &Payment) -> Lookup {
        let reference = match self.reference(payment).await {
            Ok(Some(reference)) => reference,
            Ok(None) => return Lookup::NotKnown,
            Err(reason) => return Lookup::Unknown(reason),
        };
        match self.state(payment, &reference).await {
            Ok(Some(state)) => Lookup::Known(state),
            Ok(None) => Lookup::NotKnown,
            Err(reason) => Lookup::Unknown(reason),
        }
    }

    fn read_notification(&self, received: &Received<'_>) -> Result<Notified, NotificationError> {
        let Config { webhook_secrets, webhook_tolerance_s, .. } = &self.config;
        let header = received.header(SIGNATURE);
        signature::verify(header, received.body, webhook_secrets, received.at, *webhook_tolerance_s)?;
        webhook::read(received.body).ok_or(NotificationError::Unreadable)
    }

    fn reply(&self, verdict: NotificationVerdict) -> NotificationReply {
        super::simulator::reply(verdict)
    }

    fn settlement_profile(&self) -> &SettlementProfile {
        &self.config.settlement
    }
}

impl Stripe {
    /// The intent with its refunds. `None`: Stripe does not know the id.
    async fn state(&self, payment: &Payment, reference: &AcquirerReference) -> Result<Option<PaymentState>, String> {
        let expand = Serializer::new(String::new()).append_pair(EXPAND.0, EXPAND.1).finish();
        let answer = self.read(&format!("v1/payment_intents/{reference}"), &expand).await?;
        if answer.status == 404 && wire::is_missing(&answer) {
            return Ok(None);
        }
        let intent = wire::Intent::parse(&answer)?;
        let is_disputed = intent.is_disputed();
        let mut state = intent.state(&payment.order, payment.amount)?;
        if state.stage == PaymentStage::Captured {
            let query = Serializer::new(String::new())
                .append_pair("payment_intent", reference.as_str())
                .append_pair("limit", "100")
                .finish();
            let answer = self.read("v1/refunds", &query).await?;
            state.refunds = wire::refunds(&answer, state.amount.currency())?;
            let refunded = state.refunds.iter().filter(|refund| refund.stage != RefundStage::Failed);
            let minor = refunded.map(|refund| refund.amount.minor()).try_fold(0_i64, i64::checked_add);
            let minor = minor.ok_or("refunds that no amount can hold")?;
            state.refunded = Money::from_minor(minor, state.amount.currency());
        }
        if is_disputed {
            let query = Serializer::new(String::new()).append_pair("payment_intent", reference.as_str()).finish();
            state.dispute = wire::dispute(&self.read("v1/disputes", &query).await?)?;
        }
        Ok(Some(state))
    }
}

/// The columns of Stripe's itemised payout reconciliation report, with our ids as metadata.
#[must_use]
pub fn settlement_profile() -> SettlementProfile {
    SettlementProfile {
        delimiter: b',',
        columns: SettlementColumns {
            order: "payment_metadata[order]".into(),
            reference: "source_id".into(),
            kind: "reporting_category".into(),
            gross: "gross".into(),
            fee: "fee".into(),
            net: "net".into(),
            currency: "currency".into(),
            settled_on: "automatic_payout_effective_at".into(),
        },
        date_format: "%Y-%m-%d".into(),
        amounts: AmountForm::Point,
        payment: "charge".into(),
        refund: "refund".into(),
        chargeback: "dispute".into(),
        chargeback_reversal: "dispute_reversal".into(),
    }
}

/// Our id in the metadata of an object.
fn order_in(metadata: &wire::Metadata) -> Option<OrderId> {
    metadata.order.as_deref()?.parse().ok()
}
