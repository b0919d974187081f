//! One HTTP/1.1 connection, opened again when it broke.

use std::fmt::Display;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::LoadError;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Well above the time within which the server promises to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The server.
#[derive(Debug)]
pub(super) struct Target {
    url: String,
    address: String,
    host: HeaderValue,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, LoadError> {
        let refused = || LoadError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let host = uri.host().ok_or_else(refused)?;
        let plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !plain {
            return Err(refused());
        }
        let port = uri.port_u16().unwrap_or(80);
        let address = format!("{host}:{port}");
        let host = HeaderValue::from_str(&address).map_err(|_| refused())?;
        Ok(Self { url: url.to_owned(), address, host })
    }
}

/// Content of a request.
pub(super) enum Body {
    None,
    Json(Vec<u8>),
    Form(String),
}

/// An answer that arrived whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Bytes,
}

/// There was no answer: what became of the request is unknown.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Lost(String);

/// A connection to the server, opened when first used.
pub(super) struct Connection<'a> {
    target: &'a Target,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl<'a> Connection<'a> {
    pub(super) fn new(target: &'a Target) -> Self {
        Self { target, sender: None }
    }

    /// Sends a request and reads the whole answer. After a failure the next call opens a new connection.
    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        bearer: Option<&HeaderValue>,
        body: Body,
    ) -> Result<Answer, Lost> {
        let answer = match timeout(ANSWER_WITHIN, self.exchange(method, path, bearer, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(Lost(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))),
        };
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    /// Sends a request that reads, and its answer as JSON.
    pub(super) async fn get<T: DeserializeOwned>(&mut self, path: &str, bearer: &HeaderValue) -> Result<T, LoadError> {
        let mut answer = self.send(Method::GET, path, Some(bearer), Body::None).await;
        if answer.is_err() {
            // A connection that was kept open may have been closed meanwhile; reading twice does no harm.
            answer = self.send(Method::GET, path, Some(bearer), Body::None).await;
        }
        let call = path.split('?').next().unwrap_or(path);
        answer.map_err(|lost| self.unreachable(&lost))?.json(&format!("GET {call}"))
    }

    pub(super) fn unreachable(&self, lost: &Lost) -> LoadError {
        LoadError::Unreachable { url: self.target.url.clone(), reason: lost.to_string() }
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        bearer: Option<&HeaderValue>,
        body: Body,
    ) -> Result<Answer, Lost> {
        let sender = match &mut self.sender {
            Some(sender) if !sender.is_closed() => sender,
            closed => closed.insert(open(self.target).await?),
        };
        sender.ready().await.map_err(lost)?;
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.target.host);
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        let (kind, content) = match body {
            Body::None => (None, Bytes::new()),
            Body::Json(json) => (Some("application/json"), Bytes::from(json)),
            Body::Form(form) => (Some("application/x-www-form-urlencoded"), Bytes::from(form)),
        };
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let request = request.body(Full::new(content)).map_err(lost)?;
        let response = sender.send_request(request).await.map_err(lost)?;
        let (head, body) = response.into_parts();
        let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = body.collect().await.map_err(lost)?.to_bytes();
        Ok(Answer { status: head.status, retry_after: retry_after.map(Duration::from_secs), body })
    }
}

async fn open(target: &Target) -> Result<SendRequest<Full<Bytes>>, Lost> {
    let stream = timeout(CONNECT_WITHIN, TcpStream::connect(&target.address)).await.map_err(lost)?.map_err(lost)?;
    stream.set_nodelay(true).map_err(lost)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(lost)?;
    // Ends when the sender is dropped; what broke it is told by the request under way.
    tokio::spawn(connection);
    Ok(sender)
}

fn lost(error: impl Display) -> Lost {
    Lost(error.to_string())
}

impl Answer {
    /// The body of a success as JSON; `call` names the request in errors.
    pub(super) fn json<T: DeserializeOwned>(&self, call: &str) -> Result<T, LoadError> {
        if !self.status.is_success() {
            return Err(LoadError::Refused {
                call: call.to_owned(),
                status: self.status.as_u16(),
                detail: self.problem(),
            });
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| LoadError::Unexpected { call: call.to_owned(), detail: error.to_string() })
    }

    /// What a refusal says: the code and the detail of a problem, or the error of RFC 6749 §5.2.
    pub(super) fn problem(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Problem {
            #[serde(alias = "error")]
            code: String,
            #[serde(default, alias = "error_description")]
            detail: String,
        }
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(problem) if problem.detail.is_empty() => problem.code,
            Ok(problem) => format!("{} ({})", problem.code, problem.detail),
            Err(_) => "no problem+json".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_without_a_path_is_accepted() {
        assert_eq!(Target::parse("http://127.0.0.1:8080/").unwrap().address, "127.0.0.1:8080");
        assert_eq!(Target::parse("http://[::1]:8080").unwrap().address, "[::1]:8080");
        assert_eq!(Target::parse("http://taabia").unwrap().address, "taabia:80");
        for bad in ["https://h", "h:80", "http://h/api", "http://h/?a", ""] {
            assert!(matches!(Target::parse(bad), Err(LoadError::Url(_))), "{bad}");
        }
    }
}
