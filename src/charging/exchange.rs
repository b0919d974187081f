//! One HTTP exchange with a charging system: bounded in time, size and number, and able to prove that
//! nothing was sent.
//!
//! The proof is the body. A refill without its body is no refill, and the connection asks for the body only
//! when it is about to write it. So body and caller race for one [`Dispatch`]: whoever wins decides whether the
//! refill went out. Every error or timeout before that is "not sent"; everything after it is unknown. The same
//! moment is where `submit_by` is checked, after any wait for a permit or a connection.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Url};
use tokio::sync::Semaphore;

use super::ConnectError;
use crate::domain::Timestamp;
use crate::ports::Clock;

/// Answers above this are not read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Idle connections are given up well before servers usually close them (30 s and more): a request that meets
/// a closing connection would end in doubt.
const IDLE_FOR: Duration = Duration::from_secs(10);

/// Inquiries in flight at once. They have permits of their own: a flood of refills must not keep doubt from
/// being resolved.
const MAX_INQUIRIES_IN_FLIGHT: usize = 32;

/// How an exchange is bounded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub connect_timeout: Duration,
    /// From the call to the last byte of the answer.
    pub timeout: Duration,
    pub max_refills_in_flight: usize,
}

/// What was answered, read completely.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Bytes,
}

/// How the sending of a refill ended.
#[derive(Debug)]
pub(super) enum Sending {
    Answered(Answer),
    /// Provably never sent.
    NotSent,
    /// Sent, perhaps in part; no usable answer.
    Unknown(String),
}

/// A charging system reached over HTTP.
pub(super) struct Peer {
    client: Client,
    base: Url,
    timeout: Duration,
    refills: Semaphore,
    inquiries: Semaphore,
    clock: Arc<dyn Clock>,
}

impl Peer {
    pub(super) fn new(url: &str, bounds: Bounds, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        let base = base_url(url)?;
        let mut builder = Client::builder()
            // The environment is read in `cli` only; a proxy or a redirect could repeat or misdirect a refill.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(bounds.connect_timeout)
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(bounds.max_refills_in_flight + MAX_INQUIRIES_IN_FLIGHT);
        if base.scheme() == "http" {
            // Plain HTTP must not fail on a machine without certificate authorities.
            builder = builder.tls_certs_only([]);
        }
        Ok(Self {
            client: builder.build().map_err(|error| ConnectError::Client(describe(error)))?,
            base,
            timeout: bounds.timeout,
            refills: Semaphore::new(bounds.max_refills_in_flight),
            inquiries: Semaphore::new(MAX_INQUIRIES_IN_FLIGHT),
            clock,
        })
    }

    /// Posts `body` at most once, and not after `submit_by`.
    pub(super) async fn post_once(
        &self,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
        submit_by: Timestamp,
    ) -> Sending {
        if self.clock.now() > submit_by {
            return Sending::NotSent;
        }
        let dispatch = Arc::new(Dispatch::default());
        let body = GuardedBody {
            dispatch: Arc::clone(&dispatch),
            clock: Arc::clone(&self.clock),
            submit_by,
            content: Some(body.into()),
        };
        let request =
            self.client.post(self.url(path)).header(CONTENT_TYPE, content_type).body(reqwest::Body::wrap(body));
        let outcome = self.bounded(&self.refills, request).await;
        if dispatch.withdraw() {
            // Even an answer says nothing then: the peer gave it before it had the refill.
            return Sending::NotSent;
        }
        match outcome {
            Ok(answer) => Sending::Answered(answer),
            Err(reason) => Sending::Unknown(reason),
        }
    }

    /// Asks; repeating it does no harm.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, String> {
        self.bounded(&self.inquiries, self.client.get(self.url(path))).await
    }

    async fn bounded(&self, permits: &Semaphore, request: RequestBuilder) -> Result<Answer, String> {
        let exchange = async {
            let _permit = permits.acquire().await.map_err(|closed| closed.to_string())?;
            read(request.send().await.map_err(describe)?).await
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no complete answer within {} ms", self.timeout.as_millis())),
        }
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }
}

async fn read(mut response: reqwest::Response) -> Result<Answer, String> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(format!("HTTP status {status} with more than {MAX_ANSWER_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body: body.into() })
}

fn base_url(text: &str) -> Result<Url, ConnectError> {
    let mut url = Url::parse(text).map_err(|_| ConnectError::Url)?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
        return Err(ConnectError::Url);
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// The error with its causes, without the address.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Whether a refill went out: decided once, by the first to ask.
#[derive(Default)]
struct Dispatch(AtomicU8);

impl Dispatch {
    const WAITING: u8 = 0;
    const SENT: u8 = 1;
    const WITHDRAWN: u8 = 2;

    /// From now on it may have reached the peer. False when it was withdrawn.
    fn send(&self) -> bool {
        self.0.compare_exchange(Self::WAITING, Self::SENT, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// From now on it can never be sent. False when it may have been already.
    fn withdraw(&self) -> bool {
        match self.0.compare_exchange(Self::WAITING, Self::WITHDRAWN, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(state) => state == Self::WITHDRAWN,
        }
    }
}

/// A body that gives itself out once, and only while that is allowed.
struct GuardedBody {
    dispatch: Arc<Dispatch>,
    clock: Arc<dyn Clock>,
    submit_by: Timestamp,
    content: Option<Bytes>,
}

#[derive(Debug, thiserror::Error)]
#[error("withdrawn before it was sent")]
struct Withdrawn;

impl Body for GuardedBody {
    type Data = Bytes;
    type Error = Withdrawn;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        let Some(content) = self.content.take() else { return Poll::Ready(None) };
        if self.clock.now() > self.submit_by {
            self.dispatch.withdraw();
        }
        Poll::Ready(Some(if self.dispatch.send() { Ok(Frame::data(content)) } else { Err(Withdrawn) }))
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content.as_ref().map_or(0, |content| content.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refill_is_either_sent_or_withdrawn() {
        let sent = Dispatch::default();
        assert!(sent.send());
        assert!(!sent.withdraw(), "what may have been sent cannot be withdrawn");

        let withdrawn = Dispatch::default();
        assert!(withdrawn.withdraw() && withdrawn.withdraw());
        assert!(!withdrawn.send(), "what was withdrawn is never sent");
    }

    #[test]
    fn base_addresses_keep_their_path() {
        for (text, base) in [
            ("http://127.0.0.1:9090", "http://127.0.0.1:9090/"),
            ("https://charging.example/v4", "https://charging.example/v4/"),
            ("https://charging.example/v4/", "https://charging.example/v4/"),
        ] {
            assert_eq!(base_url(text).unwrap().as_str(), base);
        }
        for wrong in ["", "charging", "127.0.0.1:9090", "ftp://charging", "http://", "http://charging?x=1"] {
            assert!(base_url(wrong).is_err(), "{wrong}");
        }
    }
}
