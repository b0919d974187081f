//! The simulator over UCIP: `POST /Air` with `Refill`, `UpdateBalanceAndDate` and `GetBalanceAndDate`.
//!
//! It insists on what such servers insist on: the form of the `User-Agent`, HTTP Basic where it is asked for, and every
//! mandatory member in its own type. Endings and books are those of the other protocols.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::books::{Reference, Refill, parse_msisdn};
use super::charge::{Charged, Simulator};
use super::ending::{Ending, Verdict};
use super::recorder::NotRecorded;
use crate::charging::ucip::is_user_agent;
use crate::charging::ucip::xml_rpc::{self, Document, Value};
use crate::domain::{Currency, Msisdn};

/// What cannot be understood.
const ILLEGAL_REQUEST: i64 = 1_000;
const UNKNOWN_METHOD: i64 = 1_001;

const OTHER_ERROR: i64 = 100;
const SUBSCRIBER_UNKNOWN: i64 = 102;

fn code_of(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Approved => 0,
        Verdict::SubscriberUnknown => SUBSCRIBER_UNKNOWN,
        Verdict::SubscriberBarred => 103,
        Verdict::CreditSpent => 124,
        Verdict::SystemDown => 125,
        Verdict::Unlisted => 999,
    }
}

/// The one path of UCIP.
pub(super) async fn air(State(simulator): State<Simulator>, headers: HeaderMap, body: Bytes) -> Response {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    if !user_agent.is_some_and(is_user_agent) {
        return (StatusCode::BAD_REQUEST, "User-Agent: expected UGw Server/x.y/1.0").into_response();
    }
    if !simulator.lets_in(&headers) {
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"Air\"")]).into_response();
    }
    let Ok(Document::Call { method, params }) = xml_rpc::parse(&body) else {
        return fault(ILLEGAL_REQUEST, "Illegal request message");
    };
    let [params] = &*params else { return fault(ILLEGAL_REQUEST, "expected one parameter") };
    let answered = match &*method {
        "Refill" => refill(&simulator, params).await,
        "UpdateBalanceAndDate" => adjust(&simulator, params).await,
        "GetBalanceAndDate" => balance(&simulator, params),
        _ => return fault(UNKNOWN_METHOD, "Method not found"),
    };
    answered.unwrap_or_else(|expected| fault(ILLEGAL_REQUEST, expected))
}

fn xml(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "text/xml")], body).into_response()
}

fn fault(code: i64, text: &str) -> Response {
    xml(xml_rpc::write_fault(code, text))
}

fn answer(reference: &str, code: i64, rest: Vec<(&str, Value)>) -> Response {
    let mut members = vec![("originTransactionID", Value::text(reference)), ("responseCode", Value::Int(code))];
    members.extend(rest);
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    xml(xml_rpc::write_answer(&Value::Struct(members)))
}

/// What every request says.
struct Origin {
    reference: Reference,
    msisdn: Msisdn,
}

fn text<'a>(params: &'a Value, name: &str) -> Option<&'a str> {
    params.member(name).and_then(Value::as_text)
}

fn origin(params: &Value) -> Result<Origin, &'static str> {
    if text(params, "originNodeType") != Some("EXT") || text(params, "originHostName").is_none_or(str::is_empty) {
        return Err("originNodeType, originHostName");
    }
    let Some(Value::Time(at)) = params.member("originTimeStamp") else { return Err("originTimeStamp") };
    if !is_time(at) {
        return Err("originTimeStamp");
    }
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let reference = text(params, "originTransactionID").filter(|text| text.len() <= 20).filter(digits);
    let number = text(params, "subscriberNumber").filter(digits).filter(|_| {
        // 1: an international number.
        params.member("subscriberNumberNAI").and_then(Value::int) == Some(1)
    });
    Ok(Origin {
        reference: reference.ok_or("originTransactionID")?.parse()?,
        msisdn: parse_msisdn(number.ok_or("subscriberNumber")?)?,
    })
}

