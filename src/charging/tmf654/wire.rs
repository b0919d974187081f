//! What is written to and read from the peer, and what it means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::{Currency, Decline, Money, MoneyError, Msisdn, OperationId, OperationKind};
use crate::exchange::Answer;
use crate::ports::charging::{EventError, Told};
use crate::ports::{BalanceOutcome, LookupOutcome, ReversalRefusal};

/// Why the peer did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    SubscriberUnknown,
    SubscriberBarred,
    /// Less is left than was to be taken back.
    CreditSpent,
    Other,
}

impl Refusal {
    /// Its name in the configuration.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "subscriber_unknown" => Self::SubscriberUnknown,
            "subscriber_barred" => Self::SubscriberBarred,
            "credit_spent" => Self::CreditSpent,
            "charging_declined" => Self::Other,
            _ => return None,
        })
    }

    pub(super) fn decline(self) -> Decline {
        match self {
            Self::SubscriberUnknown => Decline::SubscriberUnknown,
            Self::SubscriberBarred => Decline::SubscriberBarred,
            Self::CreditSpent => Decline::CreditSpent,
            Self::Other => Decline::ChargingDeclined,
        }
    }

    pub(super) fn of_reversal(self) -> ReversalRefusal {
        match self {
            Self::CreditSpent => ReversalRefusal::CreditSpent,
            Self::SubscriberUnknown => ReversalRefusal::SubscriberUnknown,
            Self::SubscriberBarred | Self::Other => ReversalRefusal::Other,
        }
    }
}

/// The listed codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals(pub BTreeMap<String, Refusal>);

impl Refusals {
    fn find(&self, code: Option<&str>) -> Option<Refusal> {
        self.0.get(code?).copied()
    }
}

/// A top-up, or a transfer back where there is a receiver.
pub(super) struct Asked<'a> {
    pub reference: i64,
    pub requestor: String,
    pub msisdn: Msisdn,
    pub amount: Money,
    pub bucket: String,
    pub party_account: String,
    pub receiver_bucket: Option<&'a str>,
}

#[derive(Serialize)]
struct Id<'a> {
    id: &'a str,
}

#[derive(Serialize)]
struct Resource<'a> {
    value: &'a str,
}

#[derive(Serialize)]
struct Amount<'a> {
    /// A number in the currency, written with its decimals.
    amount: &'a RawValue,
    units: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    amount: Amount<'a>,
    usage_type: &'a str,
    bucket: Id<'a>,
    party_account: Id<'a>,
    logical_resource: Resource<'a>,
    reason: &'a str,
    requestor: Id<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver_bucket: Option<Id<'a>>,
}

impl Asked<'_> {
    pub(super) fn write(&self) -> Vec<u8> {
        let amount = RawValue::from_string(self.amount.to_string()).expect("an amount is a number");
        let written = Written {
            amount: Amount { amount: &amount, units: self.amount.currency().code() },
            usage_type: "monetary",
            bucket: Id { id: &self.bucket },
            party_account: Id { id: &self.party_account },
            logical_resource: Resource { value: &self.msisdn.digits().to_string() },
            reason: &self.reference.to_string(),
            requestor: Id { id: &self.requestor },
            receiver_bucket: self.receiver_bucket.map(|id| Id { id }),
        };
        serde_json::to_vec(&written).expect("a struct of texts and numbers is JSON")
    }
}

/// What we read of a top-up or a transfer; it may hold more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    status: String,
    reason: Option<String>,
    /// Why it failed; not part of the standard, and told by some.
    status_reason: Option<String>,
    requestor: Option<Requestor>,
}

#[derive(Deserialize)]
struct Requestor {
    id: String,
}

/// An error as TM Forum's guidelines have it (TMF630).
#[derive(Deserialize)]
struct Problem {
    code: String,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Done,
    Refused(Refusal),
    Unknown(String),
}

const UNREADABLE: &str = "an unreadable answer";

impl Done {
    fn is_about(&self, reference: i64) -> bool {
        self.reason.as_deref() == Some(&*reference.to_string())
    }

