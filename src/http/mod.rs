//! The REST API (`api.md`). One call, one file.
//!
//! Handlers only translate: what they start lives in the services and outlives the connection. Every call
//! of version 1 stands in [`v1::calls`] with what it needs; there is no other way to add one.

mod authorisation;
mod body;
mod context;
mod docs;
mod health;
mod oauth;
mod openapi;
mod pay;
mod precondition;
pub mod problem;
mod query;
mod schema;
mod state;
mod trace;
mod v1;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

pub use openapi::openapi;
pub use state::{Api, ApiState, Exports, Readiness};
pub use v1::Shapes;

use self::trace::TraceIds;

/// No request of ours needs more.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The whole API, ready to be served.
pub fn router(state: ApiState) -> Router {
    let trace_ids = Arc::new(TraceIds::new(&*state.randomness));
    let mut calls = OpenApiRouter::new();
    for (need, call) in v1::calls() {
        calls = calls.routes(authorisation::guarded(need, call, &state));
    }
    for call in open_calls() {
        calls = calls.routes(call);
    }
    Router::from(calls)
        .with_state(state)
        .merge(docs::router(openapi()))
        .fallback(|| async { problem::Problem::new(problem::Code::NotFound) })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(context::panicked))
        .layer(middleware::from_fn_with_state(trace_ids, context::context))
}

/// The files of `api-spec/` and what they must hold.
#[must_use]
pub fn specification() -> [(&'static str, String); 2] {
    let document = openapi().to_pretty_json().expect("the document is made of texts and numbers");
    [("openapi.json", document + "\n"), ("problems.md", problem::reference())]
}

/// What needs no token.
fn open_calls() -> Vec<utoipa_axum::router::UtoipaMethodRouter<ApiState>> {
    let open = oauth::calls().into_iter().chain(health::calls());
    open.chain(v1::open_calls()).chain(pay::calls()).collect()
}
