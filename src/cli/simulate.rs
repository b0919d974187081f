//! `taabia simulate`: stand-ins for the outside world as processes of their own.

use std::error::Error;
use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::args::{SimulateAcquirerArgs, SimulateChargingArgs, SimulateCommand, SimulateNetworkArgs};
use super::clock::SystemClock;
use crate::simulator::acquirer;
use crate::simulator::charging::{Config, Server};
use crate::simulator::network_file::NetworkFile;

/// # Errors
/// When the simulator cannot start.
pub async fn simulate(command: SimulateCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        SimulateCommand::Charging(args) => charging(args).await,
        SimulateCommand::Acquirer(args) => acquirer(args).await,
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
    let config = Config {
        data_dir: Some(args.data_dir),
        deduplicate: args.deduplicate,
        basic: args.basic,
        listener: args.listener,
        ..Config::default()
    };
    let server = Server::start(config, listener).await?;
    println!("ready http://{}", server.addr());
    until_told().await?;
    server.shutdown().await;
    Ok(true)
}

async fn acquirer(args: SimulateAcquirerArgs) -> Result<bool, Box<dyn Error>> {
    let listener = TcpListener::bind(args.listen).await.map_err(|error| format!("{}: {error}", args.listen))?;
    let notify = args.notify.zip(args.notification_secret).map(|(url, secret)| acquirer::Notify { url, secret });
    let config = acquirer::Config {
        data_dir: Some(args.data_dir),
        key: args.key.unwrap_or_default(),
        public_url: args.public_url,
        notify,
        ..acquirer::Config::new(Arc::new(SystemClock))
    };
    let server = acquirer::Server::start(config, listener).await?;
    println!("ready http://{}", server.addr());
    until_told().await?;
    server.shutdown().await;
    Ok(true)
}

async fn until_told() -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
