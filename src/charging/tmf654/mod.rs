//! TMF654 Prepay Balance Management, version 4: JSON over HTTP.
//!
//! | what we want | resource |
//! | --- | --- |
//! | a refill | `POST /topupBalance` |
//! | what became of it | `GET /topupBalance?reason=` with our reference |
//! | credit taken back | `POST /transferBalance`, from the line's bucket to one of the operator's |
//! | what a line has | `GET /accumulatedBalance?logicalResource.value=` |
//! | to be told | events that a hub sends to us, believed when they carry our secret |
//!
//! Our reference travels in `reason`, the recharge in `requestor.id`. The states `completed`, `failed` and `cancelled` are
//! outcomes; `created` is not yet one. A refusal without a resource is believed when its `code` is one of
//! [`Config::refusals`]: status codes alone come from proxies as well.

mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::{ConnectError, Dependencies};
use crate::domain::{Currency, Msisdn, OperationKind};
use crate::exchange::{Bounds, Order, Peer, Sending};
use crate::ports::charging::{EventError, Told};
use crate::ports::{
    BalanceOutcome, Charging, ChargingOutcome, LookupOutcome, RefillRequest, ReversalOutcome, ReversalRequest,
};
use wire::{Asked, Reading};
pub use wire::{Refusal, Refusals};

#[derive(Clone, Debug)]
pub struct Config {
    /// With the base path, such as `https://bss.example/tmf-api/prepayBalanceManagement/v4`.
    pub url: String,
    pub bounds: Bounds,
    /// Of HTTP Basic; empty where the password is a bearer token.
    pub user: String,
    /// Empty where none is asked for.
    pub password: SecretString,
    pub currency: Currency,
    /// Ids of a line's bucket and account; `{msisdn}` stands for its number without `+`.
    pub bucket: String,
    pub party_account: String,
    /// Where credit goes that is taken back; empty when none is taken back.
    pub operator_bucket: String,
    /// What the codes of its refusals mean.
    pub refusals: Refusals,
    /// What its events must carry; empty when none are taken.
    pub event_secret: SecretString,
}

/// The adapter.
pub struct Tmf654 {
    peer: Peer,
    headers: HeaderMap,
    config: Config,
}

impl Tmf654 {
    /// # Errors
    /// [`ConnectError`] when the configuration cannot work.
    pub fn new(config: &Config, dependencies: Dependencies) -> Result<Self, ConnectError> {
        for (setting, id) in [("bucket", &config.bucket), ("party_account", &config.party_account)] {
            if id.is_empty() {
                return Err(ConnectError::new(setting, "expected an id such as {msisdn}"));
            }
        }
        let mut headers = HeaderMap::new();
        if let Some(authorization) = authorization(&config.user, &config.password)? {
            headers.insert(AUTHORIZATION, authorization);
        }
        let clock = dependencies.clock;
        let peer = Peer::new(&config.url, config.bounds, Arc::new(move || clock.now()))?;
        Ok(Self { peer, headers, config: config.clone() })
    }
}

impl Tmf654 {
    /// What became of a request, among those of its resource.
    async fn find(&self, resource: &str, reference: i64) -> LookupOutcome {
        let query = Serializer::new(String::new()).append_pair("reason", &reference.to_string()).finish();
        match self.peer.get(resource, &query, self.headers.clone()).await {
            Ok(answer) => wire::read_list(reference, &answer, &self.config.refusals),
            Err(reason) => LookupOutcome::Unknown(reason),
        }
    }
}

/// An id with the line's number in it.
fn of_line(id: &str, msisdn: Msisdn) -> String {
    id.replace("{msisdn}", &msisdn.digits().to_string())
}

