//! Configuration, telemetry and wiring: the only place that chooses adapters, reads the environment, and
//! knows the real clock and the real randomness. One file per command.

pub mod acquirers;
pub mod allocate;
pub mod args;
pub mod catalogue;
pub mod client;
pub mod clock;
pub mod close_day;
pub mod config;
pub mod demo;
mod demo_clients;
mod demo_stock;
pub mod export;
pub mod load;
pub mod migrate;
pub mod network;
pub mod node;
mod node_care;
mod node_jobs;
mod node_reversals;
mod node_topups;
mod node_webhooks;
pub mod openapi;
pub mod partner;
pub mod person;
mod recover;
pub mod serve;
mod settlement;
pub mod signing_key;
pub mod simulate;
pub mod statements;
pub mod telemetry;
pub mod verify;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command, SettingsArgs};
use config::{Config, ConfigError, Flag};

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(carry_out(arguments.command)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("taabia: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the command found everything right.
async fn carry_out(command: Command) -> Result<bool, Box<dyn Error>> {
    match command {
        Command::Demo(args) => demo::demo(args).await,
        Command::Serve(args) => serve::serve(args).await,
        Command::Migrate(args) => migrate::migrate(args).await,
        Command::Verify(args) => verify::verify(args).await,
        Command::CloseDay(args) => close_day::close_day(args).await,
        Command::Export(command) => export::export(command).await,
        Command::Statements(command) => statements::statements(command).await,
        Command::Openapi(args) => openapi::openapi(args).await,
        Command::Client(command) => client::client(command).await,
        Command::Network(command) => network::network(command).await,
        Command::Allocate(command) => allocate::allocate(command).await,
        Command::Settlement(command) => settlement::settlement(command).await,
        Command::Recover(command) => recover::recover(command).await,
        Command::Partner(command) => partner::partner(command).await,
        Command::Catalogue(command) => catalogue::catalogue(command).await,
        Command::SigningKey(command) => signing_key::signing_key(command),
        Command::Simulate(command) => simulate::simulate(command).await,
        Command::Load(args) => Ok(load::load(args).await?),
    }
}

/// The settings of a command: file, environment and flags.
fn settings(args: &SettingsArgs, flags: &[Flag]) -> Result<Config, ConfigError> {
    let loaded = config::load(args.config.as_deref(), &config::environment(), flags)?;
    for variable in &loaded.unknown_variables {
        eprintln!("taabia: the variable {variable} of the environment is no setting and is ignored");
    }
    Ok(loaded.config)
}
