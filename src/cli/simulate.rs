//! `taabia simulate`: stand-ins for the outside world as processes of their own.

use std::error::Error;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::args::{SimulateChargingArgs, SimulateCommand};
use crate::simulator::charging::{Config, Server};

/// # Errors
/// When the simulator cannot start.
pub async fn simulate(command: SimulateCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        SimulateCommand::Charging(args) => charging(args).await,
    }
}

async fn charging(args: SimulateChargingArgs) -> Result<bool, Box<dyn Error>> {
    let listener = TcpListener::bind(args.listen).await.map_err(|error| format!("{}: {error}", args.listen))?;
    let config = Config { data_dir: Some(args.data_dir), deduplicate: args.deduplicate, ..Config::default() };
    let server = Server::start(config, listener).await?;
    println!("ready http://{}", server.addr());
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    server.shutdown().await;
    Ok(true)
}
