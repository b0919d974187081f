//! `taabia network`: the commercial network from files.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::SettingsArgs;
use super::clock::{SystemClock, SystemRandomness};
use super::config::Config;
use super::node;
use super::person::ReasonArg;
use super::serve::open_for_serving;
use super::{settings, telemetry};
use crate::engine::{Engine, EngineConfig};
use crate::ledger::Actor;
use crate::services::import::{Importer, Listener, Progress, Refused, Summary};
use crate::storage::Storage;

/// Commands of an import that are under way at once, and of one transaction at most.
pub(super) const IN_FLIGHT: usize = 2_048;
const MAX_BATCH: usize = 1_024;

/// The commercial network.
#[derive(Clone, Debug, Subcommand)]
pub enum NetworkCommand {
    /// Opens the resellers of a CSV file; again changes nothing. Exit 0 when every row is in the network, else the refused rows are named.
    Import(NetworkImportArgs),
}

#[derive(Args, Clone, Debug)]
pub struct NetworkImportArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    #[command(flatten)]
    pub why: ReasonArg,
    /// CSV in UTF-8 with a heading: `code,name,level,parent_code`, and if wanted `credit_limit,per_operation,per_day_count,per_day_amount`.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// # Errors
/// When the store or the file cannot be read.
pub async fn network(command: NetworkCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        NetworkCommand::Import(args) => import(args).await,
    }
}

/// Whether every row of the file is in the network now.
async fn import(args: NetworkImportArgs) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    telemetry::log(&config.telemetry)?;
    let storage = open_for_serving(&config).await?;
    let file = File::open(&args.file).map_err(|error| format!("{}: {error}", args.file.display()))?;
    let mut report = Report::of("importing", file.metadata()?.len());
    let done =
        import_from(&config, &storage, BufReader::with_capacity(1 << 16, file), args.why.person(), &mut report).await;
    report.finish();
    let Summary { rows, opened, unchanged, refused } = done?;
    println!("{rows} rows: {opened} opened, {unchanged} unchanged, {refused} refused");
    Ok(refused == 0)
}

/// Imports through an engine of its own, which is ended in order.
///
/// # Errors
/// When the import ended early.
pub async fn import_from(
    config: &Config,
    storage: &Storage,
    input: impl std::io::BufRead,
    actor: Actor,
    listener: &mut dyn Listener,
) -> Result<Summary, Box<dyn Error>> {
    let engine = engine_for_many(config, storage);
    let importer = Importer {
        ledger: engine.clone(),
        reads: storage.network.clone(),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        levels: config.network.levels.clone(),
        currency: storage.currency,
        actor,
        in_flight: IN_FLIGHT,
    };
    let done = importer.import(input, listener).await;
    engine.close().await;
    Ok(done?)
}

/// An engine for a file's worth of commands: large batches, and nobody who waits for an answer beside them.
pub(super) fn engine_for_many(config: &Config, storage: &Storage) -> Arc<Engine> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let engine = EngineConfig {
        posters: config.engine.posters(cores, storage.store.shards()),
        max_batch: MAX_BATCH,
        queue_capacity: 2 * IN_FLIGHT,
        queue_deadline_ms: 60_000,
        // Nobody who is opened or stocked is asked for again.
        cached_rows: 1_000,
        own_threads: true,
    };
    Engine::start(storage.store.clone(), Arc::new(SystemClock), Arc::new(node::rules(config)), &engine)
}

/// Refused rows go to standard output, progress to standard error.
pub(super) struct Report {
    bar: ProgressBar,
    /// Bad rows so far.
    pub refused: u64,
}

impl Report {
    /// About a file of so many bytes.
    pub fn of(what: &str, bytes: u64) -> Self {
        let style = ProgressStyle::with_template("{prefix} {bar:40} {bytes}/{total_bytes}, {msg}, {eta} left");
        let style = style.expect("the template is well formed");
        Self { bar: ProgressBar::new(bytes).with_style(style).with_prefix(what.to_owned()), refused: 0 }
    }

    /// At the end of the file.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Listener for Report {
    fn progress(&mut self, progress: Progress) {
        self.bar.set_position(progress.bytes);
        self.bar.set_message(format!("{} rows", progress.rows));
    }

    fn refused(&mut self, refused: &Refused) {
        self.refused += 1;
        let Refused { line, column, reason } = refused;
        let place = if column.is_empty() { format!("line {line}") } else { format!("line {line}, column {column}") };
        self.bar.suspend(|| println!("{place}: {reason}"));
    }
}
