//! The acquirers as they are configured.

use std::error::Error;
use std::sync::Arc;

use super::clock::{SystemClock, SystemRandomness};
use super::config::{Config, acquirer_setups};
use crate::acquiring::{Acquirers, Dependencies};

/// Makes all of them. Nothing is sent yet: they may be down.
///
/// # Errors
/// The setting that cannot work.
pub fn connect_acquirers(config: &Config) -> Result<Acquirers, Box<dyn Error>> {
    let misfit = |(setting, problem)| format!("{setting}: {problem}");
    let setups = acquirer_setups(&config.acquirers, config.currency).map_err(misfit)?;
    let dependencies = Dependencies { clock: Arc::new(SystemClock), randomness: Arc::new(SystemRandomness) };
    let connected = Acquirers::connect(setups, &dependencies);
    Ok(connected.map_err(|(name, error)| format!("acquirers.{name}.{error}"))?)
}
