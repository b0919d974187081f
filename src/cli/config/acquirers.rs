//! Settings of acquirers: a section `[acquirers.NAME]` for each. What each setting means stands in [`ACQUIRER_EXAMPLE`],
//! which is where the defaults are; a section has all of them as soon as it has one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, de};
use toml::{Table, Value};

use crate::acquiring::{AcquirerConfig, AcquirerName, Rule, Setup, cmi, in_process, simulator, stripe};
use crate::domain::{Currency, Money};
use crate::exchange::Bounds;
use crate::exchange::breaker::BreakerConfig;
use crate::ports::acquirer::{AmountForm, CaptureMode, SettlementProfile};

/// The commented example of one section.
pub const ACQUIRER_EXAMPLE: &str = include_str!("../../../config/acquirer.example.toml");

const STRIPE_URL: &str = "https://api.stripe.com";
/// A probe of a breaker is given up after this many time-outs.
const PROBE_TIMEOUTS: i64 = 3;

/// All settings of one section with their defaults.
pub(super) fn defaults() -> Table {
    ACQUIRER_EXAMPLE.parse().expect("the example is TOML, which a test checks")
}

/// The acquirers by name.
pub type Acquirers = BTreeMap<String, AcquirerSettings>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Stripe,
    Cmi,
    Simulator,
    InProcess,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcquirerSettings {
    kind: String,
    url: String,
    #[serde(deserialize_with = "super::secret")]
    secret_key: SecretString,
    secret_key_file: PathBuf,
    #[serde(deserialize_with = "secrets")]
    notification_secrets: Vec<SecretString>,
    notification_secrets_file: PathBuf,
    notification_tolerance_s: u32,
    merchant_id: String,
    callback_url: String,
    capture: Capture,
    connect_timeout_ms: u32,
    timeout_ms: u32,
    max_in_flight: u32,
    weight: u32,
    min_amount: String,
    max_amount: String,
    resellers: Vec<String>,
    breaker_failures: u32,
    breaker_open_ms: u32,
    breaker_max_open_ms: u32,
    settlement: Settlement,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Capture {
    Automatic,
    Manual,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settlement {
    delimiter: String,
    date_format: String,
    amounts: String,
    order: String,
    reference: String,
    kind: String,
    gross: String,
    fee: String,
    net: String,
    currency: String,
    settled_on: String,
    payment: String,
    refund: String,
    chargeback: String,
    chargeback_reversal: String,
}

fn secrets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretString>, D::Error> {
    // Not the text that was given: it may be a secret in the wrong place.
    let texts = Vec::<String>::deserialize(deserializer).map_err(|_| de::Error::custom("expected a list of texts"))?;
    Ok(texts.into_iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).map(Into::into).collect())
}

/// A setting that does not fit: its dotted key, and what was expected.
pub type Misfit = (String, String);

/// Where the secrets of a section come from.
struct Secrets {
    key: SecretString,
    notifications: Vec<SecretString>,
}

/// What types alone do not say; files are not read.
///
/// # Errors
/// The first setting that does not fit.
pub(super) fn check(acquirers: &Acquirers, currency: Currency) -> Result<(), Misfit> {
    for (name, settings) in acquirers {
        let given = |text: &SecretString, file: &PathBuf| {
            if file.as_os_str().is_empty() { text.clone() } else { SecretString::from("in its file") }
        };
        let key = given(&settings.secret_key, &settings.secret_key_file);
        let mut notifications = settings.notification_secrets.clone();
        if !settings.notification_secrets_file.as_os_str().is_empty() {
            notifications.push("in their file".into());
        }
        settings.setup(name, currency, Secrets { key, notifications })?;
    }
    Ok(())
}

/// The acquirers as the registry takes them, secrets read from their files.
///
/// # Errors
/// The first setting that does not fit, or whose file cannot be read.
pub fn setups(acquirers: &Acquirers, currency: Currency) -> Result<Vec<(AcquirerName, Setup)>, Misfit> {
    let setup = |(name, settings): (&String, &AcquirerSettings)| {
        let secrets = settings.secrets().map_err(|(field, problem)| misfit(name, field, problem))?;
        settings.setup(name, currency, secrets)
    };
    acquirers.iter().map(setup).collect()
}

fn misfit(name: &str, field: &str, problem: impl Into<String>) -> Misfit {
    (format!("acquirers.{name}.{field}"), problem.into())
}

impl AcquirerSettings {
    /// The acquirer simulator at `url`, whose notifications are signed with `secret`; the rest as by default.
    ///
    /// # Panics
    /// Never: the example has every setting.
    #[must_use]
    pub fn of_simulator(url: String, secret: String) -> Self {
        let mut settings = defaults();
        settings.insert("kind".into(), Value::String("simulator".into()));
        settings.insert("url".into(), Value::String(url));
        settings.insert("notification_secrets".into(), Value::Array(vec![Value::String(secret)]));
        settings.try_into().expect("the example has every setting, which a test checks")
    }

    fn secrets(&self) -> Result<Secrets, (&'static str, String)> {
        let read = |field, path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|error| (field, format!("cannot read {}: {error}", path.display())))
        };
        let mut secrets = Secrets { key: self.secret_key.clone(), notifications: self.notification_secrets.clone() };
        if !self.secret_key_file.as_os_str().is_empty() {
            secrets.key = read("secret_key_file", &self.secret_key_file)?.trim().into();
        }
        if !self.notification_secrets_file.as_os_str().is_empty() {
            let text = read("notification_secrets_file", &self.notification_secrets_file)?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            secrets.notifications.extend(lines.map(SecretString::from));
        }
        Ok(secrets)
    }

    fn setup(&self, name: &str, currency: Currency, secrets: Secrets) -> Result<(AcquirerName, Setup), Misfit> {
        let of = |(field, problem): (&'static str, String)| misfit(name, field, problem);
        let parsed = name.parse().map_err(|expected: &str| (format!("acquirers.{name}"), expected.to_owned()))?;
        let kind = self.kind().map_err(of)?;
        self.ranges().map_err(of)?;
        let adapter = self.adapter(kind, secrets).map_err(of)?;
        let rule = self.rule(currency).map_err(of)?;
        let breaker = BreakerConfig {
            failures: self.breaker_failures,
            open_ms: self.breaker_open_ms.into(),
            max_open_ms: self.breaker_max_open_ms.into(),
            probe_ms: i64::from(self.timeout_ms) * PROBE_TIMEOUTS,
        };
        let capture = match self.capture {
            Capture::Automatic => CaptureMode::Automatic,
            Capture::Manual => CaptureMode::Manual,
        };
        Ok((parsed, Setup { adapter, rule, breaker, capture }))
    }

    fn kind(&self) -> Result<Kind, (&'static str, String)> {
        match &*self.kind {
            "stripe" => Ok(Kind::Stripe),
            "cmi" => Ok(Kind::Cmi),
            "simulator" => Ok(Kind::Simulator),
            "in_process" => Ok(Kind::InProcess),
            _ => Err(("kind", "expected stripe, cmi, simulator or in_process".into())),
        }
    }

    fn ranges(&self) -> Result<(), (&'static str, String)> {
        const HOUR_MS: u32 = 3_600_000;
        for (field, value, least, most) in [
            ("notification_tolerance_s", self.notification_tolerance_s, 1, 86_400),
            ("connect_timeout_ms", self.connect_timeout_ms, 1, HOUR_MS),
            ("timeout_ms", self.timeout_ms, 1, HOUR_MS),
            ("max_in_flight", self.max_in_flight, 1, 65_536),
            ("weight", self.weight, 0, 1_000_000),
            ("breaker_failures", self.breaker_failures, 1, 1_000_000),
            ("breaker_open_ms", self.breaker_open_ms, 1, HOUR_MS),
            ("breaker_max_open_ms", self.breaker_max_open_ms, self.breaker_open_ms, 24 * HOUR_MS),
        ] {
            if !(least..=most).contains(&value) {
                return Err((field, format!("expected {least} to {most}, not {value}")));
            }
        }
        Ok(())
    }

    fn adapter(&self, kind: Kind, secrets: Secrets) -> Result<AcquirerConfig, (&'static str, String)> {
        let bounds = Bounds {
            connect_timeout: Duration::from_millis(self.connect_timeout_ms.into()),
            timeout: Duration::from_millis(self.timeout_ms.into()),
            max_orders_in_flight: self.max_in_flight as usize,
        };
        let tolerance_s = i64::from(self.notification_tolerance_s);
        if kind != Kind::InProcess && !(kind == Kind::Stripe && self.url.is_empty()) {
            super::checks::http_url("url", &self.url)?;
        }
        if kind == Kind::Stripe && secrets.notifications.is_empty() {
            return Err(("notification_secrets", "expected the signing secret of the webhook, whsec_…".into()));
        }
        let needs_key = matches!(kind, Kind::Stripe | Kind::Cmi);
        if needs_key && secrets.key.expose_secret().is_empty() {
            return Err(("secret_key", "expected it here or in secret_key_file".into()));
        }
        Ok(match kind {
            Kind::InProcess => AcquirerConfig::InProcess(in_process::Config::default()),
            Kind::Simulator => AcquirerConfig::Simulator(simulator::Config {
                url: self.url.clone(),
                bounds,
                key: secrets.key,
                notification_secrets: secrets.notifications,
                notification_tolerance_s: tolerance_s,
                settlement: self.settlement.over(simulator::settlement_profile())?,
            }),
            Kind::Stripe => AcquirerConfig::Stripe(stripe::Config {
                url: if self.url.is_empty() { STRIPE_URL.into() } else { self.url.clone() },
                bounds,
                key: secrets.key,
                webhook_secrets: secrets.notifications,
                webhook_tolerance_s: tolerance_s,
                settlement: self.settlement.over(stripe::settlement_profile())?,
            }),
            Kind::Cmi => {
                super::checks::http_url("callback_url", &self.callback_url)?;
                if self.merchant_id.is_empty() {
                    return Err(("merchant_id", "expected CMI's number of the merchant".into()));
                }
                AcquirerConfig::Cmi(cmi::Config {
                    gate_url: self.url.clone(),
                    merchant_id: self.merchant_id.clone(),
                    store_key: secrets.key,
                    callback_url: self.callback_url.clone(),
                    settlement: self.settlement.over(cmi::settlement_profile())?,
                })
            }
        })
    }

    fn rule(&self, currency: Currency) -> Result<Rule, (&'static str, String)> {
        let amount = |field, text: &str| {
            if text.is_empty() {
                return Ok(None);
            }
            Money::parse(text, currency).map(Some).map_err(|error| (field, error.to_string()))
        };
        let (min, max) = (amount("min_amount", &self.min_amount)?, amount("max_amount", &self.max_amount)?);
        if min.zip(max).is_some_and(|(min, max)| min.minor() > max.minor()) {
            return Err(("max_amount", "expected at least min_amount".into()));
        }
        let resellers = self.resellers.iter().map(|text| text.parse());
        let resellers = resellers.collect::<Result<_, _>>().map_err(|expected: &str| ("resellers", expected.into()))?;
        Ok(Rule { weight: self.weight, min, max, resellers })
    }
}

