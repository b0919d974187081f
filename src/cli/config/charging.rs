//! Settings of charging systems: the section `[charging]`, and one like it, `[charging_systems.NAME]`, for each more.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use toml::{Table, Value};

use super::{Config, EXAMPLE, Misfit};
use crate::charging::tmf654::{Refusal, Refusals};
use crate::charging::{ChargingConfig, Setup, in_process, simulator_http, tmf654, ucip};
use crate::domain::{EvidenceKind, NumberRange, SystemName};
use crate::exchange::Bounds;
use crate::exchange::breaker::BreakerConfig;
use crate::ledger::evidence::{EvidenceRules, SystemRules};

/// How much longer than the charging deadline a late answer is waited for.
const LATE_ANSWER_MS: u64 = 2_000;
/// A probe of a breaker is given up after this many time-outs.
const PROBE_TIMEOUTS: u64 = 3;
const HOUR_MS: u64 = 3_600_000;
/// Of so many inquiries after the horizon one has an answer: that much is promised.
const INQUIRY_ROUNDS: u64 = 2;

/// What a charging system speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargingKind {
    Simulator,
    Ucip,
    Tmf654,
    InProcess,
    /// There is no system in this section.
    None,
}

impl ChargingKind {
    /// Whether it is reached over HTTP.
    #[must_use]
    pub fn is_remote(self) -> bool {
        matches!(self, Self::Simulator | Self::Ucip | Self::Tmf654)
    }
}

/// One charging system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charging {
    pub kind: ChargingKind,
    pub url: String,
    numbers: Vec<String>,
    connect_timeout_ms: u64,
    timeout_ms: u64,
    pub lookup_timeout_ms: u64,
    max_in_flight: u64,
    breaker_failures: u64,
    breaker_open_ms: u64,
    breaker_max_open_ms: u64,
    pub user: String,
    #[serde(deserialize_with = "super::secret")]
    pub password: SecretString,
    password_file: PathBuf,
    user_agent: String,
    host_name: String,
    refill_profile: String,
    refill_profiles: Vec<String>,
    bucket: String,
    party_account: String,
    pub operator_bucket: String,
    refusal_codes: Vec<String>,
    #[serde(deserialize_with = "super::secret")]
    pub event_secret: SecretString,
    evidence: Vec<String>,
    miss_counts: bool,
    miss_counts_after_ms: u64,
    record_within_s: u64,
}

/// All settings of one section with their defaults.
pub(super) fn defaults() -> Table {
    let all: Table = EXAMPLE.parse().expect("the example is TOML, which a test checks");
    let section = all.get("charging").and_then(Value::as_table);
    section.expect("the example has the section, which a test checks").clone()
}

/// What types alone do not say; files are not read.
///
/// # Errors
/// The first setting that does not fit.
pub(super) fn check(config: &Config) -> Result<(), Misfit> {
    make(config, |settings| Ok(settings.password.clone())).map(drop)
}

/// The charging systems as their registry takes them, secrets read from their files.
///
/// # Errors
/// The first setting that does not fit, or whose file cannot be read.
pub fn setups(config: &Config) -> Result<Vec<(SystemName, Setup)>, Misfit> {
    make(config, |settings| {
        let path = &settings.password_file;
        if path.as_os_str().is_empty() {
            return Ok(settings.password.clone());
        }
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|error| ("password_file", format!("cannot read {}: {error}", path.display())))?;
        Ok(text.trim().into())
    })
}

/// What ends a doubt, by charging system; of one that is not configured any more, as of `main`.
///
/// # Panics
/// With settings that were not checked.
#[must_use]
pub fn evidence_rules(config: &Config) -> EvidenceRules {
    let rules = |settings: &Charging| settings.evidence(config).expect("the settings were checked");
    let systems = config.charging_systems.iter().filter_map(|(name, it)| Some((name.parse().ok()?, rules(it))));
    EvidenceRules { standard: rules(&config.charging), systems: systems.collect() }
}

