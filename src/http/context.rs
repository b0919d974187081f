//! The outermost layer: names the request, measures it, and gives every answer its last headers and every
//! error its one form.

use std::any::Any;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use tracing::Instrument;

use super::problem::{Code, Problem};
use super::trace::{REQUEST_ID, RequestName, RequestNames, TRACEPARENT, TraceIds};

const NOSNIFF: (HeaderName, HeaderValue) = (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
/// Nothing of ours is a page unless it says so.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Marks an error that is a page for people, and no problem for programs.
#[derive(Clone, Copy)]
pub struct KeptAsIs;

/// Runs the request inside a span that holds neither its query nor its headers.
pub async fn context(State(trace_ids): State<Arc<TraceIds>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let names = trace_ids.names(request.headers());
    request.extensions_mut().insert(RequestName(names.request_id.clone()));
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span =
        tracing::info_span!("http.request", trace_id = %names.trace_id, http.method = method, http.route = route);
    let is_api = route.starts_with("/v1/");

    let response = async {
        let response = next.run(request).await;
        let response = finish(response, &names, is_api);
        let duration = started.elapsed();
        let status = response.status();
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), duration_ms = duration.as_millis(), "the request failed");
        } else {
            tracing::debug!(status = status.as_u16(), duration_ms = duration.as_millis(), "the request was answered");
        }
        response
    };
    let response = response.instrument(span).await;
    record(method, route, response.status(), started);
    response
}

fn finish(mut response: Response, names: &RequestNames, is_api: bool) -> Response {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if failed && response.extensions().get::<KeptAsIs>().is_none() {
        response = as_problem(response, &names.trace_id);
    }
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, names.request_id.clone());
    headers.insert(TRACEPARENT, names.traceparent.clone());
    headers.insert(NOSNIFF.0, NOSNIFF.1);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NO_PAGE);
    if is_api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// Ours, the framework's own, and what other libraries answer with: all become problems, but for those
/// whose form another standard prescribes as JSON (RFC 6749 §5.2). Headers such as `Allow` stay.
fn as_problem(response: Response, trace_id: &str) -> Response {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    if content_type.is_some_and(|kind| kind == "application/json") {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let problem = parts.extensions.remove::<Problem>().unwrap_or_else(|| Problem::of_status(parts.status));
    for of_the_body in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        parts.headers.remove(of_the_body);
    }
    let mut rendered = problem.render(trace_id);
    for (name, value) in &parts.headers {
        rendered.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    rendered
}

/// A panic is our fault and tells the client nothing.
#[must_use]
pub fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(panic = text, "a handler panicked");
    Problem::new(Code::InternalError).into_response()
}

/// Methods come from outside: only the known ones become labels.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn record(method: &'static str, route: &str, status: StatusCode, started: Instant) {
    let route: Arc<str> = route.into();
    let status: Arc<str> = status.as_str().into();
    metrics::counter!("taabia_http_requests_total", "method" => method, "route" => Arc::clone(&route), "status" => status)
        .increment(1);
    metrics::histogram!("taabia_http_request_seconds", "method" => method, "route" => route)
        .record(started.elapsed().as_secs_f64());
}