/// `20261122T10:15:30+0100`
fn is_time(text: &str) -> bool {
    const FORM: &str = "00000000T00:00:00+0000";
    let fits = |(given, form): (char, char)| match form {
        '0' => given.is_ascii_digit(),
        '+' => matches!(given, '+' | '-'),
        _ => given == form,
    };
    text.len() == FORM.len() && text.chars().zip(FORM.chars()).all(fits)
}

fn currency(params: &Value) -> Result<Currency, &'static str> {
    text(params, "transactionCurrency").and_then(|code| code.parse().ok()).ok_or("transactionCurrency")
}

async fn refill(simulator: &Simulator, params: &Value) -> Result<Response, &'static str> {
    let Origin { reference, msisdn } = origin(params)?;
    let amount = text(params, "transactionAmount").and_then(|minor| minor.parse().ok()).filter(|minor| *minor > 0);
    if text(params, "refillProfileID").is_none_or(|profile| !(1..=4).contains(&profile.len())) {
        return Err("refillProfileID");
    }
    let order = Refill { msisdn, amount_minor: amount.ok_or("transactionAmount")?, currency: currency(params)? };
    let before = simulator.books().balance(msisdn);
    Ok(charge(simulator, &reference, order, |after| {
        vec![
            ("accountBeforeRefill", account(before, order.currency)),
            ("accountAfterRefill", account(after, order.currency)),
        ]
    })
    .await)
}

async fn adjust(simulator: &Simulator, params: &Value) -> Result<Response, &'static str> {
    let Origin { reference, msisdn } = origin(params)?;
    let amount = text(params, "adjustmentAmountRelative").and_then(|minor| minor.parse().ok());
    // What adds credit is a refill.
    let amount_minor = amount.filter(|minor: &i64| *minor < 0).ok_or("adjustmentAmountRelative")?;
    let order = Refill { msisdn, amount_minor, currency: currency(params)? };
    Ok(charge(simulator, &reference, order, |_| Vec::new()).await)
}

async fn charge(
    simulator: &Simulator,
    reference: &Reference,
    order: Refill,
    rest: impl FnOnce(i128) -> Vec<(&'static str, Value)>,
) -> Response {
    match simulator.charge(reference, order).await {
        Ok(Charged::Silence) => simulator.clone().stay_silent().await,
        Ok(Charged::Failure) => (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong").into_response(),
        Ok(Charged::Answered(entry)) => {
            let after = simulator.books().balance(order.msisdn);
            let rest = if entry.verdict.applies() { rest(after) } else { Vec::new() };
            answer(&reference.to_string(), code_of(entry.verdict), rest)
        }
        Err(NotRecorded::OtherContent) => answer(&reference.to_string(), OTHER_ERROR, Vec::new()),
        Err(NotRecorded::Failed) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn account(minor: i128, currency: Currency) -> Value {
    Value::Struct(vec![
        ("accountValue1".into(), Value::text(minor.to_string())),
        ("currency1".into(), Value::text(currency.code())),
    ])
}

fn balance(simulator: &Simulator, params: &Value) -> Result<Response, &'static str> {
    let Origin { reference, msisdn } = origin(params)?;
    let reference = reference.to_string();
    if Ending::of(msisdn) == Ending::Answered(Verdict::SubscriberUnknown) {
        return Ok(answer(&reference, SUBSCRIBER_UNKNOWN, Vec::new()));
    }
    let Value::Struct(account) = account(simulator.books().balance(msisdn), Currency::MAD) else {
        return Err("account");
    };
    let account = account.iter().map(|(name, value)| (&**name, value.clone())).collect();
    Ok(answer(&reference, 0, account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_form() {
        assert!(is_time("20261122T10:15:30+0100") && is_time("20261122T10:15:30-0030"));
        for wrong in
            ["", "20261122T10:15:30", "2026-11-22T10:15:30Z", "20261122T10:15:30+01:00", "20261122 10:15:30+0100"]
        {
            assert!(!is_time(wrong), "{wrong}");
        }
    }
}
