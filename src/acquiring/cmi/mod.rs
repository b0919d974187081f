//! CMI's hosted payment page ("`3D_PAY_HOSTING`"): the customer's browser posts a form with a hash, the customer types
//! the card there, and CMI calls back, once or several times for one order. An approval is captured by what the callback
//! is answered: `ACTION=POSTAUTH` (`domain.md`, "Card: CMI redirect").
//!
//! Nothing is sent from here: there is no call for captures, voids, refunds and look-ups in this contract of CMI's. Refunds
//! and voids are made in CMI's own back office and come back with the settlement file; the adapter says so
//! ([`NotSent::NotOffered`]) instead of pretending.

pub mod hash;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};

use super::{ConnectError, Dependencies};
use crate::domain::{Currency, Money, Timestamp};
use crate::ports::acquirer::{
    AcquirerReference, AmountForm, Authorised, CustomerAction, Done, Event, Lookup, NotSent, Notification,
    NotificationError, NotificationReply, NotificationVerdict, Notified, Outcome, Payment, PaymentMethod, PaymentOrder,
    Received, RefundOrder, Refusal, RefusalReason, SettlementColumns, SettlementProfile,
};
use crate::ports::{Acquirer, Clock, Randomness};

#[derive(Clone, Debug)]
pub struct Config {
    /// Where the customer's browser posts the form, such as `https://payment.cmi.co.ma/fim/est3Dgate`.
    pub gate_url: String,
    /// CMI's number of the merchant (`clientid`).
    pub merchant_id: String,
    pub store_key: SecretString,
    /// Where CMI reaches us: `…/v1/acquirers/NAME/notifications`.
    pub callback_url: String,
    pub settlement: SettlementProfile,
}

/// The adapter.
pub struct Cmi {
    config: Config,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

impl Cmi {
    /// # Errors
    /// [`ConnectError`] when the configuration cannot work.
    pub fn new(config: &Config, dependencies: &Dependencies) -> Result<Self, ConnectError> {
        for (setting, url) in [("url", &config.gate_url), ("callback_url", &config.callback_url)] {
            let parsed = url.parse::<hyper::Uri>().ok();
            if !parsed
                .is_some_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.authority().is_some())
            {
                return Err(ConnectError::new(setting, "expected an http or https URL"));
            }
        }
        if config.merchant_id.is_empty() {
            return Err(ConnectError::new("merchant_id", "expected CMI's number of the merchant"));
        }
        if config.store_key.expose_secret().is_empty() {
            return Err(ConnectError::new("secret_key", "expected the store key"));
        }
        Ok(Self {
            config: config.clone(),
            clock: dependencies.clock.clone(),
            randomness: dependencies.randomness.clone(),
        })
    }

    /// The form that the browser posts.
    fn form(&self, order: &PaymentOrder, return_url: &str) -> Vec<(Box<str>, Box<str>)> {
        let mut random = [0; 16];
        self.randomness.fill(&mut random);
        let mut fields: Vec<(Box<str>, Box<str>)> = [
            ("clientid", &*self.config.merchant_id),
            ("storetype", "3D_PAY_HOSTING"),
            ("trantype", "PreAuth"),
            ("amount", &order.amount.to_string()),
            ("currency", &format!("{:03}", order.amount.currency().numeric())),
            ("oid", order.order.as_str()),
            ("okUrl", return_url),
            ("failUrl", return_url),
            ("callbackUrl", &self.config.callback_url),
            ("lang", order.language.code()),
            ("rnd", &hex::encode(random)),
            ("hashAlgorithm", "ver3"),
            ("encoding", "UTF-8"),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
        let hash = hash::ver3(fields.iter().map(|(name, value)| (&**name, &**value)), &self.config.store_key);
        fields.push(("HASH".into(), hash.into()));
        fields
    }
}

#[async_trait]
impl Acquirer for Cmi {
    fn kind(&self) -> &'static str {
        "cmi"
    }

    fn offers(&self, method: &PaymentMethod) -> bool {
        *method == PaymentMethod::HostedPage
    }

    async fn authorise(&self, order: &PaymentOrder) -> Outcome<Authorised> {
        if self.clock.now() > order.submit_by {
            return Outcome::NotSent(NotSent::TooLate);
        }
        if order.method != PaymentMethod::HostedPage {
            return Outcome::NotSent(NotSent::NotOffered);
        }
        let Some(return_url) = &order.return_url else {
            return Outcome::refused(RefusalReason::Misconfigured, "return_url_missing");
        };
        let fields = self.form(order, return_url);
        let action = CustomerAction::Form { url: self.config.gate_url.clone().into(), fields };
        Outcome::Done(Authorised::NeedsCustomer { reference: None, action })
    }