type FieldMisfit = (&'static str, String);

fn make(
    config: &Config,
    password: impl Fn(&Charging) -> Result<SecretString, FieldMisfit>,
) -> Result<Vec<(SystemName, Setup)>, Misfit> {
    let mut sections = vec![("charging".to_owned(), SystemName::MAIN, &config.charging)];
    for (name, settings) in &config.charging_systems {
        let section = format!("charging_systems.{name}");
        match name.parse() {
            Ok(SystemName::MAIN) => return Err((section, "expected another name: main is that of [charging]".into())),
            Ok(parsed) => sections.push((section, parsed, settings)),
            Err(expected) => return Err((section, expected.into())),
        }
    }
    let mut setups = Vec::new();
    for (section, name, settings) in sections {
        let made = password(settings).and_then(|password| settings.setup(config, password));
        let made = made.map_err(|(field, problem)| (format!("{section}.{field}"), problem))?;
        setups.extend(made.map(|setup| (name, setup)));
    }
    if setups.is_empty() {
        Err(("charging.kind".into(), "expected one charging system at least".into()))
    } else {
        Ok(setups)
    }
}

impl Charging {
    /// `None` when there is no system in this section.
    fn setup(&self, config: &Config, password: SecretString) -> Result<Option<Setup>, FieldMisfit> {
        self.ranges()?;
        self.evidence(config)?;
        if self.kind.is_remote() {
            super::checks::http_url("url", &self.url)?;
        }
        let Some(adapter) = self.adapter(config, password)? else { return Ok(None) };
        let numbers = self.numbers.iter().filter(|text| !text.is_empty()).map(|text| text.parse::<NumberRange>());
        let numbers = numbers.collect::<Result<_, _>>().map_err(|expected| ("numbers", expected.to_owned()))?;
        let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let breaker = BreakerConfig {
            failures: u32::try_from(self.breaker_failures).ok().filter(|failures| *failures > 0).unwrap_or(u32::MAX),
            open_ms: ms(self.breaker_open_ms),
            max_open_ms: ms(self.breaker_max_open_ms),
            probe_ms: ms(self.timeout(config) * PROBE_TIMEOUTS),
        };
        Ok(Some(Setup { adapter, numbers, breaker }))
    }

    /// What ends a doubt at this system.
    fn evidence(&self, config: &Config) -> Result<SystemRules, FieldMisfit> {
        const EXPECTED: &str = "expected one at least of late_answer, inquiry, event, daily_record and statement";
        let named = self.evidence.iter().filter(|name| !name.is_empty()).map(|name| EvidenceKind::from_name(name));
        let named: Option<Vec<_>> = named.collect();
        let mut decided_by =
            named.filter(|named| !named.is_empty()).ok_or_else(|| ("evidence", EXPECTED.to_owned()))?;
        // There is nothing to ask with.
        decided_by.retain(|kind| self.kind != ChargingKind::Ucip || *kind != EvidenceKind::Inquiry);
        let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let horizon = self.miss_counts_after_ms;
        let horizon = if horizon > 0 { horizon } else { config.doubt.lookup_horizon_ms };
        let round = config.doubt.backoff_max_ms + config.doubt.poll_interval_ms + config.charging.lookup_timeout_ms;
        Ok(SystemRules {
            decided_by,
            miss_counts_after_ms: self.miss_counts.then(|| ms(horizon)),
            inquired_within_ms: ms(round.saturating_mul(INQUIRY_ROUNDS)),
            recorded_within_ms: ms(self.record_within_s.saturating_mul(1_000)),
        })
    }

    fn ranges(&self) -> Result<(), FieldMisfit> {
        for (field, value, least, most) in [
            ("connect_timeout_ms", self.connect_timeout_ms, 1, HOUR_MS),
            ("timeout_ms", self.timeout_ms, 0, HOUR_MS),
            ("lookup_timeout_ms", self.lookup_timeout_ms, 1, HOUR_MS),
            ("miss_counts_after_ms", self.miss_counts_after_ms, 0, 24 * HOUR_MS),
            ("record_within_s", self.record_within_s, 1, 366 * 86_400),
            ("max_in_flight", self.max_in_flight, 1, 65_536),
            ("breaker_failures", self.breaker_failures, 0, 1_000_000),
            ("breaker_open_ms", self.breaker_open_ms, 1, HOUR_MS),
            ("breaker_max_open_ms", self.breaker_max_open_ms, self.breaker_open_ms, 24 * HOUR_MS),
        ] {
            if !(least..=most).contains(&value) {
                return Err((field, format!("expected {least} to {most}, not {value}")));
            }
        }
        Ok(())
    }

    fn timeout(&self, config: &Config) -> u64 {
        if self.timeout_ms > 0 { self.timeout_ms } else { config.recharge.charging_deadline_ms + LATE_ANSWER_MS }
    }

    fn adapter(&self, config: &Config, password: SecretString) -> Result<Option<ChargingConfig>, FieldMisfit> {
        let bounds = Bounds {
            connect_timeout: Duration::from_millis(self.connect_timeout_ms),
            timeout: Duration::from_millis(self.timeout(config)),
            max_orders_in_flight: usize::try_from(self.max_in_flight).unwrap_or(usize::MAX),
        };
        Ok(Some(match self.kind {
            ChargingKind::None => return Ok(None),
            ChargingKind::InProcess => ChargingConfig::InProcess(in_process::Config::default()),
            ChargingKind::Simulator => ChargingConfig::SimulatorHttp(simulator_http::Config {
                url: self.url.clone(),
                bounds,
                currency: config.currency,
            }),
            ChargingKind::Ucip => ChargingConfig::Ucip(ucip::Config {
                url: self.url.clone(),
                bounds,
                user: self.user.clone(),
                password,
                user_agent: self.user_agent.clone(),
                host_name: self.host_name.clone(),
                time_zone: config.time_zone.clone(),
                currency: config.currency,
                profile: self.refill_profile.clone(),
                profiles: pairs("refill_profiles", &self.refill_profiles)?,
            }),
            ChargingKind::Tmf654 => ChargingConfig::Tmf654(tmf654::Config {
                url: self.url.clone(),
                bounds,
                user: self.user.clone(),
                password,
                currency: config.currency,
                bucket: self.bucket.clone(),
                party_account: self.party_account.clone(),
                operator_bucket: self.operator_bucket.clone(),
                refusals: self.refusals()?,
                event_secret: self.event_secret.expose_secret().trim().into(),
            }),
        }))
    }

    fn refusals(&self) -> Result<Refusals, FieldMisfit> {
        const EXPECTED: &str = "expected codes with what they mean: subscriber_unknown, subscriber_barred, credit_spent or \
                                charging_declined";
        let named = pairs("refusal_codes", &self.refusal_codes)?.into_iter();
        let named = named.map(|(code, name)| Some((code, Refusal::from_name(&name)?)));
        let refusals = named.collect::<Option<_>>().ok_or_else(|| ("refusal_codes", EXPECTED.to_owned()))?;
        Ok(Refusals(refusals))
    }
}

/// Texts such as `*3=P3`, empty ones left out.
fn pairs(field: &'static str, texts: &[String]) -> Result<Vec<(String, String)>, FieldMisfit> {
    let pair = |text: &String| {
        let (one, other) = text.split_once('=').filter(|(one, other)| !one.is_empty() && !other.is_empty())?;
        Some((one.trim().to_owned(), other.trim().to_owned()))
    };
    let pairs = texts.iter().filter(|text| !text.is_empty()).map(pair).collect::<Option<_>>();
    pairs.ok_or_else(|| (field, "expected texts such as one=other".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::{Flag, load};
    use super::*;

    fn systems(set: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let flag = |(key, text): &(&str, &str)| Flag { name: "--set".into(), key: (*key).into(), text: (*text).into() };
        let flags: Vec<_> = set.iter().map(flag).collect();
        let config = load(None, &[], &flags).map_err(|error| error.to_string())?.config;
        let setups = setups(&config).map_err(|(key, problem)| format!("{key}: {problem}"))?;
        let kind = |setup: &Setup| match &setup.adapter {
            ChargingConfig::SimulatorHttp(_) => "simulator",
            ChargingConfig::Ucip(_) => "ucip",
            ChargingConfig::Tmf654(_) => "tmf654",
            ChargingConfig::InProcess(_) => "in_process",
        };
        Ok(setups.iter().map(|(name, setup)| format!("{name} {} {}", kind(setup), setup.numbers.len())).collect())
    }

    #[test]
    fn the_configuration_chooses_the_systems() {
        assert_eq!(systems(&[]).unwrap(), ["main simulator 0"]);
        assert_eq!(systems(&[("charging.kind", "in_process")]).unwrap(), ["main in_process 0"]);
        let more = [
            ("charging.kind", "ucip"),
            ("charging.numbers", "+21261,+212650000000-+212650999999"),
            ("charging_systems.north.kind", "tmf654"),
            ("charging_systems.north.url", "https://bss.example/tmf-api/prepayBalanceManagement/v4"),
        ];
        assert_eq!(systems(&more).unwrap(), ["main ucip 2", "north tmf654 0"]);
        let other = [("charging.kind", "none"), ("charging_systems.north.kind", "ucip")];
        assert_eq!(systems(&other).unwrap(), ["north ucip 0"]);
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (key, text, expected) in [
            ("charging.kind", "none", "charging.kind"),
            ("charging.kind", "carrier_pigeon", "charging.kind"),
            ("charging.url", "ftp://charging", "charging.url"),
            ("charging.numbers", "0612", "charging.numbers"),
            ("charging.max_in_flight", "0", "charging.max_in_flight"),
            ("charging.breaker_max_open_ms", "10", "charging.breaker_max_open_ms"),
            ("charging_systems.main.kind", "ucip", "charging_systems.main"),
            ("charging_systems.North.kind", "ucip", "charging_systems.North"),
            ("charging_systems.north.url", "north", "charging_systems.north.url"),
            ("charging_systems.north.timout_ms", "1", "charging_systems.north.timout_ms"),
        ] {
            let error = systems(&[(key, text)]).unwrap_err();
            assert!(error.contains(expected), "{key}={text}: {error}");
        }
        for (kind, key, text) in
            [("tmf654", "charging.refusal_codes", "60=eaten"), ("ucip", "charging.refill_profiles", "P3")]
        {
            let error = systems(&[("charging.kind", kind), (key, text)]).unwrap_err();
            assert!(error.contains(key), "{key}={text}: {error}");
        }
    }
}
