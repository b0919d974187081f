//! `taabia migrate`: installs the schema or brings it up to date.

use std::error::Error;

use secrecy::ExposeSecret as _;

use super::args::MigrateArgs;
use super::clock::SystemClock;
use super::config::Config;
use super::settings;
use crate::ports::Clock as _;
use crate::storage::{self, InstallOptions};

/// # Errors
/// When the store cannot be reached or is an installation of another kind.
pub async fn migrate(args: MigrateArgs) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    install(&config).await?;
    if let Some(role) = &args.grant_to {
        storage::grant_to(config.database_url().expose_secret(), role).await?;
    }
    println!("the store is up to date");
    Ok(true)
}

/// Creates the data directory and installs or upgrades the store.
///
/// # Errors
/// When the store cannot be reached or is an installation of another kind.
pub async fn install(config: &Config) -> Result<(), Box<dyn Error>> {
    tokio::fs::create_dir_all(&config.data_dir).await.map_err(|e| format!("{}: {e}", config.data_dir.display()))?;
    let options = InstallOptions { shards: config.shards, currency: config.currency, created_at: SystemClock.now() };
    Ok(storage::migrate(config.database_url().expose_secret(), options).await?)
}
