//! The charging simulator's HTTP interface: `POST /refills`, `GET /refills/{reference}` and `POST /reversals`.
//!
//! Only a listed answer is an outcome; everything else is unknown, not failure (`domain.md` \[1\]).

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{ConnectError, Dependencies};
use crate::domain::{Currency, Decline, Money, Msisdn, Timestamp};
use crate::exchange::{Answer, Bounds, Order, Peer, Sending};
use crate::ports::{
    BalanceOutcome, Charging, ChargingOutcome, LookupOutcome, RefillRequest, ReversalOutcome, ReversalRefusal,
    ReversalRequest,
};

#[derive(Clone, Debug)]
pub struct Config {
    /// Where the simulator listens, such as `http://127.0.0.1:9090`.
    pub url: String,
    pub bounds: Bounds,
    pub currency: Currency,
}

/// The listed answers. Whatever is not here proves nothing.
const ANSWERS: [(&str, &str, ChargingOutcome); 5] = [
    ("approved", "approved", ChargingOutcome::Approved),
    ("declined", "subscriber_unknown", ChargingOutcome::Declined(Decline::SubscriberUnknown)),
    ("declined", "subscriber_barred", ChargingOutcome::Declined(Decline::SubscriberBarred)),
    ("declined", "system_down", ChargingOutcome::Declined(Decline::ChargingDeclined)),
    // Of a reversal only.
    ("declined", "credit_spent", ChargingOutcome::Declined(Decline::CreditSpent)),
];

/// The adapter.
pub struct SimulatorHttp {
    peer: Peer,
    currency: Currency,
}

impl SimulatorHttp {
    /// # Errors
    /// [`ConnectError`] when the configuration cannot work.
    pub fn new(config: &Config, dependencies: Dependencies) -> Result<Self, ConnectError> {
        let clock = dependencies.clock;
        let peer = Peer::new(&config.url, config.bounds, Arc::new(move || clock.now()))?;
        Ok(Self { peer, currency: config.currency })
    }
}

#[async_trait]
impl Charging for SimulatorHttp {
    fn name(&self) -> &'static str {
        "simulator_http"
    }

    async fn refill(&self, request: &RefillRequest) -> ChargingOutcome {
        let body = RefillBody {
            reference: request.reference.to_string(),
            msisdn: request.msisdn.e164(),
            amount_minor: request.amount.minor(),
            currency: request.amount.currency().code(),
            product: &request.product,
        };
        match self.peer.post_once(order("refills", &body, request.submit_by)).await {
            Sending::Answered(answer) => read_refill(request.reference, &answer),
            Sending::NotSent(_) => ChargingOutcome::NotSent,
            Sending::Unknown(reason) => ChargingOutcome::Unknown(reason),
        }
    }

    async fn reverse(&self, request: &ReversalRequest) -> ReversalOutcome {
        let body = ReversalBody {
            reference: request.reference.to_string(),
            of: request.of.to_string(),
            msisdn: request.msisdn.e164(),
            amount_minor: request.amount.minor(),
            currency: request.amount.currency().code(),
        };
        match self.peer.post_once(order("reversals", &body, request.submit_by)).await {
            Sending::Answered(answer) => match read_refill(request.reference, &answer) {
                ChargingOutcome::Approved => ReversalOutcome::Reversed,
                ChargingOutcome::Declined(decline) => ReversalOutcome::Refused(match decline {
                    Decline::CreditSpent => ReversalRefusal::CreditSpent,
                    Decline::SubscriberUnknown => ReversalRefusal::SubscriberUnknown,
                    _ => ReversalRefusal::Other,
                }),
                ChargingOutcome::Unknown(reason) => ReversalOutcome::Unknown(reason),
                ChargingOutcome::NotSent => ReversalOutcome::NotSent,
            },
            Sending::NotSent(_) => ReversalOutcome::NotSent,
            Sending::Unknown(reason) => ReversalOutcome::Unknown(reason),
        }
    }

    /// Refills and reversals share their references.
    async fn lookup_reversal(&self, reference: i64) -> LookupOutcome {
        self.lookup(reference).await
    }

    async fn balance(&self, msisdn: Msisdn) -> BalanceOutcome {
        match self.peer.get(&format!("balances/{}", msisdn.e164()), "", HeaderMap::new()).await {
            Ok(answer) => read_balance(&answer, self.currency),
            Err(reason) => BalanceOutcome::Unknown(reason),
        }
    }

    async fn lookup(&self, reference: i64) -> LookupOutcome {
        match self.peer.get(&format!("refills/{reference}"), "", HeaderMap::new()).await {
            Ok(answer) => read_lookup(reference, &answer),
            Err(reason) => LookupOutcome::Unknown(reason),
        }
    }
}

