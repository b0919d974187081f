//! UCIP: XML-RPC over HTTP, `POST /Air` with HTTP Basic and a `User-Agent` that the server checks.
//!
//! | what we want | method |
//! | --- | --- |
//! | a refill | `Refill`, without a voucher |
//! | credit taken back | `UpdateBalanceAndDate`, with a negative relative adjustment |
//! | what a line has | `GetBalanceAndDate` |
//!
//! Only a listed response code is an outcome ([`codes`]); faults, HTML, torn XML, 5xx and silence are unknown. There is no
//! inquiry by reference: `originTransactionID` correlates and is not guaranteed to deduplicate. So a doubt there is ended
//! by a late answer or by other evidence, and never by asking again.

mod codes;
pub mod xml_rpc;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use secrecy::{ExposeSecret as _, SecretString};

use super::{ConnectError, Dependencies};
use crate::domain::{Currency, Money, Msisdn, Timestamp};
use crate::exchange::{Answer, Bounds, Order, Peer, Sending};
use crate::ports::{
    BalanceOutcome, Charging, ChargingOutcome, Clock, LookupOutcome, RefillRequest, ReversalOutcome, ReversalRefusal,
    ReversalRequest,
};
use xml_rpc::{Document, Value};

/// The kind of node that we are.
const NODE_TYPE: &str = "EXT";
/// An international number, without `+`.
const INTERNATIONAL: i64 = 1;
/// A profile is at most four characters long.
const MAX_PROFILE: usize = 4;

#[derive(Clone, Debug)]
pub struct Config {
    /// Below it stands `Air`.
    pub url: String,
    pub bounds: Bounds,
    /// Of HTTP Basic.
    pub user: String,
    pub password: SecretString,
    /// Such as `UGw Server/5.0/1.0`: servers refuse any other form.
    pub user_agent: String,
    /// How we are called there (`originHostName`).
    pub host_name: String,
    /// Times are written with its offset.
    pub time_zone: TimeZone,
    pub currency: Currency,
    /// Of products that have none of their own (`refillProfileID`).
    pub profile: String,
    /// By product.
    pub profiles: Vec<(String, String)>,
}

/// The adapter.
pub struct Ucip {
    peer: Peer,
    headers: HeaderMap,
    config: Config,
    clock: Arc<dyn Clock>,
}

/// Whether a text has the form that servers ask for: `UGw Server/x.y/1.0`.
#[must_use]
pub fn is_user_agent(text: &str) -> bool {
    let mut parts = text.split('/');
    let (name, version, protocol) = (parts.next(), parts.next(), parts.next());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let dotted = |text: Option<&str>| {
        text.and_then(|text| text.split_once('.')).is_some_and(|(one, two)| digits(one) && digits(two))
    };
    name == Some("UGw Server") && dotted(version) && protocol == Some("1.0") && parts.next().is_none()
}

/// A time as UCIP writes it: `20261122T10:15:30+0100`.
#[must_use]
pub fn written_time(at: Timestamp, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_millisecond(at.unix_ms()).expect("the constructor keeps it within its range");
    at.to_zoned(zone.clone()).strftime("%Y%m%dT%H:%M:%S%z").to_string()
}

impl Ucip {
    /// # Errors
    /// [`ConnectError`] when the configuration cannot work.
    pub fn new(config: &Config, dependencies: Dependencies) -> Result<Self, ConnectError> {
        if !is_user_agent(&config.user_agent) {
            return Err(ConnectError::new("user_agent", "expected the form UGw Server/5.0/1.0"));
        }
        if config.host_name.is_empty() {
            return Err(ConnectError::new("host_name", "expected the name that the charging system knows us by"));
        }
        if config.user.contains(':') {
            return Err(ConnectError::new("user", "expected a name without a colon"));
        }
        let fits = |profile: &str| (1..=MAX_PROFILE).contains(&profile.len());
        if !fits(&config.profile) || !config.profiles.iter().all(|(_, profile)| fits(profile)) {
            return Err(ConnectError::new("refill_profiles", "expected profiles of 1 to 4 characters"));
        }
        let user_agent = HeaderValue::from_str(&config.user_agent).expect("its form was checked");
        let pair = format!("{}:{}", config.user, config.password.expose_secret());
        let mut basic = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).expect("base64 is ASCII");
        basic.set_sensitive(true);
        let headers = HeaderMap::from_iter([(USER_AGENT, user_agent), (AUTHORIZATION, basic)]);
        let clock = Arc::clone(&dependencies.clock);
        let peer = Peer::new(&config.url, config.bounds, Arc::new(move || clock.now()))?;
        Ok(Self { peer, headers, config: config.clone(), clock: dependencies.clock })
    }

    async fn call(&self, method: &str, members: Vec<(String, Value)>, submit_by: Timestamp) -> Sending {
        let order = Order {
            path: "Air".into(),
            content_type: "text/xml",
            headers: self.headers.clone(),
            body: xml_rpc::write_call(method, &Value::Struct(members)),
            submit_by,
        };
        self.peer.post_once(order).await
    }

    /// What every request begins with, and for which line it is.
    fn members(&self, reference: i64, msisdn: Msisdn, rest: Vec<(&str, Value)>) -> Vec<(String, Value)> {
        let mut members = vec![
            ("originNodeType", Value::text(NODE_TYPE)),
            ("originHostName", Value::text(&self.config.host_name)),
            ("originTransactionID", Value::text(reference.to_string())),
            ("originTimeStamp", Value::Time(written_time(self.clock.now(), &self.config.time_zone))),
            ("subscriberNumberNAI", Value::Int(INTERNATIONAL)),
            ("subscriberNumber", Value::text(msisdn.digits().to_string())),
        ];
        members.extend(rest);
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn profile(&self, product: &str) -> &str {
        let own = self.config.profiles.iter().find(|(of, _)| of == product);
        own.map_or(&self.config.profile, |(_, profile)| profile)
    }
}

