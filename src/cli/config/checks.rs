//! What types alone do not say about the settings.

use std::fmt::Display;
use std::ops::RangeInclusive;

use secrecy::ExposeSecret as _;

use super::Config;
use crate::domain::{Money, ResellerCode};

/// The first setting that does not fit, and what was expected of it.
pub(super) fn check(config: &Config) -> Result<(), (&'static str, String)> {
    within("shards", config.shards, 1..=256)?;
    database_url(config)?;
    numbering_plan(config)?;
    levels(config)?;
    ranges(config)?;
    amounts(config)?;
    config.charging_record.checked()?;
    let house = &config.topup.house_reseller;
    if !house.is_empty() && house.parse::<ResellerCode>().is_err() {
        return Err(("topup.house_reseller", "expected the code of a reseller".into()));
    }
    if !config.topup.public_url.is_empty() {
        http_url("topup.public_url", &config.topup.public_url)?;
    }
    if !config.access.issuer.is_empty() {
        http_url("access.issuer", &config.access.issuer)?;
    }
    let filter = &config.telemetry.log_filter;
    filter.parse::<tracing_subscriber::filter::Targets>().map(drop).map_err(|_| {
        ("telemetry.log_filter", "expected a level, or directives such as info,taabia::engine=debug".to_owned())
    })
}

/// Its text is not repeated: it may hold a password.
fn database_url(config: &Config) -> Result<(), (&'static str, String)> {
    let url = config.database_url();
    let known = ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.expose_secret().starts_with(scheme));
    if known { Ok(()) } else { Err(("database_url", "expected a URL with sqlite:// or postgres://".into())) }
}

fn within<T: PartialOrd + Display>(
    key: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), (&'static str, String)> {
    if range.contains(&value) {
        return Ok(());
    }
    Err((key, format!("expected {} to {}, not {value}", range.start(), range.end())))
}

fn ranges(config: &Config) -> Result<(), (&'static str, String)> {
    const HOUR_MS: u64 = 3_600_000;
    let Config { statements, stock_watch, topup, .. } = config;
    within("topup.fee_basis_points", topup.fee_basis_points, 0..=10_000)?;
    within("topup.quote_s", topup.quote_s, 1..=30 * 86_400)?;
    within("topup.answer_within_ms", topup.answer_within_ms, 1..=HOUR_MS)?;
    within("topup.acquirer_deadline_ms", topup.acquirer_deadline_ms, 1..=HOUR_MS)?;
    within("topup.lookup_horizon_ms", topup.lookup_horizon_ms, 0..=24 * HOUR_MS)?;
    within("topup.poll_interval_ms", topup.poll_interval_ms, 1..=HOUR_MS)?;
    let Config { engine, recharge, allocation, four_eyes, doubt, transfer, access, shutdown, .. } = config;
    within("engine.posters", engine.posters, 0..=256)?;
    within("engine.max_batch", engine.max_batch, 1..=4_096)?;
    within("engine.queue_capacity", engine.queue_capacity, 1..=1_000_000)?;
    within("engine.queue_deadline_ms", engine.queue_deadline_ms, 1..=HOUR_MS)?;
    within("engine.max_outstanding", engine.max_outstanding, 1..=1_000_000)?;
    within("recharge.answer_within_ms", recharge.answer_within_ms, 1..=HOUR_MS)?;
    within("recharge.charging_deadline_ms", recharge.charging_deadline_ms, 1..=HOUR_MS)?;
    within("recharge.similar_guard_ms", recharge.similar_guard_ms, 0..=24 * HOUR_MS)?;
    within("allocation.vat_basis_points", allocation.vat_basis_points, 0..=10_000)?;
    within("allocation.in_flight", allocation.in_flight, 1..=65_536)?;
    within("allocation.poll_interval_ms", allocation.poll_interval_ms, 1..=HOUR_MS)?;
    within("allocation.take_over_after_ms", allocation.take_over_after_ms, 1..=HOUR_MS)?;
    within("four_eyes.expire_after_s", four_eyes.expire_after_s, 1..=366 * 86_400)?;
    within("four_eyes.poll_interval_ms", four_eyes.poll_interval_ms, 1..=HOUR_MS)?;
    within("commission.payout_every_s", config.commission.payout_every_s, 0..=366 * 86_400)?;
    within("doubt.lookup_horizon_ms", doubt.lookup_horizon_ms, 0..=24 * HOUR_MS)?;
    within("doubt.poll_interval_ms", doubt.poll_interval_ms, 1..=HOUR_MS)?;
    within("doubt.backoff_initial_ms", doubt.backoff_initial_ms, 1..=HOUR_MS)?;
    within("doubt.backoff_max_ms", doubt.backoff_max_ms, doubt.backoff_initial_ms..=HOUR_MS)?;
    within("doubt.concurrency", doubt.concurrency, 1..=1_024)?;
    within("transfer.accept_within_s", transfer.accept_within_s, 1..=366 * 86_400)?;
    within("transfer.poll_interval_ms", transfer.poll_interval_ms, 1..=HOUR_MS)?;
    within("statements.write_interval_ms", statements.write_interval_ms, 1..=HOUR_MS)?;
    within("statements.exports_at_once", statements.exports_at_once, 1..=64)?;
    within("stock_watch.interval_ms", stock_watch.interval_ms, 100..=HOUR_MS)?;
    within("care.call_back_within_s", config.care.call_back_within_s, 60..=7 * 86_400)?;
    let webhooks = &config.webhooks;
    within("webhooks.poll_interval_ms", webhooks.poll_interval_ms, 10..=HOUR_MS)?;
    within("webhooks.answer_within_ms", webhooks.answer_within_ms, 100..=60_000)?;
    within("webhooks.log_days", webhooks.log_days, 1..=3_660)?;
    within("webhooks.secret_overlap_s", webhooks.secret_overlap_s, 0..=366 * 86_400)?;
    // RFC 9068 leaves the life of a token open; the contract promises at most 15 minutes.
    within("access.token_ttl_s", access.token_ttl_s, 1..=900)?;
    within("access.secret_overlap_s", access.secret_overlap_s, 0..=366 * 86_400)?;
    within("access.client_refresh_ms", access.client_refresh_ms, 1..=60_000)?;
    within("access.token_cache_size", access.token_cache_size, 1..=10_000_000)?;
    within("shutdown.unready_ms", shutdown.unready_ms, 0..=HOUR_MS)?;
    within("shutdown.drain_within_ms", shutdown.drain_within_ms, 1..=HOUR_MS)
}

