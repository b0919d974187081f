//! Charging systems that we can speak to. One file or folder per adapter, with its own configuration; a variant of
//! [`ChargingConfig`] and a line of [`connect`] register it.
//!
//! [`ChargingSystems`] holds several side by side: it chooses by number ([`routing`]) and keeps a circuit breaker for each.

mod guarded;
pub mod in_process;
pub mod routing;
pub mod simulator_http;
mod systems;
pub mod tmf654;
pub mod ucip;

use std::sync::Arc;

use crate::ports::{Charging, Clock};

pub use crate::exchange::ConnectError;
pub use systems::{ChargingSystems, Setup};

/// Which charging system, and how to reach it.
#[derive(Clone, Debug)]
pub enum ChargingConfig {
    SimulatorHttp(simulator_http::Config),
    Ucip(ucip::Config),
    Tmf654(tmf654::Config),
    InProcess(in_process::Config),
}

/// What adapters are given.
#[derive(Clone)]
pub struct Dependencies {
    pub clock: Arc<dyn Clock>,
}

/// Makes the configured adapter. Nothing is sent yet: the charging system may be down.
///
/// # Errors
/// [`ConnectError`] when the configuration cannot work.
pub fn connect(config: &ChargingConfig, dependencies: Dependencies) -> Result<Arc<dyn Charging>, ConnectError> {
    Ok(match config {
        ChargingConfig::SimulatorHttp(config) => Arc::new(simulator_http::SimulatorHttp::new(config, dependencies)?),
        ChargingConfig::Ucip(config) => Arc::new(ucip::Ucip::new(config, dependencies)?),
        ChargingConfig::Tmf654(config) => Arc::new(tmf654::Tmf654::new(config, dependencies)?),
        ChargingConfig::InProcess(config) => Arc::new(in_process::InProcess::new(config, dependencies)),
    })
}