/// What an answer says: its response code, and all of it.
fn read(reference: i64, answer: &Answer) -> Result<(i64, Value), String> {
    if answer.status != 200 {
        return Err(format!("HTTP status {}", answer.status));
    }
    let value = match xml_rpc::parse(&answer.body).map_err(|error| error.to_string())? {
        Document::Answer(value) => value,
        other => return Err(other.to_string()),
    };
    // The answer stands on the request's own connection and need not repeat the reference.
    let theirs = value.member("originTransactionID");
    if theirs.is_some_and(|theirs| theirs.as_text() != Some(&*reference.to_string())) {
        return Err("the answer is about another reference".into());
    }
    let code = value.member("responseCode").and_then(Value::int);
    let code = code.ok_or("an answer without a response code")?;
    Ok((code, value))
}

#[async_trait]
impl Charging for Ucip {
    fn name(&self) -> &'static str {
        "ucip"
    }

    async fn refill(&self, request: &RefillRequest) -> ChargingOutcome {
        let rest = vec![
            ("transactionAmount", Value::text(request.amount.minor().to_string())),
            ("transactionCurrency", Value::text(request.amount.currency().code())),
            ("refillProfileID", Value::text(self.profile(&request.product))),
        ];
        let members = self.members(request.reference, request.msisdn, rest);
        match self.call("Refill", members, request.submit_by).await {
            Sending::Answered(answer) => match read(request.reference, &answer) {
                Ok((code, _)) => codes::refilled(code),
                Err(reason) => ChargingOutcome::Unknown(reason),
            },
            Sending::NotSent(_) => ChargingOutcome::NotSent,
            Sending::Unknown(reason) => ChargingOutcome::Unknown(reason),
        }
    }

    async fn lookup(&self, _: i64) -> LookupOutcome {
        LookupOutcome::NotOffered
    }

    async fn reverse(&self, request: &ReversalRequest) -> ReversalOutcome {
        let rest = vec![
            ("transactionCurrency", Value::text(request.amount.currency().code())),
            ("adjustmentAmountRelative", Value::text(format!("-{}", request.amount.minor()))),
            ("externalData1", Value::text(request.of.to_string())),
        ];
        let members = self.members(request.reference, request.msisdn, rest);
        match self.call("UpdateBalanceAndDate", members, request.submit_by).await {
            Sending::Answered(answer) => match read(request.reference, &answer) {
                Ok((code, _)) => codes::adjusted(code),
                Err(reason) => ReversalOutcome::Unknown(reason),
            },
            Sending::NotSent(_) => ReversalOutcome::NotSent,
            Sending::Unknown(reason) => ReversalOutcome::Unknown(reason),
        }
    }

    async fn balance(&self, msisdn: Msisdn) -> BalanceOutcome {
        let now = self.clock.now();
        // It changes nothing: any number tells the answer from another one.
        let reference = now.unix_ms();
        let members = self.members(reference, msisdn, Vec::new());
        let timeout_ms = i64::try_from(self.config.bounds.timeout.as_millis()).unwrap_or(i64::MAX);
        let answer = match self.call("GetBalanceAndDate", members, now.plus_ms(timeout_ms)).await {
            Sending::Answered(answer) => answer,
            Sending::NotSent(why) => return BalanceOutcome::Unknown(format!("not asked: {why:?}")),
            Sending::Unknown(reason) => return BalanceOutcome::Unknown(reason),
        };
        match read(reference, &answer) {
            Ok((code, value)) if codes::is_success(code) => read_balance(&value, self.config.currency),
            Ok((code, _)) => match codes::adjusted(code) {
                ReversalOutcome::Refused(ReversalRefusal::SubscriberUnknown) => BalanceOutcome::SubscriberUnknown,
                _ => BalanceOutcome::Unknown(format!("response code {code}")),
            },
            Err(reason) => BalanceOutcome::Unknown(reason),
        }
    }
}

