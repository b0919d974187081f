//! The figures of `scripts/bench`, one subcommand each. Every figure is printed as a line of name, tab and
//! number; `table` makes the table of all lines.
//!
//! `cargo bench --bench engine` alone measures nothing: the figures need a cluster, and `scripts/bench` makes one.

mod support;

use std::error::Error;
use std::process::ExitCode;

use support::arguments::Arguments;
use support::{ceiling, engine, hot_account, http, network, reads, runs, settlement, statements, table, topups};

/// The program's, so that the figures are those of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::of_this_process();
    let Some(command) = arguments.command() else {
        eprintln!("nothing is measured without a command: run scripts/bench");
        return ExitCode::SUCCESS;
    };
    match measure(command, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{command}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(command: &str, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            "engine" => engine::postgres(arguments).await,
            "engine-rules" => engine::with_rules(arguments).await,
            "naive" => engine::naive(arguments).await,
            "sqlite" => engine::sqlite(arguments).await,
            "hot-account" => hot_account::measure(arguments).await,
            "http" => http::measure(arguments).await,
            "http-ceiling" => ceiling::measure(arguments).await,
            "network" => network::measure(arguments).await,
            "reads" => reads::measure(arguments).await,
            "runs" => runs::measure(arguments).await,
            "settlement" => settlement::measure(arguments).await,
            "statements" => statements::measure(arguments).await,
            "topups" => topups::measure(arguments).await,
            "table" => table::print(arguments),
            _ => Err("there is no such figure".into()),
        }
    })
}
