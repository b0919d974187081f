//! Sends over HTTP: one attempt, no redirect, no proxy, bounded in time and in what is read.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response};

use super::address::{AllowedAddresses, check_url};
use super::signature::signatures;
use crate::ports::{Notice, Notifier, SendFailure, Sent};

/// What is read of an answer, so that its connection can be used again; its content means nothing.
const READ_BYTES: usize = 16 * 1024;
/// Connections kept for the next notice.
const IDLE_PER_HOST: usize = 8;
const IDLE_FOR: Duration = Duration::from_secs(20);

/// How notices are sent.
#[derive(Clone, Copy, Debug)]
pub struct NotifierSettings {
    /// From the look-up of the name to the answer's status.
    pub answer_within_ms: u64,
    pub addresses: AllowedAddresses,
}

/// The sender.
pub struct HttpNotifier {
    client: Client,
    settings: NotifierSettings,
}

/// Why a name was not resolved.
#[derive(Debug)]
struct NoAddress(SendFailure);

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Error for NoAddress {}

/// Gives the addresses of a name when all of them are good. The connection is made to one of these and looks nothing up
/// again, so no second answer of a name server can lead it elsewhere.
struct CheckedNames(AllowedAddresses);

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
            if found.is_empty() {
                return Err(NoAddress(SendFailure::Unresolved).into());
            }
            // One bad address among good ones is no accident.
            if !found.iter().all(|address| allowed.allows(address.ip())) {
                return Err(NoAddress(SendFailure::RefusedAddress).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl HttpNotifier {
    /// # Errors
    /// When there can be no HTTP client on this machine, as text.
    pub fn new(settings: NotifierSettings) -> Result<Self, String> {
        let client = Client::builder()
            // The environment is read in `cli` only; a proxy or a redirect leads past the check of addresses.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .https_only(settings.addresses == AllowedAddresses::Public)
            .dns_resolver(CheckedNames(settings.addresses))
            .connect_timeout(Duration::from_millis(settings.answer_within_ms))
            .timeout(Duration::from_millis(settings.answer_within_ms))
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .user_agent(concat!("Taabia-Webhooks/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { client: client.map_err(|error| error.to_string())?, settings })
    }
}

#[async_trait]
impl Notifier for HttpNotifier {
    async fn send(&self, notice: &Notice) -> Sent {
        // What was good when it was registered may not be by the settings of today.
        let url = check_url(&notice.url, self.settings.addresses).map_err(|_| SendFailure::RefusedAddress)?;
        let unix_s = notice.sent_at.unix_s();
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", unix_s.to_string())
            .header("webhook-signature", signatures(&notice.secrets, &notice.id, unix_s, &notice.body))
            .body(notice.body.clone());
        let response = request.send().await.map_err(|error| why(&error))?;
        let status = response.status().as_u16();
        finish(response).await;
        Ok(status)
    }

    fn check(&self, url: &str) -> Result<(), &'static str> {
        check_url(url, self.settings.addresses).map(drop)
    }
}

/// Reads a short answer to its end. A long one is left, with its connection.
async fn finish(mut response: Response) {
    let mut left = READ_BYTES;
    while let Ok(Some(chunk)) = response.chunk().await {
        let Some(rest) = left.checked_sub(chunk.len()) else { return };
        left = rest;
    }
}

fn why(error: &reqwest::Error) -> SendFailure {
    if error.is_timeout() {
        return SendFailure::Timeout;
    }
    let mut cause = error.source();
    while let Some(found) = cause {
        if let Some(NoAddress(failure)) = found.downcast_ref() {
            return *failure;
        }
        cause = found.source();
    }
    SendFailure::Connection
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn failure(allowed: AllowedAddresses, name: &str) -> Option<SendFailure> {
        let resolved = CheckedNames(allowed).resolve(name.parse().unwrap()).await;
        resolved.err().map(|error| error.downcast_ref::<NoAddress>().unwrap().0)
    }

    #[tokio::test]
    async fn a_name_with_an_address_inside_has_none() {
        assert_eq!(failure(AllowedAddresses::Public, "localhost").await, Some(SendFailure::RefusedAddress));
        assert_eq!(failure(AllowedAddresses::Any, "localhost").await, None);
        assert_eq!(failure(AllowedAddresses::Public, "nobody.invalid").await, Some(SendFailure::Unresolved));
    }
}
