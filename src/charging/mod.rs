//! Charging systems that we can speak to. One file or folder per adapter, with its own configuration; a variant of
//! [`ChargingConfig`] and a line of [`connect`] register it.

pub mod in_process;
pub mod simulator_http;
pub mod ucip;

use std::sync::Arc;

use crate::ports::{Charging, Clock};

pub use crate::exchange::ConnectError;

/// Which charging system, and how to reach it.
#[derive(Clone, Debug)]
pub enum ChargingConfig {
    SimulatorHttp(simulator_http::Config),
    Ucip(ucip::Config),
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
        ChargingConfig::InProcess(config) => Arc::new(in_process::InProcess::new(config, dependencies)),
    })
}