impl Settlement {
    /// What is set here, over the usual form.
    fn over(&self, usual: SettlementProfile) -> Result<SettlementProfile, (&'static str, String)> {
        let mut profile = usual;
        let columns = &mut profile.columns;
        for (text, place) in [
            (&self.date_format, &mut profile.date_format),
            (&self.order, &mut columns.order),
            (&self.reference, &mut columns.reference),
            (&self.kind, &mut columns.kind),
            (&self.gross, &mut columns.gross),
            (&self.fee, &mut columns.fee),
            (&self.net, &mut columns.net),
            (&self.currency, &mut columns.currency),
            (&self.settled_on, &mut columns.settled_on),
            (&self.payment, &mut profile.payment),
            (&self.refund, &mut profile.refund),
            (&self.chargeback, &mut profile.chargeback),
            (&self.chargeback_reversal, &mut profile.chargeback_reversal),
        ] {
            if !text.is_empty() {
                *place = text.as_str().into();
            }
        }
        profile.delimiter = match &*self.delimiter {
            "" => profile.delimiter,
            text => super::charging_record::delimiter(text)
                .map_err(|expected| ("settlement.delimiter", expected.to_owned()))?,
        };
        profile.amounts = match &*self.amounts {
            "" => profile.amounts,
            "point" => AmountForm::Point,
            "comma" => AmountForm::Comma,
            "minor_units" => AmountForm::MinorUnits,
            _ => return Err(("settlement.amounts", "expected point, comma or minor_units".into())),
        };
        Ok(profile)
    }
}
