//! The client's token, kept fresh, and the resellers it may sell from.

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use hyper::header::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::LoadError;
use super::connection::{Body, Connection, Target};
use crate::domain::ResellerId;

/// A client that is logged in as long as this lives.
#[derive(Debug)]
pub(super) struct Session {
    bearer: watch::Receiver<HeaderValue>,
    /// Ends the refreshing when dropped.
    _refreshing: JoinSet<()>,
}

struct Credentials {
    target: Arc<Target>,
    form: SecretString,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: u64,
}

impl Session {
    pub(super) async fn open(target: &Arc<Target>, id: &str, secret: &SecretString) -> Result<Self, LoadError> {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            encode(id),
            encode(secret.expose_secret())
        );
        let credentials = Credentials { target: Arc::clone(target), form: form.into() };
        let (first, good_for) = credentials.token().await?;
        let (sender, bearer) = watch::channel(first);
        let mut refreshing = JoinSet::new();
        refreshing.spawn(credentials.keep_fresh(sender, good_for));
        Ok(Self { bearer, _refreshing: refreshing })
    }

    /// The token as it is now.
    pub(super) fn bearer(&self) -> watch::Receiver<HeaderValue> {
        self.bearer.clone()
    }

    /// All resellers that the client may see.
    pub(super) async fn resellers(&self, connection: &mut Connection<'_>) -> Result<Vec<ResellerId>, LoadError> {
        #[derive(Deserialize)]
        struct Whoami {
            reseller_ids: Vec<String>,
            #[serde(default)]
            next_cursor: Option<String>,
        }
        let mut resellers = Vec::new();
        let mut path = "/v1/whoami?limit=200".to_owned();
        loop {
            let bearer = self.bearer.borrow().clone();
            let page: Whoami = connection.get(&path, &bearer).await?;
            for id in page.reseller_ids {
                let id = id.parse().map_err(|expected| LoadError::Unexpected {
                    call: "GET /v1/whoami".to_owned(),
                    detail: format!("{id}: {expected}"),
                })?;
                resellers.push(id);
            }
            let Some(cursor) = page.next_cursor else { break };
            path = format!("/v1/whoami?limit=200&cursor={}", utf8_percent_encode(&cursor, NON_ALPHANUMERIC));
        }
        resellers.sort_unstable();
        resellers.dedup();
        Ok(resellers)
    }
}

impl Credentials {
    async fn token(&self) -> Result<(HeaderValue, Duration), LoadError> {
        const CALL: &str = "POST /oauth/token";
        let mut connection = Connection::new(&self.target);
        let body = Body::Form(self.form.expose_secret().to_owned());
        let answer = connection.send(Method::POST, "/oauth/token", None, body).await;
        let token: Token = answer.map_err(|lost| connection.unreachable(&lost))?.json(CALL)?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.access_token)).map_err(|_| {
            LoadError::Unexpected { call: CALL.to_owned(), detail: "the token is no header value".to_owned() }
        })?;
        bearer.set_sensitive(true);
        Ok((bearer, Duration::from_secs(token.expires_in)))
    }

    /// Renews the token when two thirds of its life are over; a failure is tried again soon.
    async fn keep_fresh(self, sender: watch::Sender<HeaderValue>, mut good_for: Duration) {
        loop {
            sleep(good_for * 2 / 3).await;
            loop {
                if let Ok((bearer, next)) = self.token().await {
                    good_for = next.max(Duration::from_secs(1));
                    if sender.send(bearer).is_err() {
                        return;
                    }
                    break;
                }
                sleep(Duration::from_millis(500)).await;
            }
        }
    }
}