fn authorization(user: &str, password: &SecretString) -> Result<Option<HeaderValue>, ConnectError> {
    let password = password.expose_secret();
    let text = match (user, password) {
        ("", "") => return Ok(None),
        ("", token) => format!("Bearer {token}"),
        (user, password) => format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| ConnectError::new("password", "expected printable ASCII characters"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

#[async_trait]
impl Charging for Tmf654 {
    fn name(&self) -> &'static str {
        "tmf654"
    }

    async fn refill(&self, request: &RefillRequest) -> ChargingOutcome {
        let asked = Asked {
            reference: request.reference,
            requestor: OperationKind::Recharge.render(request.operation),
            msisdn: request.msisdn,
            amount: request.amount,
            bucket: of_line(&self.config.bucket, request.msisdn),
            party_account: of_line(&self.config.party_account, request.msisdn),
            receiver_bucket: None,
        };
        let order = Order {
            path: "topupBalance".into(),
            content_type: "application/json",
            headers: self.headers.clone(),
            body: asked.write(),
            submit_by: request.submit_by,
        };
        match self.peer.post_once(order).await {
            Sending::Answered(answer) => match wire::read_created(request.reference, &answer, &self.config.refusals) {
                Reading::Done => ChargingOutcome::Approved,
                Reading::Refused(refusal) => ChargingOutcome::Declined(refusal.decline()),
                Reading::Unknown(reason) => ChargingOutcome::Unknown(reason),
            },
            Sending::NotSent(_) => ChargingOutcome::NotSent,
            Sending::Unknown(reason) => ChargingOutcome::Unknown(reason),
        }
    }

    async fn lookup(&self, reference: i64) -> LookupOutcome {
        self.find("topupBalance", reference).await
    }

    async fn lookup_reversal(&self, reference: i64) -> LookupOutcome {
        self.find("transferBalance", reference).await
    }

    async fn reverse(&self, request: &ReversalRequest) -> ReversalOutcome {
        if self.config.operator_bucket.is_empty() {
            return ReversalOutcome::NotOffered;
        }
        let asked = Asked {
            reference: request.reference,
            requestor: request.of.to_string(),
            msisdn: request.msisdn,
            amount: request.amount,
            bucket: of_line(&self.config.bucket, request.msisdn),
            party_account: of_line(&self.config.party_account, request.msisdn),
            receiver_bucket: Some(&self.config.operator_bucket),
        };
        let order = Order {
            path: "transferBalance".into(),
            content_type: "application/json",
            headers: self.headers.clone(),
            body: asked.write(),
            submit_by: request.submit_by,
        };
        match self.peer.post_once(order).await {
            Sending::Answered(answer) => match wire::read_created(request.reference, &answer, &self.config.refusals) {
                Reading::Done => ReversalOutcome::Reversed,
                Reading::Refused(refusal) => ReversalOutcome::Refused(refusal.of_reversal()),
                Reading::Unknown(reason) => ReversalOutcome::Unknown(reason),
            },
            Sending::NotSent(_) => ReversalOutcome::NotSent,
            Sending::Unknown(reason) => ReversalOutcome::Unknown(reason),
        }
    }

    async fn balance(&self, msisdn: Msisdn) -> BalanceOutcome {
        let number = msisdn.digits().to_string();
        let query = Serializer::new(String::new()).append_pair("logicalResource.value", &number).finish();
        match self.peer.get("accumulatedBalance", &query, self.headers.clone()).await {
            Ok(answer) => wire::read_balance(&answer, self.config.currency, &self.config.refusals),
            Err(reason) => BalanceOutcome::Unknown(reason),
        }
    }

    fn read_event(&self, authorization: &str, body: &[u8]) -> Result<Told, EventError> {
        let secret = self.config.event_secret.expose_secret();
        if secret.is_empty() {
            return Err(EventError::NotOffered);
        }
        if !carries(authorization, secret) {
            return Err(EventError::Unsigned);
        }
        wire::read_event(body, &self.config.refusals)
    }
}

/// Whether a header carries the secret, as a bearer token or as the password of HTTP Basic, which is how a hub sends what
/// stands in the address it was given.
fn carries(authorization: &str, secret: &str) -> bool {
    let given = match authorization.split_once(' ') {
        Some(("Bearer", token)) => token.as_bytes().to_vec(),
        Some(("Basic", pair)) => {
            let pair = STANDARD.decode(pair).unwrap_or_default();
            pair.iter().position(|byte| *byte == b':').map(|colon| pair[colon + 1..].to_vec()).unwrap_or_default()
        }
        _ => return false,
    };
    // Of digests, how far they are alike tells nothing about the secret.
    Sha256::digest(given) == Sha256::digest(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_comes_as_a_token_or_as_a_password() {
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        assert!(carries("Bearer s3cret", "s3cret"));
        assert!(carries(&basic("taabia:s3cret"), "s3cret"));
        assert!(carries(&basic(":s3cret"), "s3cret"));
        for wrong in ["", "s3cret", "Bearer", "Bearer s3cre", "Bearer s3cret2", "bearer s3cret", "Basic s3cret"] {
            assert!(!carries(wrong, "s3cret"), "{wrong}");
        }
        for wrong in ["s3cret", "s3cret:", "taabia:wrong"] {
            assert!(!carries(&basic(wrong), "s3cret"), "{wrong}");
        }
    }
}
