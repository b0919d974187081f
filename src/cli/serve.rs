//! `taabia serve`: the real thing, over a store that `taabia migrate` has made.

use std::error::Error;

use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::args::ServeArgs;
use super::config::Config;
use super::node::{Node, connect_charging, start_engine};
use super::{settings, telemetry};
use crate::services::recovery::heed;
use crate::storage::{self, OpenOptions};

/// Serves until a signal asks to stop.
///
/// # Errors
/// When the node cannot start or its server ends by itself.
pub async fn serve(args: ServeArgs) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.flags())?;
    telemetry::log(&config.telemetry)?;
    let metrics = telemetry::metrics()?;
    let storage = open_for_serving(&config).await?;
    let listener = TcpListener::bind(config.listen).await.map_err(|error| format!("{}: {error}", config.listen))?;
    let engine = start_engine(&config, &storage);
    heed(&*storage.store, engine.gate()).await?;
    let node = Node::start(&config, &storage, engine, connect_charging(&config)?, metrics, listener)?;
    println!("ready {}", node.url);
    until_stopped(node).await?;
    Ok(true)
}

/// The installed store, and on SQLite the lock that keeps a second server away.
///
/// # Errors
/// When it cannot be opened, is not installed, or is served by another process.
pub async fn open_for_serving(config: &Config) -> Result<storage::Storage, Box<dyn Error>> {
    let mut storage = storage::open(config.database_url().expose_secret(), OpenOptions::default()).await?;
    storage.lock_for_serving()?;
    if storage.currency != config.currency {
        return Err(format!("currency: the store is kept in {}, not in {}", storage.currency, config.currency).into());
    }
    Ok(storage)
}

/// Waits for SIGTERM or SIGINT and stops the node in order.
///
/// # Errors
/// When the server ends by itself.
pub async fn until_stopped(mut node: Node) -> Result<(), Box<dyn Error>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        error = node.server_ended() => return Err(error.into()),
    }
    node.stop().await;
    Ok(())
}