fn order(path: &str, body: &impl Serialize, submit_by: Timestamp) -> Order {
    Order {
        path: path.into(),
        content_type: "application/json",
        headers: HeaderMap::new(),
        body: serde_json::to_vec(body).expect("a struct of texts and numbers is JSON"),
        submit_by,
    }
}

#[derive(Serialize)]
struct ReversalBody {
    reference: String,
    of: String,
    msisdn: String,
    amount_minor: i64,
    currency: &'static str,
}

#[derive(Serialize)]
struct RefillBody<'a> {
    reference: String,
    msisdn: String,
    amount_minor: i64,
    currency: &'static str,
    product: &'a str,
}

/// What we read of an answer; it may hold more.
#[derive(Deserialize)]
struct Reply {
    reference: Option<Reference>,
    result: String,
    code: String,
    applied: Option<u64>,
}

/// Our own number, as text or as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    Text(String),
    Number(i64),
}

impl Reference {
    fn is(&self, ours: i64) -> bool {
        match self {
            Self::Text(text) => *text == ours.to_string(),
            Self::Number(number) => *number == ours,
        }
    }
}

impl Reply {
    fn parse(answer: &Answer) -> Result<Self, String> {
        if answer.status != 200 {
            return Err(format!("HTTP status {}", answer.status));
        }
        // The parser's message would quote the answer, which may name the subscriber.
        serde_json::from_slice(&answer.body).map_err(|_| "HTTP status 200 with an unreadable answer".into())
    }

    /// The listed outcome of this answer.
    fn outcome(&self) -> Option<ChargingOutcome> {
        let listed = ANSWERS.iter().find(|(result, code, _)| *result == self.result && *code == self.code);
        listed.map(|(_, _, outcome)| outcome.clone())
    }

    fn unlisted(&self) -> String {
        let plain = |text: &str| text.len() <= 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        // Texts of the peer's choosing are shown only when they cannot hold a number or break a log.
        let code = if plain(&self.code) { &self.code } else { "one that is not shown" };
        format!("an unlisted code: {code}")
    }
}

const WRONG_REFERENCE: &str = "the answer is about another reference";

fn read_refill(reference: i64, answer: &Answer) -> ChargingOutcome {
    let reply = match Reply::parse(answer) {
        Ok(reply) => reply,
        Err(reason) => return ChargingOutcome::Unknown(reason),
    };
    // The answer stands on the request's own connection and need not repeat the reference.
    if reply.reference.as_ref().is_some_and(|theirs| !theirs.is(reference)) {
        return ChargingOutcome::Unknown(WRONG_REFERENCE.into());
    }
    reply.outcome().unwrap_or_else(|| ChargingOutcome::Unknown(reply.unlisted()))
}

/// What we read of a balance, or of why there is none.
#[derive(Deserialize)]
struct BalanceReply {
    balance_minor: Option<i64>,
    error: Option<String>,
}

fn read_balance(answer: &Answer, currency: Currency) -> BalanceOutcome {
    let reply = serde_json::from_slice::<BalanceReply>(&answer.body).ok();
    match (answer.status, reply) {
        (200, Some(BalanceReply { balance_minor: Some(minor), .. })) => {
            BalanceOutcome::Known(Money::from_minor(minor, currency))
        }
        (404, Some(BalanceReply { error: Some(error), .. })) if error == "subscriber_unknown" => {
            BalanceOutcome::SubscriberUnknown
        }
        (status, _) => BalanceOutcome::Unknown(format!("HTTP status {status} without a balance")),
    }
}

