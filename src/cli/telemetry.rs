//! Logs on standard error and the metrics that `/metrics` prints.

use std::io::IsTerminal as _;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use super::config::{LogFormat, Telemetry};

/// Names of metrics that end so are durations in seconds: from a commit of half a millisecond to doubt of minutes.
const SECONDS: (&str, [f64; 18]) = (
    "_seconds",
    [0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0],
);

/// Names of metrics that end so count things handled together, such as the commands of a batch.
const SIZE: (&str, [f64; 13]) =
    ("_size", [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0]);

/// How often what the recorder has gathered is condensed when nobody reads it.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Telemetry is set up once in a process.
#[derive(Debug, thiserror::Error)]
#[error("telemetry cannot be set up: {0}")]
pub struct TelemetryError(String);

/// Sends log lines to standard error from now on.
///
/// # Errors
/// When logs are set up already.
pub fn log(settings: &Telemetry) -> Result<(), TelemetryError> {
    let filter: Targets = settings.log_filter.parse().expect("the filter was checked when loaded");
    let lines = match settings.log_format {
        LogFormat::Text => {
            let terminal = std::io::stderr().is_terminal();
            fmt::layer().with_ansi(terminal).with_writer(std::io::stderr).boxed()
        }
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
    subscriber.try_init().map_err(|error| TelemetryError(error.to_string()))
}

/// Gathers metrics from now on. [`upkeep`] must run beside it.
///
/// # Errors
/// When metrics are set up already.
pub fn metrics() -> Result<PrometheusHandle, TelemetryError> {
    let install = || {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix(SECONDS.0.into()), &SECONDS.1)?
            .set_buckets_for_metric(Matcher::Suffix(SIZE.0.into()), &SIZE.1)?
            .install_recorder()
    };
    install().map_err(|error| TelemetryError(error.to_string()))
}

/// Keeps the recorder small; never ends.
pub async fn upkeep(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_histograms_with_buckets() {
        let handle = metrics().unwrap();
        metrics::histogram!("taabia_commit_seconds").record(0.004);
        metrics::histogram!("taabia_batch_size").record(60.0);
        let page = handle.render();
        assert!(page.contains("taabia_commit_seconds_bucket{le=\"0.005\"} 1"), "{page}");
        assert!(page.contains("taabia_batch_size_bucket{le=\"64\"} 1"), "{page}");
        assert!(metrics().is_err());
    }
}
