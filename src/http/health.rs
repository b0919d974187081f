//! Whether the process lives, whether it should get requests, and its figures.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::problem::{Code, Problem, ProblemJson};
use super::state::ApiState;
use crate::domain::SystemName;
use crate::exchange::breaker::BreakerState;

/// A store that needs longer is not one to send requests to.
const STORE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

pub fn calls() -> Vec<UtoipaMethodRouter<ApiState>> {
    vec![routes!(livez), routes!(readyz), routes!(metrics)]
}

/// The process lives. Never touches the store.
#[utoipa::path(
    get, path = "/livez", operation_id = "livez", tag = "operation",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain", example = "ok"))
)]
async fn livez() -> &'static str {
    "ok"
}

/// The node takes requests: its store is writable, has the schema it knows, and it is not shutting down. What follows in
/// the answer says whether sales are refused, and how the charging systems are.
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "operation",
    responses(
        (status = 200, description = "Send requests", body = String, content_type = "text/plain", example = "ok\ncharging main: well"),
        (status = 503, description = "Send them elsewhere", body = ProblemJson, content_type = "application/problem+json"),
    )
)]
async fn readyz(State(state): State<ApiState>) -> Result<String, Problem> {
    let not_ready = |detail: &str| Problem::retry_after(Code::Unavailable, 1).detail(detail);
    if state.readiness.is_draining() {
        return Err(not_ready("the node is shutting down"));
    }
    match tokio::time::timeout(STORE_ANSWERS_WITHIN, state.reads.check()).await {
        Ok(Ok(())) => Ok(detail(&state)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store is not ready");
            Err(not_ready("the store does not take writes"))
        }
        Err(_) => Err(not_ready("the store does not answer")),
    }
}

/// `ok`, a line when sales are refused, since only people end that and they need the other calls, and a line for each
/// charging system. One that is left alone makes no node unready: all nodes call the same one,
/// and recharges for it are declined one by one.
fn detail(state: &ApiState) -> String {
    let line = |(name, breaker): (SystemName, BreakerState)| {
        let word = match breaker {
            BreakerState::Closed => "well",
            BreakerState::HalfOpen => "tried again",
            BreakerState::Open => "left alone",
        };
        format!("\ncharging {name}: {word}")
    };
    let refused = state.gate.refused_since().map(|since| format!("\nsales refused since {since}: recovering"));
    std::iter::once("ok".to_owned()).chain(refused).chain(state.charging.states().into_iter().map(line)).collect()
}

/// Figures in the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "operation",
    responses((status = 200, description = "Counters, gauges and histograms", body = String, content_type = "text/plain"))
)]
async fn metrics(State(state): State<ApiState>) -> (StatusCode, [(HeaderName, &'static str); 1], String) {
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.render())
}