fn read_lookup(reference: i64, answer: &Answer) -> LookupOutcome {
    if answer.status == 404 {
        return LookupOutcome::NotKnown;
    }
    let reply = match Reply::parse(answer) {
        Ok(reply) => reply,
        Err(reason) => return LookupOutcome::Unknown(reason),
    };
    if !reply.reference.as_ref().is_some_and(|theirs| theirs.is(reference)) {
        return LookupOutcome::Unknown(WRONG_REFERENCE.into());
    }
    match (reply.applied, reply.outcome()) {
        (None, _) => LookupOutcome::Unknown("the answer does not say whether it was applied".into()),
        (Some(0), Some(ChargingOutcome::Approved)) => LookupOutcome::Unknown("approved, yet not applied".into()),
        (Some(0), Some(ChargingOutcome::Declined(decline))) => LookupOutcome::NotApplied(decline),
        // Here the code only explains: that it was not applied is the evidence.
        (Some(0), _) => LookupOutcome::NotApplied(Decline::ChargingDeclined),
        (Some(times), _) => {
            if times > 1 {
                tracing::error!(reference, times, "the charging system applied one refill more than once");
            }
            LookupOutcome::Applied
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.to_owned().into() }
    }

    #[test]
    fn only_a_listed_answer_is_an_outcome() {
        use ChargingOutcome::{Approved, Declined};
        for (body, outcome) in [
            (r#"{"result":"approved","code":"approved"}"#, Approved),
            (r#"{"result":"approved","code":"approved","reference":"7","more":{}}"#, Approved),
            (r#"{"result":"approved","code":"approved","reference":7}"#, Approved),
            (r#"{"result":"declined","code":"subscriber_unknown"}"#, Declined(Decline::SubscriberUnknown)),
            (r#"{"result":"declined","code":"subscriber_barred"}"#, Declined(Decline::SubscriberBarred)),
            (r#"{"result":"declined","code":"system_down"}"#, Declined(Decline::ChargingDeclined)),
        ] {
            assert_eq!(read_refill(7, &answer(200, body)), outcome, "{body}");
        }
        for (status, body) in [
            (200, ""),
            (200, "<html>approved</html>"),
            (200, "[]"),
            (200, r#"{"result":"approved"}"#),
            (200, r#"{"result":"approved","code":"approved"} trailing"#),
            (200, r#"{"result":"approved","code":"subscriber_barred"}"#),
            (200, r#"{"result":"declined","code":"approved"}"#),
            (200, r#"{"result":"declined","code":"held_for_review"}"#),
            (200, r#"{"result":"approved","code":"approved","reference":"8"}"#),
            (200, r#"{"result":"approved","code":"approved","reference":"07"}"#),
            (201, r#"{"result":"approved","code":"approved"}"#),
            (302, ""),
            (400, r#"{"result":"declined","code":"system_down"}"#),
            (404, ""),
            (500, r#"{"result":"declined","code":"system_down"}"#),
        ] {
            assert!(matches!(read_refill(7, &answer(status, body)), ChargingOutcome::Unknown(_)), "{status} {body}");
        }
    }

    #[test]
    fn an_inquiry_believes_what_was_applied() {
        use LookupOutcome::{Applied, NotApplied, NotKnown};
        let about = |result: &str, code: &str, applied: u64| {
            answer(200, &format!(r#"{{"reference":"7","result":"{result}","code":"{code}","applied":{applied}}}"#))
        };
        for (answer, outcome) in [
            (about("approved", "approved", 1), Applied),
            (about("approved", "approved", 2), Applied),
            (about("declined", "held_for_review", 1), Applied),
            (about("declined", "subscriber_unknown", 0), NotApplied(Decline::SubscriberUnknown)),
            (about("declined", "held_for_review", 0), NotApplied(Decline::ChargingDeclined)),
            (answer(404, "<html>"), NotKnown),
        ] {
            assert_eq!(read_lookup(7, &answer), outcome, "{answer:?}");
        }
        for answer in [
            about("approved", "approved", 0),
            answer(200, r#"{"reference":"8","result":"approved","code":"approved","applied":1}"#),
            answer(200, r#"{"result":"approved","code":"approved","applied":1}"#),
            answer(200, r#"{"reference":"7","result":"approved","code":"approved"}"#),
            answer(200, r#"{"reference":"7","result":"approved","code":"approved","applied":-1}"#),
            answer(200, "<html>"),
            answer(410, ""),
            answer(503, ""),
        ] {
            assert!(matches!(read_lookup(7, &answer), LookupOutcome::Unknown(_)), "{answer:?}");
        }
    }

    #[test]
    fn a_foreign_code_cannot_carry_a_number_into_the_log() {
        let shown =
            |code: &str| match read_refill(7, &answer(200, &format!(r#"{{"result":"declined","code":"{code}"}}"#))) {
                ChargingOutcome::Unknown(reason) => reason,
                other => panic!("{other:?}"),
            };
        assert!(shown("held_for_review").contains("held_for_review"));
        assert!(!shown("barred 212612345678").contains("212612345678"));
    }
}