    async fn capture(&self, _: &Payment, _: Money, _: Timestamp) -> Outcome<Done> {
        Outcome::NotSent(NotSent::NotOffered)
    }

    async fn void(&self, _: &Payment, _: Timestamp) -> Outcome<Done> {
        Outcome::NotSent(NotSent::NotOffered)
    }

    async fn refund(&self, _: &RefundOrder) -> Outcome<Done> {
        Outcome::NotSent(NotSent::NotOffered)
    }

    async fn lookup(&self, _: &Payment) -> Lookup {
        Lookup::NotOffered
    }

    fn read_notification(&self, received: &Received<'_>) -> Result<Notified, NotificationError> {
        let callback = Callback::parse(received.body)?;
        let given = callback.get("hash").ok_or(NotificationError::Unsigned)?;
        let fields = callback.0.values().map(|(name, value)| (&**name, &**value));
        if !hash::is_ver3(given, fields, &self.config.store_key) {
            return Err(NotificationError::WrongSignature);
        }
        if callback.get("clientid") != Some(&*self.config.merchant_id) {
            return Err(NotificationError::Unreadable);
        }
        callback.read(given).map(Notified::Of).ok_or(NotificationError::Unreadable)
    }

    fn reply(&self, verdict: NotificationVerdict) -> NotificationReply {
        let body = match verdict {
            NotificationVerdict::Take => "ACTION=POSTAUTH",
            NotificationVerdict::Keep => "APPROVED",
            // CMI knows no "later": what could not be recorded is not captured, and its authorisation lapses.
            NotificationVerdict::Refuse | NotificationVerdict::Later => "FAILURE",
        };
        NotificationReply { status: 200, content_type: "text/plain", body }
    }

    fn settlement_profile(&self) -> &SettlementProfile {
        &self.config.settlement
    }
}

/// The form that the file of a merchant usually has; each merchant's contract may differ.
#[must_use]
pub fn settlement_profile() -> SettlementProfile {
    SettlementProfile {
        delimiter: b';',
        columns: SettlementColumns {
            order: "oid".into(),
            reference: "TransId".into(),
            kind: "type".into(),
            gross: "montant".into(),
            fee: "commission".into(),
            net: "net".into(),
            currency: "devise".into(),
            settled_on: "date".into(),
        },
        date_format: "%d/%m/%Y".into(),
        amounts: AmountForm::Comma,
        payment: "VENTE".into(),
        refund: "REMBOURSEMENT".into(),
        chargeback: "IMPAYE".into(),
        chargeback_reversal: "ANNULATION IMPAYE".into(),
    }
}

/// The fields of a callback by their name in lower case, with the name as it came.
struct Callback(BTreeMap<String, (String, String)>);

impl Callback {
    /// A field that comes twice could be read in two ways.
    fn parse(body: &[u8]) -> Result<Self, NotificationError> {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            let known = fields.insert(name.to_ascii_lowercase(), (name.into_owned(), value.into_owned()));
            if known.is_some() {
                return Err(NotificationError::Unreadable);
            }
        }
        Ok(Self(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    fn read(&self, hash: &str) -> Option<Notification> {
        let currency = self.get("currency").and_then(|text| text.parse().ok()).and_then(Currency::from_numeric)?;
        let amount = Money::parse(self.get("amount")?, currency).ok()?;
        let reference: Option<AcquirerReference> = match self.get("transid") {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        };
        let code = self.get("procreturncode");
        let event = if code == Some("00") && self.get("response").is_some_and(|it| it.eq_ignore_ascii_case("approved"))
        {
            // An approval that cannot be found again at CMI is none.
            reference.as_ref()?;
            Event::Authorised { amount, captured_by_reply: true }
        } else {
            Event::Refused(refusal(code))
        };
        // Repetitions of a callback may be signed anew.
        let key = match &reference {
            Some(reference) if reference.as_str().len() <= 64 => format!("{reference}/{}", code.unwrap_or_default()),
            _ => hash.to_owned(),
        };
        Some(Notification {
            key: Some(key).filter(|key| key.len() <= 128)?.into(),
            order: Some(self.get("oid")?.parse().ok()?),
            reference,
            occurred_at: None,
            event,
        })
    }
}

/// By the response code of ISO 8583 (field 39) that CMI hands on; without one the holder was not authenticated.
fn refusal(code: Option<&str>) -> Refusal {
    let reason = match code {
        None => RefusalReason::AuthenticationFailed,
        Some("51" | "61" | "65") => RefusalReason::InsufficientFunds,
        Some("33" | "54") => RefusalReason::CardExpired,
        Some("91" | "96" | "99") => RefusalReason::AcquirerError,
        Some("13") => RefusalReason::AmountOutOfRange,
        Some(_) => RefusalReason::CardDeclined,
    };
    Refusal::new(reason, code.unwrap_or("not_authenticated"))
}
