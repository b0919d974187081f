//! The configuration: `config/taabia.example.toml` holds every setting with its default; a file, variables
//! of the environment and flags change it, in rising precedence ([`load`]).

mod acquirers;
mod charging;
mod charging_record;
mod checks;
mod layers;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};

use crate::domain::catalogue::Rate;
use crate::domain::{Calendar, Currency, CutOff, Edge, LevelName, Money, NumberingPlan};

pub use acquirers::{ACQUIRER_EXAMPLE, AcquirerSettings, Acquirers, Misfit, setups as acquirer_setups};
pub use charging::{Charging, ChargingKind, evidence_rules, setups as charging_setups};
pub use charging_record::ChargingRecord;
pub use layers::{ConfigError, Flag, Loaded, environment, load};

/// The commented example, which is where the defaults are.
pub const EXAMPLE: &str = include_str!("../../../config/taabia.example.toml");

/// All settings. What each means stands in [`EXAMPLE`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    #[serde(deserialize_with = "secret")]
    database_url: SecretString,
    #[serde(deserialize_with = "parsed")]
    pub currency: Currency,
    #[serde(deserialize_with = "time_zone")]
    pub time_zone: TimeZone,
    #[serde(deserialize_with = "parsed")]
    pub business_day_cut_off: CutOff,
    pub shards: u16,
    #[serde(deserialize_with = "numbering_plan")]
    pub numbering_plan: NumberingPlan,
    pub network: Network,
    pub engine: Engine,
    pub recharge: Recharge,
    pub allocation: Allocation,
    pub four_eyes: FourEyes,
    pub commission: Commission,
    pub doubt: Doubt,
    pub transfer: Transfer,
    pub topup: Topup,
    pub charging: Charging,
    /// More charging systems, by name; each section has all settings of `charging`.
    #[serde(default)]
    pub charging_systems: BTreeMap<String, Charging>,
    pub charging_record: ChargingRecord,
    pub statements: Statements,
    pub stock_watch: StockWatch,
    pub webhooks: Webhooks,
    pub care: Care,
    /// By name; each section has all settings of [`ACQUIRER_EXAMPLE`].
    #[serde(default)]
    pub acquirers: Acquirers,
    pub access: Access,
    pub shutdown: Shutdown,
    pub telemetry: Telemetry,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    #[serde(deserialize_with = "levels")]
    pub levels: Vec<LevelName>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    posters: usize,
    pub max_batch: usize,
    pub queue_capacity: usize,
    pub queue_deadline_ms: u64,
    pub max_outstanding: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recharge {
    pub answer_within_ms: u64,
    pub charging_deadline_ms: u64,
    pub similar_guard_ms: u64,
    airtime_min: String,
    airtime_max: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    pub vat_basis_points: u16,
    pub in_flight: usize,
    pub poll_interval_ms: u64,
    pub take_over_after_ms: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FourEyes {
    pub expire_after_s: u64,
    pub poll_interval_ms: u64,
    issue_per_day: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commission {
    pub payout_every_s: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doubt {
    pub lookup_horizon_ms: u64,
    pub poll_interval_ms: u64,
    pub backoff_initial_ms: u64,
    pub backoff_max_ms: u64,
    pub concurrency: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    #[serde(deserialize_with = "edges")]
    pub permitted: Vec<Edge>,
    pub accept_within_s: u64,
    pub poll_interval_ms: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topup {
    stock_min: String,
    stock_max: String,
    fee_basis_points: u16,
    pub quote_s: u64,
    pub answer_within_ms: u64,
    pub acquirer_deadline_ms: u64,
    pub lookup_horizon_ms: u64,
    pub poll_interval_ms: u64,
    pub suspend_on_chargeback: bool,
    pub public_url: String,
    pub house_reseller: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    issuer: String,
    pub token_ttl_s: u32,
    signing_key_file: PathBuf,
    #[serde(deserialize_with = "secret")]
    signing_key: SecretString,
    pub secret_overlap_s: u64,
    pub client_refresh_ms: u64,
    pub token_cache_size: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statements {
    pub write_interval_ms: u64,
    pub exports_at_once: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockWatch {
    pub interval_ms: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub poll_interval_ms: u64,
    pub answer_within_ms: u64,
    pub log_days: u32,
    pub secret_overlap_s: u64,
    pub secret_key_file: PathBuf,
    #[serde(deserialize_with = "secret")]
    pub secret_key: SecretString,
    pub allow_any_address: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Care {
    pub call_back_within_s: u64,
}

/// Where the key that signs tokens comes from.
#[derive(Clone, Debug)]
pub enum SigningKey {
    /// PKCS #8 PEM, given in the configuration.
    Inline(SecretString),
    /// A file; `made_when_missing` when it is the one of the data directory.
    File { path: PathBuf, made_when_missing: bool },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    pub unready_ms: u64,
    pub drain_within_ms: u64,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub log_format: LogFormat,
    pub log_filter: String,
}

impl Config {
    /// The store: as configured, or the embedded one in the data directory.
    #[must_use]
    pub fn database_url(&self) -> SecretString {
        if self.database_url.expose_secret().is_empty() {
            format!("sqlite://{}", self.data_dir.join("taabia.db").display()).into()
        } else {
            self.database_url.clone()
        }
    }

    /// What business days follow.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        Calendar::new(self.time_zone.clone(), self.business_day_cut_off)
    }

    /// Issuer of tokens as configured; without one it is the address that the API is served at.
    #[must_use]
    pub fn issuer(&self) -> Option<String> {
        Some(self.access.issuer.clone()).filter(|issuer| !issuer.is_empty())
    }

    #[must_use]
    pub fn signing_key(&self) -> SigningKey {
        let Access { signing_key, signing_key_file, .. } = &self.access;
        if !signing_key.expose_secret().is_empty() {
            SigningKey::Inline(signing_key.clone())
        } else if signing_key_file.as_os_str().is_empty() {
            SigningKey::File { path: self.data_dir.join("signing-key.pem"), made_when_missing: true }
        } else {
            SigningKey::File { path: signing_key_file.clone(), made_when_missing: false }
        }
    }

    /// Least and largest amount of the product `airtime`.
    #[must_use]
    pub fn airtime_range(&self) -> (Money, Money) {
        let amount = |text: &str| Money::parse(text, self.currency).expect("amounts were checked when loaded");
        (amount(&self.recharge.airtime_min), amount(&self.recharge.airtime_max))
    }

    /// Least and largest face value of one top-up.
    #[must_use]
    pub fn topup_range(&self) -> (Money, Money) {
        let amount = |text: &str| Money::parse(text, self.currency).expect("amounts were checked when loaded");
        (amount(&self.topup.stock_min), amount(&self.topup.stock_max))
    }

    /// What a top-up costs on top of the price.
    #[must_use]
    pub fn topup_fee(&self) -> Rate {
        Rate::of_basis_points(i64::from(self.topup.fee_basis_points))
    }

    /// What may be issued on one business day; `None` is unlimited.
    #[must_use]
    pub fn issue_per_day(&self) -> Option<Money> {
        let text = Some(self.four_eyes.issue_per_day.as_str()).filter(|text| !text.is_empty())?;
        Some(Money::parse(text, self.currency).expect("amounts were checked when loaded"))
    }
}

impl Engine {
    /// Tasks that post on a machine of `cores`, for a ledger of `shards`.
    #[must_use]
    pub fn posters(&self, cores: usize, shards: u16) -> usize {
        let wanted = if self.posters == 0 { cores } else { self.posters };
        wanted.clamp(1, usize::from(shards).max(1))
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| de::Error::custom("expected an address and a port such as 127.0.0.1:8080"))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    // Not the text that was given: it may be a secret in the wrong place.
    String::deserialize(deserializer).map(Into::into).map_err(|_| de::Error::custom("expected a text"))
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

fn edges<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Edge>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    // An empty variable is no edge at all.
    let edges = texts.iter().filter(|text| !text.is_empty());
    edges.map(|text| text.parse().map_err(de::Error::custom)).collect()
}

fn time_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(deserializer)?;
    TimeZone::get(&name).map_err(|_| de::Error::custom("expected an IANA time zone such as Africa/Casablanca"))
}

fn levels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<LevelName>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| name.parse().map_err(de::Error::custom)).collect()
}

fn numbering_plan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NumberingPlan, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Fields {
        country_code: String,
        trunk_prefix: String,
        national_digits: usize,
        mobile_prefixes: Vec<String>,
    }
    let Fields { country_code, trunk_prefix, national_digits, mobile_prefixes } = Fields::deserialize(deserializer)?;
    Ok(NumberingPlan { country_code, trunk_prefix, national_digits, mobile_prefixes })
}
