//! `taabia simulate`: stand-ins for the outside world as processes of their own.

use std::error::Error;
use std::io::{BufWriter, Write as _};

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::args::{SimulateChargingArgs, SimulateCommand, SimulateNetworkArgs};
use crate::simulator::charging::{Config, Server};
use crate::simulator::network_file::NetworkFile;

/// # Errors
/// When the simulator cannot start.
pub async fn simulate(command: SimulateCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        SimulateCommand::Charging(args) => charging(args).await,
        SimulateCommand::Network(args) => network(&args),
    }
}

fn network(args: &SimulateNetworkArgs) -> Result<bool, Box<dyn Error>> {
    let SimulateNetworkArgs { outlets, distributors, seed } = *args;
    let mut out = BufWriter::new(std::io::stdout().lock());
    NetworkFile { outlets, distributors, seed }.write(&mut out)?;
    out.flush()?;
    Ok(true)
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