    fn reading(&self, refusals: &Refusals) -> Reading {
        match &*self.status {
            "completed" => Reading::Done,
            // The state says that nothing came of it; the code only explains.
            "failed" | "cancelled" => {
                Reading::Refused(refusals.find(self.status_reason.as_deref()).unwrap_or(Refusal::Other))
            }
            "created" => Reading::Unknown("it is still under way".into()),
            _ => Reading::Unknown("an unlisted state".into()),
        }
    }
}

/// Reads the answer to a `POST`.
pub(super) fn read_created(reference: i64, answer: &Answer, refusals: &Refusals) -> Reading {
    match answer.status {
        201 => match serde_json::from_slice::<Done>(&answer.body) {
            // It stands on the request's own connection and need not repeat the reference.
            Ok(done) if done.reason.is_some() && !done.is_about(reference) => {
                Reading::Unknown("the answer is about another reference".into())
            }
            Ok(done) => done.reading(refusals),
            // The parser's message would quote the answer, which may name the subscriber.
            Err(_) => Reading::Unknown(UNREADABLE.into()),
        },
        status @ 400..=499 => match listed(answer, refusals) {
            Some(refusal) => Reading::Refused(refusal),
            None => Reading::Unknown(format!("HTTP status {status} without a listed code")),
        },
        status => Reading::Unknown(format!("HTTP status {status}")),
    }
}

fn listed(answer: &Answer, refusals: &Refusals) -> Option<Refusal> {
    let problem = serde_json::from_slice::<Problem>(&answer.body).ok()?;
    refusals.find(Some(&problem.code))
}