/// The main account, in minor units.
fn read_balance(value: &Value, currency: Currency) -> BalanceOutcome {
    let text = |name| value.member(name).and_then(Value::as_text);
    let minor = text("accountValue1").and_then(|minor| minor.parse().ok());
    match (minor, text("currency1")) {
        (Some(minor), Some(theirs)) if theirs == currency.code() => {
            BalanceOutcome::Known(Money::from_minor(minor, currency))
        }
        (Some(_), _) => BalanceOutcome::Unknown("a balance in another currency".into()),
        (None, _) => BalanceOutcome::Unknown("an answer without a balance".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &[u8]) -> Answer {
        Answer { status, body: body.to_vec().into() }
    }

    fn said(members: &[(&str, Value)]) -> Vec<u8> {
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        xml_rpc::write_answer(&Value::Struct(members))
    }

    #[test]
    fn the_form_of_the_user_agent_is_checked() {
        assert!(is_user_agent("UGw Server/5.0/1.0"));
        assert!(is_user_agent("UGw Server/13.27/1.0"));
        for wrong in ["", "UGw Server", "UGw Server/5/1.0", "UGw Server/5.0/2.0", "curl/8.0/1.0", "UGw Server/5.0/1.0/"]
        {
            assert!(!is_user_agent(wrong), "{wrong}");
        }
    }

    #[test]
    fn times_carry_the_offset_of_their_zone() {
        let zone = TimeZone::get("Africa/Casablanca").unwrap();
        let at = Timestamp::parse("2026-11-22T09:15:30Z").unwrap();
        assert_eq!(written_time(at, &zone), "20261122T10:15:30+0100");
        // During Ramadan the zone is that of Greenwich.
        let ramadan = Timestamp::parse("2027-02-20T12:00:00Z").unwrap();
        assert_eq!(written_time(ramadan, &zone), "20270220T12:00:00+0000");
        assert_eq!(written_time(at, &TimeZone::UTC), "20261122T09:15:30+0000");
    }

    #[test]
    fn only_an_answer_of_ours_with_a_code_is_read() {
        let code = ("responseCode", Value::Int(0));
        let ours = ("originTransactionID", Value::text("7"));
        assert_eq!(read(7, &answer(200, &said(std::slice::from_ref(&code)))).unwrap().0, 0);
        assert_eq!(read(7, &answer(200, &said(&[ours.clone(), code.clone()]))).unwrap().0, 0);
        for (status, body) in [
            (200, said(&[ours])),
            (200, said(&[("originTransactionID", Value::text("8")), code.clone()])),
            (200, said(&[("originTransactionID", Value::Int(7)), code.clone()])),
            (200, said(&[("responseCode", Value::text("0"))])),
            (200, xml_rpc::write_answer(&Value::Int(0))),
            (200, xml_rpc::write_fault(1_000, "Illegal request")),
            (200, xml_rpc::write_call("Refill", &Value::Struct(vec![]))),
            (200, b"<html>OK</html>".to_vec()),
            (200, Vec::new()),
            (201, said(std::slice::from_ref(&code))),
            (302, said(std::slice::from_ref(&code))),
            (500, said(&[code])),
        ] {
            assert!(read(7, &answer(status, &body)).is_err(), "{status} {}", String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn a_balance_is_in_our_currency() {
        let balance = |value: &str, currency: &str| {
            let members = [("accountValue1", value), ("currency1", currency)];
            let members = members.map(|(name, text)| (name.to_owned(), Value::text(text)));
            read_balance(&Value::Struct(members.into()), Currency::MAD)
        };
        assert_eq!(balance("2000", "MAD"), BalanceOutcome::Known(Money::from_minor(2_000, Currency::MAD)));
        assert_eq!(balance("-5", "MAD"), BalanceOutcome::Known(Money::from_minor(-5, Currency::MAD)));
        for (value, currency) in [("2000", "XOF"), ("20.00", "MAD"), ("", "MAD"), ("1e3", "MAD")] {
            assert!(matches!(balance(value, currency), BalanceOutcome::Unknown(_)), "{value} {currency}");
        }
    }
}