fn numbering_plan(config: &Config) -> Result<(), (&'static str, String)> {
    let plan = &config.numbering_plan;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=3).contains(&plan.country_code.len()) || !digits(&plan.country_code) {
        return Err(("numbering_plan.country_code", "expected 1 to 3 digits such as 212".into()));
    }
    if !digits(&plan.trunk_prefix) {
        return Err(("numbering_plan.trunk_prefix", "expected digits such as 0, or nothing".into()));
    }
    // At most 15 digits in all (E.164 §6).
    within("numbering_plan.national_digits", plan.national_digits, 4..=15 - plan.country_code.len())?;
    let prefixes = &plan.mobile_prefixes;
    let fits = |prefix: &String| digits(prefix) && (1..plan.national_digits).contains(&prefix.len());
    if prefixes.is_empty() || !prefixes.iter().all(fits) {
        return Err(("numbering_plan.mobile_prefixes", "expected at least one prefix, in digits, such as 6".into()));
    }
    Ok(())
}

fn levels(config: &Config) -> Result<(), (&'static str, String)> {
    let levels = &config.network.levels;
    within("network.levels", levels.len(), 1..=16)?;
    let twice = levels.iter().enumerate().any(|(index, level)| levels[..index].contains(level));
    if twice { Err(("network.levels", "expected each name once".into())) } else { Ok(()) }
}

fn amounts(config: &Config) -> Result<(), (&'static str, String)> {
    let amount = |key, text: &str| Money::parse(text, config.currency).map_err(|error| (key, error.to_string()));
    let min = amount("recharge.airtime_min", &config.recharge.airtime_min)?;
    let max = amount("recharge.airtime_max", &config.recharge.airtime_max)?;
    if min.minor() > max.minor() {
        return Err(("recharge.airtime_max", format!("expected at least recharge.airtime_min, which is {min}")));
    }
    let min = amount("topup.stock_min", &config.topup.stock_min)?;
    let max = amount("topup.stock_max", &config.topup.stock_max)?;
    if min.minor() > max.minor() {
        return Err(("topup.stock_max", format!("expected at least topup.stock_min, which is {min}")));
    }
    if !config.four_eyes.issue_per_day.is_empty() {
        amount("four_eyes.issue_per_day", &config.four_eyes.issue_per_day)?;
    }
    Ok(())
}

pub(super) fn http_url(key: &'static str, text: &str) -> Result<(), (&'static str, String)> {
    match text.parse::<hyper::Uri>() {
        Ok(url) if matches!(url.scheme_str(), Some("http" | "https")) && url.authority().is_some() => Ok(()),
        _ => Err((key, "expected an http or https URL".into())),
    }
}