/// Reads what is known under our reference.
pub(super) fn read_list(reference: i64, answer: &Answer, refusals: &Refusals) -> LookupOutcome {
    // 206 would be a part of a list, and what is not in it proves nothing.
    if answer.status != 200 {
        return LookupOutcome::Unknown(format!("HTTP status {}", answer.status));
    }
    let Ok(all) = serde_json::from_slice::<Vec<Done>>(&answer.body) else {
        return LookupOutcome::Unknown(UNREADABLE.into());
    };
    let ours: Vec<_> = all.iter().filter(|done| done.is_about(reference)).collect();
    if ours.is_empty() {
        let honoured = all.is_empty();
        return if honoured {
            LookupOutcome::NotKnown
        } else {
            LookupOutcome::Unknown("it lists others than what was asked for".into())
        };
    }
    let readings: Vec<_> = ours.iter().map(|done| done.reading(refusals)).collect();
    let times = readings.iter().filter(|reading| **reading == Reading::Done).count();
    if times > 1 {
        tracing::error!(reference, times, "the charging system applied one refill more than once");
    }
    if times > 0 {
        return LookupOutcome::Applied;
    }
    readings.into_iter().fold(LookupOutcome::NotKnown, |found, reading| match (found, reading) {
        (LookupOutcome::Unknown(reason), _) | (_, Reading::Unknown(reason)) => LookupOutcome::Unknown(reason),
        (_, Reading::Refused(refusal)) => LookupOutcome::NotApplied(refusal.decline()),
        (found, Reading::Done) => found,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Accumulated<'a> {
    #[serde(borrow)]
    total_balance: Quantity<'a>,
}

#[derive(Deserialize)]
struct Quantity<'a> {
    #[serde(borrow)]
    amount: &'a RawValue,
    units: String,
}

pub(super) fn read_balance(answer: &Answer, currency: Currency, refusals: &Refusals) -> BalanceOutcome {
    if (400..500).contains(&answer.status) && listed(answer, refusals) == Some(Refusal::SubscriberUnknown) {
        return BalanceOutcome::SubscriberUnknown;
    }
    if answer.status != 200 {
        return BalanceOutcome::Unknown(format!("HTTP status {}", answer.status));
    }
    let Ok(all) = serde_json::from_slice::<Vec<Accumulated<'_>>>(&answer.body) else {
        return BalanceOutcome::Unknown(UNREADABLE.into());
    };
    let money = |of: &Accumulated<'_>| {
        let quantity = &of.total_balance;
        let text = quantity.amount.get();
        let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
        let minor = match Money::parse(text, currency) {
            Ok(money) => sign * money.minor(),
            Err(MoneyError::Zero) => 0,
            Err(_) => return None,
        };
        Some(Money::from_minor(minor, currency)).filter(|_| quantity.units == currency.code())
    };
    match &*all {
        [one] => {
            money(one).map_or_else(|| BalanceOutcome::Unknown("not an amount of ours".into()), BalanceOutcome::Known)
        }
        _ => BalanceOutcome::Unknown(format!("{} balances", all.len())),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_type: String,
    event: Topped,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Topped {
    topup_balance: Option<Done>,
}

/// Reads an event that carried the secret.
pub(super) fn read_event(body: &[u8], refusals: &Refusals) -> Result<Told, EventError> {
    let event: Event = serde_json::from_slice(body).map_err(|_| EventError::Unreadable)?;
    if !matches!(&*event.event_type, "TopupBalanceCreateEvent" | "TopupBalanceFailureEvent") {
        return Err(EventError::Irrelevant);
    }
    let done = event.event.topup_balance.ok_or(EventError::Unreadable)?;
    let operation = done.requestor.as_ref().and_then(|by| OperationId::parse(&by.id, OperationKind::Recharge.prefix()));
    let reference = done.reason.as_deref().and_then(|reason| reason.parse().ok());
    // Top-ups of others have neither.
    let (Some(operation), Some(reference)) = (operation, reference) else { return Err(EventError::Irrelevant) };
    // The kind of event does not decide: a top-up that was created may have failed.
    let outcome = match done.reading(refusals) {
        Reading::Done if event.event_type == "TopupBalanceFailureEvent" => return Err(EventError::Unreadable),
        Reading::Done => LookupOutcome::Applied,
        Reading::Refused(refusal) => LookupOutcome::NotApplied(refusal.decline()),
        Reading::Unknown(reason) => LookupOutcome::Unknown(reason),
    };
    Ok(Told { operation, reference, outcome })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals() -> Refusals {
        let codes = [("60", Refusal::SubscriberUnknown), ("61", Refusal::CreditSpent)];
        Refusals(codes.map(|(code, refusal)| (code.to_owned(), refusal)).into())
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.to_owned().into() }
    }

    #[test]
    fn only_listed_answers_are_outcomes() {
        let read = |status, body: &str| read_created(7, &answer(status, body), &refusals());
        assert_eq!(read(201, r#"{"id":"1","status":"completed"}"#), Reading::Done);
        assert_eq!(read(201, r#"{"status":"completed","reason":"7","more":{}}"#), Reading::Done);
        assert_eq!(read(201, r#"{"status":"failed"}"#), Reading::Refused(Refusal::Other));
        assert_eq!(read(201, r#"{"status":"cancelled","reason":"7"}"#), Reading::Refused(Refusal::Other));
        let unknown = Reading::Refused(Refusal::SubscriberUnknown);
        assert_eq!(read(201, r#"{"status":"failed","statusReason":"60"}"#), unknown);
        assert_eq!(read(422, r#"{"code":"60","reason":"no such line"}"#), unknown);
        for (status, body) in [
            (200, r#"{"status":"completed"}"#),
            (202, r#"{"status":"completed"}"#),
            (201, r#"{"status":"completed","reason":"8"}"#),
            (201, r#"{"status":"created"}"#),
            (201, r#"{"status":"done"}"#),
            (201, "{}"),
            (201, "<html>"),
            (404, "<html>Not Found</html>"),
            (404, r#"{"code":"62"}"#),
            (404, r#"{"code":60}"#),
            (500, r#"{"code":"60"}"#),
        ] {
            assert!(matches!(read(status, body), Reading::Unknown(_)), "{status} {body}");
        }
    }

    #[test]
    fn a_list_proves_by_what_is_ours_in_it() {
        use LookupOutcome::{Applied, NotApplied, NotKnown};
        let read = |status, body: &str| read_list(7, &answer(status, body), &refusals());
        for (body, outcome) in [
            ("[]", NotKnown),
            (r#"[{"reason":"7","status":"completed"}]"#, Applied),
            (r#"[{"reason":"8","status":"failed"},{"reason":"7","status":"completed"}]"#, Applied),
            (r#"[{"reason":"7","status":"failed"},{"reason":"7","status":"completed"}]"#, Applied),
            (r#"[{"reason":"7","status":"failed","statusReason":"60"}]"#, NotApplied(Decline::SubscriberUnknown)),
            (r#"[{"reason":"7","status":"cancelled"}]"#, NotApplied(Decline::ChargingDeclined)),
        ] {
            assert_eq!(read(200, body), outcome, "{body}");
        }
        for (status, body) in [
            (200, r#"[{"reason":"8","status":"completed"}]"#),
            (200, r#"[{"status":"completed"}]"#),
            (200, r#"[{"reason":"7","status":"created"}]"#),
            (200, r#"[{"reason":"7","status":"failed"},{"reason":"7","status":"created"}]"#),
            (200, r#"[{"reason":"7","status":"created"},{"reason":"7","status":"failed"}]"#),
            (200, r#"{"reason":"7","status":"completed"}"#),
            (200, "<html>"),
            (206, "[]"),
            (404, "[]"),
            (503, "[]"),
        ] {
            assert!(matches!(read(status, body), LookupOutcome::Unknown(_)), "{status} {body}");
        }
    }

    #[test]
    fn events_tell_of_our_topups_alone() {
        let id = "rch_0190a000-0000-7000-8000-000000000001";
        let event = |kind: &str, topup: &str| {
            let body = format!(r#"{{"eventId":"1","eventType":"{kind}","event":{{"topupBalance":{topup}}}}}"#);
            read_event(body.as_bytes(), &refusals())
        };
        let topup = |status: &str, more: &str| {
            format!(r#"{{"status":"{status}","reason":"7","requestor":{{"id":"{id}"}}{more}}}"#)
        };
        let told = |outcome| {
            let operation = OperationId::parse(id, "rch_").unwrap();
            Ok(Told { operation, reference: 7, outcome })
        };
        let (create, failure) = ("TopupBalanceCreateEvent", "TopupBalanceFailureEvent");
        assert_eq!(event(create, &topup("completed", "")), told(LookupOutcome::Applied));
        let unknown = told(LookupOutcome::NotApplied(Decline::SubscriberUnknown));
        assert_eq!(event(failure, &topup("failed", r#","statusReason":"60""#)), unknown);
        assert_eq!(event(create, &topup("failed", r#","statusReason":"60""#)), unknown);
        assert!(matches!(event(create, &topup("created", "")).unwrap().outcome, LookupOutcome::Unknown(_)));
        assert_eq!(event(failure, &topup("completed", "")), Err(EventError::Unreadable), "it contradicts itself");
        assert_eq!(event("BucketDeleteEvent", &topup("completed", "")), Err(EventError::Irrelevant));
        assert_eq!(event(create, r#"{"status":"completed","reason":"gift"}"#), Err(EventError::Irrelevant));
        assert_eq!(event(create, "null"), Err(EventError::Unreadable));
        for body in ["", "[]", "{}", "<html>"] {
            assert_eq!(read_event(body.as_bytes(), &refusals()), Err(EventError::Unreadable), "{body}");
        }
    }

    #[test]
    fn balances_are_one_amount_of_ours() {
        let read = |status, body: &str| read_balance(&answer(status, body), Currency::MAD, &refusals());
        let has = BalanceOutcome::Known(Money::from_minor(1_060, Currency::MAD));
        assert_eq!(read(200, r#"[{"id":"1","totalBalance":{"amount":10.60,"units":"MAD"}}]"#), has);
        assert_eq!(read(404, r#"{"code":"60"}"#), BalanceOutcome::SubscriberUnknown);
        for (text, minor) in [("0", 0), ("0.0", 0), ("-5", -500)] {
            let body = format!(r#"[{{"totalBalance":{{"amount":{text},"units":"MAD"}}}}]"#);
            assert_eq!(read(200, &body), BalanceOutcome::Known(Money::from_minor(minor, Currency::MAD)), "{text}");
        }
        for (status, body) in [
            (200, "[]"),
            (200, r#"[{"totalBalance":{"amount":10.60,"units":"XOF"}}]"#),
            (200, r#"[{"totalBalance":{"amount":10.601,"units":"MAD"}}]"#),
            (200, r#"[{"totalBalance":{"amount":1,"units":"MAD"}},{"totalBalance":{"amount":1,"units":"MAD"}}]"#),
            (404, "<html>"),
            (500, "[]"),
        ] {
            assert!(matches!(read(status, body), BalanceOutcome::Unknown(_)), "{status} {body}");
        }
    }
}
