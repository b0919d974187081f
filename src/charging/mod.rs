//! Charging systems that we can speak to. One file per adapter, with its own configuration; a variant of
//! [`ChargingConfig`] and a line of [`connect`] register it.

pub mod in_process;
pub mod simulator_http;

use std::sync::Arc;

use serde::Deserialize;

use crate::exchange::PeerError;
use crate::ports::{Charging, Clock};

/// Which charging system, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "adapter", rename_all = "snake_case")]
pub enum ChargingConfig {
    SimulatorHttp(simulator_http::Config),
    InProcess(in_process::Config),
}

/// What adapters are given.
#[derive(Clone)]
pub struct Dependencies {
    pub clock: Arc<dyn Clock>,
}

/// Why an adapter cannot be made of its configuration.
#[derive(Debug, thiserror::Error)]
#[error("charging.url: {0}")]
pub struct ConnectError(#[from] PeerError);

/// Makes the configured adapter. Nothing is sent yet: the charging system may be down.
///
/// # Errors
/// [`ConnectError`] when the configuration cannot work.
pub fn connect(config: &ChargingConfig, dependencies: Dependencies) -> Result<Arc<dyn Charging>, ConnectError> {
    Ok(match config {
        ChargingConfig::SimulatorHttp(config) => Arc::new(simulator_http::SimulatorHttp::new(config, dependencies)?),
        ChargingConfig::InProcess(config) => Arc::new(in_process::InProcess::new(config, dependencies)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    struct Epoch;

    impl Clock for Epoch {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH
        }
    }

    fn connect_toml(text: &str) -> Result<&'static str, String> {
        let config: ChargingConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        let charging = connect(&config, Dependencies { clock: Arc::new(Epoch) }).map_err(|error| error.to_string())?;
        Ok(charging.name())
    }

    #[test]
    fn the_configuration_chooses_the_adapter() {
        for (name, text) in [
            ("in_process", "adapter = 'in_process'"),
            ("simulator_http", "adapter = 'simulator_http'\nurl = 'http://127.0.0.1:9090'"),
            ("simulator_http", "adapter = 'simulator_http'\nurl = 'http://charging/base'\ntimeout_ms = 2500"),
        ] {
            assert_eq!(connect_toml(text), Ok(name), "{text}");
        }
    }

    #[test]
    fn a_configuration_that_cannot_work_is_refused() {
        for text in [
            "adapter = 'carrier_pigeon'",
            "adapter = 'simulator_http'",
            "adapter = 'simulator_http'\nurl = ''",
            "adapter = 'simulator_http'\nurl = 'ftp://charging'",
            "adapter = 'simulator_http'\nurl = 'http://charging'\ntimeout_ms = 0",
            "adapter = 'simulator_http'\nurl = 'http://charging'\ntimout_ms = 1000",
            "adapter = 'in_process'\nurl = 'http://charging'",
        ] {
            assert!(connect_toml(text).is_err(), "{text}");
        }
    }
}
