//! `taabia settlement`: acquirers' settlement files.

use std::error::Error;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::args::SettingsArgs;
use super::clock::SystemClock;
use super::config::Config;
use super::node::start_engine;
use super::node_topups::acquirers;
use super::serve::open_for_serving;
use super::{settings, telemetry};
use crate::acquiring::Acquirers;
use crate::domain::Money;
use crate::domain::records::SettledSum;
use crate::engine::Engine;
use crate::ledger::Actor;
use crate::services::settlement::Settlement;
use crate::services::{Reconciliation, Settlements};
use crate::storage::Storage;

/// Settlement files of acquirers.
#[derive(Clone, Debug, Subcommand)]
pub enum SettlementCommand {
    /// Compares a file with the top-ups and books it; the same file again changes nothing. Exit 0 when every line matches.
    Import(SettlementImportArgs),
}

#[derive(Args, Clone, Debug)]
pub struct SettlementImportArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Whose file it is: a name of the configuration, which says how the file is written.
    #[arg(long, value_name = "NAME")]
    pub acquirer: String,
    /// CSV in UTF-8 with a heading.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// # Errors
/// When the store or the file cannot be read.
pub async fn settlement(command: SettlementCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        SettlementCommand::Import(args) => import(args).await,
    }
}

pub(super) fn settlements(
    config: &Config,
    storage: &Storage,
    ledger: Arc<Engine>,
    acquirers: Arc<Acquirers>,
) -> Settlements {
    Settlements {
        ledger,
        reads: storage.store.clone(),
        settlement: storage.settlement.clone(),
        acquirers,
        clock: Arc::new(SystemClock),
        currency: config.currency,
    }
}

pub(super) fn reconciliation(config: &Config, storage: &Storage) -> Reconciliation {
    Reconciliation { reads: storage.store.clone(), topups: storage.topups.clone(), calendar: config.calendar() }
}

/// Whether every line of the file matches.
async fn import(args: SettlementImportArgs) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    telemetry::log(&config.telemetry)?;
    let file = File::open(&args.file).map_err(|error| format!("{}: {error}", args.file.display()))?;
    let acquirer = args.acquirer.parse().map_err(|expected| format!("--acquirer: {expected}"))?;
    let acquirers = Arc::new(acquirers(&config)?);
    if acquirers.get(&acquirer).is_none() {
        return Err(format!("--acquirer: the configuration has no acquirer {acquirer}").into());
    }
    let storage = open_for_serving(&config).await?;
    let engine = start_engine(&config, &storage);
    let services = settlements(&config, &storage, engine.clone(), acquirers);
    let imported = services.import(&Actor::from("operator:settlement"), &acquirer, file).await;
    engine.close().await;
    let (settlement, before) = imported.map_err(|error| format!("{}: {error}", args.file.display()))?;
    print(&settlement, before, &|minor| Money::from_minor(minor, config.currency).to_string());
    Ok(settlement.file.matched.count == settlement.file.lines)
}

fn print(settlement: &Settlement, before: bool, money: &dyn Fn(i64) -> String) {
    let file = &settlement.file;
    let said = if before { "was booked before" } else { "booked" };
    println!("{} of {}: {} lines, {said}", settlement.id, file.acquirer, file.lines);
    for (state, sum) in [
        ("matched", file.matched),
        ("missing here", file.missing_here),
        ("amount differs", file.amount_differs),
        ("duplicate", file.duplicate),
    ] {
        let SettledSum { count, gross_minor, fee_minor } = sum;
        println!("  {state:<16} {count:>9} {:>18} fee {:>14}", money(gross_minor), money(fee_minor));
    }
    println!("  net {}, fees {}", money(file.net_minor), money(file.fees_minor));
}
