//! Acquirers that we can speak to, several side by side. One file or folder per adapter, with its own configuration; a
//! variant of [`AcquirerConfig`] and a line of [`connect`] register it.
//!
//! [`registry::Acquirers`] holds them: it chooses ([`choice`]), goes on to the next one only while no authorisation was
//! attempted, and keeps a circuit breaker for each ([`breaker`]).

pub mod choice;
pub mod cmi;
mod guarded;
pub mod in_process;
pub mod registry;
pub mod signature;
pub mod simulator;
pub mod stripe;

use std::sync::Arc;

use crate::ports::{Acquirer, Clock, Randomness};

pub use crate::exchange::{ConnectError, breaker};
pub use choice::{AcquirerName, Ask, NoAcquirer, Rule};
pub use registry::{Acquirers, Routed, Setup};

/// Which acquirer, and how to reach it.
#[derive(Clone, Debug)]
pub enum AcquirerConfig {
    Simulator(simulator::Config),
    InProcess(in_process::Config),
    Cmi(cmi::Config),
    Stripe(stripe::Config),
}

/// What adapters are given.
#[derive(Clone)]
pub struct Dependencies {
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
}

/// Makes the configured adapter. Nothing is sent yet: the acquirer may be down.
///
/// # Errors
/// [`ConnectError`] when the configuration cannot work.
pub fn connect(config: &AcquirerConfig, dependencies: &Dependencies) -> Result<Arc<dyn Acquirer>, ConnectError> {
    Ok(match config {
        AcquirerConfig::Simulator(config) => Arc::new(simulator::Simulator::new(config, dependencies)?),
        AcquirerConfig::InProcess(config) => Arc::new(in_process::InProcess::new(config, dependencies)),
        AcquirerConfig::Stripe(config) => Arc::new(stripe::Stripe::new(config, dependencies)?),
        AcquirerConfig::Cmi(config) => Arc::new(cmi::Cmi::new(config, dependencies)?),
    })
}
