//! One HTTP exchange with a peer that moves money or credit: bounded in time, size and number, and able to
//! prove that nothing was sent.
//!
//! The proof is the body. An order without its body is no order, and the connection asks for the body only
//! when it is about to write it. So body and caller race for one [`Dispatch`]: whoever wins decides whether the
//! order went out. Every error or timeout before that is "not sent"; everything after it is unknown. The same
//! moment is where `submit_by` is checked, after any wait for a permit or a connection.

pub mod breaker;

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, RequestBuilder, Url};
use tokio::sync::Semaphore;

use crate::domain::Timestamp;

/// Tells the time.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Answers above this are not read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Idle connections are given up well before servers usually close them (30 s and more): a request that meets
/// a closing connection would end in doubt.
const IDLE_FOR: Duration = Duration::from_secs(10);

/// Inquiries in flight at once. They have permits of their own: a flood of orders must not keep doubt from
/// being resolved.
const MAX_INQUIRIES_IN_FLIGHT: usize = 32;

/// How an exchange is bounded.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub connect_timeout: Duration,
    /// From the call to the last byte of the answer.
    pub timeout: Duration,
    pub max_orders_in_flight: usize,
}

/// What was answered, read completely.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// `submit_by` had passed.
    TooLate,
    /// No connection could be opened, or no turn came, in time.
    Unreachable(String),
}

/// How the sending of an order ended.
#[derive(Debug)]
pub enum Sending {
    Answered(Answer),
    /// Provably never sent.
    NotSent(NotSent),
    /// Sent, perhaps in part; no usable answer.
    Unknown(String),
}

/// Why no peer can be made of its address and bounds.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The address is not shown: it may hold a password.
    #[error("expected http:// or https://, a host, and no query")]
    Url,
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

/// Why an adapter cannot be made of its configuration: the setting, and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConnectError {
    pub setting: &'static str,
    pub problem: String,
}

impl ConnectError {
    #[must_use]
    pub fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }
}

impl From<PeerError> for ConnectError {
    fn from(error: PeerError) -> Self {
        Self::new("url", error.to_string())
    }
}

/// What is posted.
pub struct Order {
    /// Below the peer's address, without a slash in front.
    pub path: String,
    pub content_type: &'static str,
    /// Beside the content's type: authentication, keys of idempotency.
    pub headers: HeaderMap,
    /// Never empty: it is the proof of sending.
    pub body: Vec<u8>,
    /// Nothing leaves after it.
    pub submit_by: Timestamp,
}

/// A peer reached over HTTP.
pub struct Peer {
    client: Client,
    base: Url,
    timeout: Duration,
    orders: Semaphore,
    inquiries: Semaphore,
    now: Now,
}

impl Peer {
    /// Nothing is sent yet: the peer may be down.
    ///
    /// # Errors
    /// [`PeerError`] when the address or the bounds cannot work.
    pub fn new(url: &str, bounds: Bounds, now: Now) -> Result<Self, PeerError> {
        let base = base_url(url)?;
        let mut builder = Client::builder()
            // The environment is read in `cli` only; a proxy or a redirect could repeat or misdirect an order.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(bounds.connect_timeout)
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(bounds.max_orders_in_flight + MAX_INQUIRIES_IN_FLIGHT);
        if base.scheme() == "http" {
            // Plain HTTP must not fail on a machine without certificate authorities.
            builder = builder.tls_certs_only([]);
        }
        Ok(Self {
            client: builder.build().map_err(|error| PeerError::Client(describe(error)))?,
            base,
            timeout: bounds.timeout,
            orders: Semaphore::new(bounds.max_orders_in_flight),
            inquiries: Semaphore::new(MAX_INQUIRIES_IN_FLIGHT),
            now,
        })
    }

    /// Posts the order at most once, and not after its `submit_by`.
    pub async fn post_once(&self, order: Order) -> Sending {
        debug_assert!(!order.body.is_empty(), "an order without a body cannot prove that it was not sent");
        if (self.now)() > order.submit_by {
            return Sending::NotSent(NotSent::TooLate);
        }
        let dispatch = Arc::new(Dispatch::default());
        let body = GuardedBody {
            dispatch: Arc::clone(&dispatch),
            now: Arc::clone(&self.now),
            submit_by: order.submit_by,
            content: Some(order.body.into()),
        };
        let request = self
            .client
            .post(self.url(&order.path, ""))
            .headers(order.headers)
            .header(CONTENT_TYPE, order.content_type)
            .body(reqwest::Body::wrap(body));
        let outcome = self.bounded(&self.orders, request).await;
        if dispatch.withdraw() {
            // Even an answer says nothing then: the peer gave it before it had the order.
            return Sending::NotSent(match outcome {
                Err(reason) if (self.now)() <= order.submit_by => NotSent::Unreachable(reason),
                Ok(_) if (self.now)() <= order.submit_by => NotSent::Unreachable("answered before the order".into()),
                _ => NotSent::TooLate,
            });
        }
        match outcome {
            Ok(answer) => Sending::Answered(answer),
            Err(reason) => Sending::Unknown(reason),
        }
    }

    /// Asks; repeating it does no harm. `query` is encoded already, and empty where there is none.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn get(&self, path: &str, query: &str, headers: HeaderMap) -> Result<Answer, String> {
        self.bounded(&self.inquiries, self.client.get(self.url(path, query)).headers(headers)).await
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

    fn url(&self, path: &str, query: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url.set_query(Some(query).filter(|query| !query.is_empty()));
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

fn base_url(text: &str) -> Result<Url, PeerError> {
    let mut url = Url::parse(text).map_err(|_| PeerError::Url)?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
        return Err(PeerError::Url);
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

/// Whether an order went out: decided once, by the first to ask.
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
    now: Now,
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
        if (self.now)() > self.submit_by {
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
    fn an_order_is_either_sent_or_withdrawn() {
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
