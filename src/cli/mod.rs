//! Configuration, telemetry and wiring: the only place that chooses adapters, reads the environment, and
//! knows the real clock and the real randomness. One file per command.

pub mod args;
pub mod clock;
pub mod config;
pub mod load;
pub mod telemetry;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command};

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
        Command::Load(args) => Ok(load::load(args).await?),
    }
}
