//! `taabia settlement`: acquirers' settlement files.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;

use super::args::SettingsArgs;
use super::clock::SystemClock;
use super::config::Config;
use super::node::start_engine;
use super::node_topups::acquirers;
use super::serve::open_for_serving;
use super::{settings, telemetry};
use crate::acquiring::{AcquirerName, Acquirers};
use crate::domain::records::SettledSum;
use crate::domain::{LineState, Money};
use crate::engine::Engine;
use crate::ledger::Actor;
use crate::ports::settlement::ItemStatus;
use crate::services::settlement::{ItemFilter, ItemView, Settlement};
use crate::services::{Reconciliation, ServiceError, Settlements};
use crate::storage::{self, OpenOptions, Storage};

/// Items that are read at once.
const PAGE: u32 = 200;

/// Settlement files of acquirers.
#[derive(Clone, Debug, Subcommand)]
pub enum SettlementCommand {
    /// Compares a file with the top-ups and books it; the same file again changes nothing. Exit 0 when every line matches.
    Import(SettlementImportArgs),
    /// Compares the charging system's daily record with the recharges, moves those in doubt by it and books the difference. Exit 0 when every line matches.
    Record(RecordImportArgs),
    /// Lists what files and the books do not have in common, with age and owner, the oldest first. Exit 0 when there is nothing.
    Items(SettlementItemsArgs),
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

#[derive(Args, Clone, Debug)]
pub struct RecordImportArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// CSV in UTF-8 with the columns reference, msisdn, amount, time and result.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Args, Clone, Debug)]
pub struct SettlementItemsArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Only what has waited for so many days.
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    pub older_than_days: u32,
    /// Only what this client looks after, by its id.
    #[arg(long, value_name = "CLIENT")]
    pub owner: Option<String>,
    /// What is resolved, too.
    #[arg(long)]
    pub all: bool,
}

/// # Errors
/// When the store or the file cannot be read.
pub async fn settlement(command: SettlementCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        SettlementCommand::Import(args) => import(&args.settings, &args.file, Some(&args.acquirer)).await,
        SettlementCommand::Record(args) => import(&args.settings, &args.file, None).await,
        SettlementCommand::Items(args) => items(args).await,
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
        registry: storage.registry.clone(),
        acquirers,
        clock: Arc::new(SystemClock),
        currency: config.currency,
        record: config.charging_record.profile(),
    }
}

pub(super) fn reconciliation(config: &Config, storage: &Storage) -> Reconciliation {
    Reconciliation { reads: storage.store.clone(), topups: storage.topups.clone(), calendar: config.calendar() }
}

/// Whether every line of the file matches.
async fn import(args: &SettingsArgs, path: &Path, acquirer: Option<&str>) -> Result<bool, Box<dyn Error>> {
    let config = settings(args, &args.flags(&[]))?;
    telemetry::log(&config.telemetry)?;
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let acquirer: Option<AcquirerName> =
        acquirer.map(str::parse).transpose().map_err(|expected| format!("--acquirer: {expected}"))?;
    let acquirers = Arc::new(acquirers(&config)?);
    if let Some(unknown) = acquirer.as_ref().filter(|name| acquirers.get(name).is_none()) {
        return Err(format!("--acquirer: the configuration has no acquirer {unknown}").into());
    }
    let storage = open_for_serving(&config).await?;
    let engine = start_engine(&config, &storage);
    let services = settlements(&config, &storage, engine.clone(), acquirers);
    let actor = Actor::from("operator:settlement");
    let imported = match &acquirer {
        Some(acquirer) => services.import(&actor, acquirer, file).await,
        None => services.import_record(&actor, file).await,
    };
    engine.close().await;
    let (settlement, before) = imported.map_err(|error| format!("{}: {error}", path.display()))?;
    print(&settlement, before, &|minor| Money::from_minor(minor, config.currency).to_string());
    Ok(settlement.file.matched.count == settlement.file.lines)
}

/// Whether there is none.
async fn items(args: SettlementItemsArgs) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    let owner = args.owner.as_deref().map(str::parse).transpose().map_err(|expected| format!("--owner: {expected}"))?;
    let filter = ItemFilter { min_age_days: args.older_than_days, owner, ..ItemFilter::default() };
    // Nothing is written, so that a server may be at work.
    let storage = storage::open(config.database_url().expose_secret(), OpenOptions::default()).await?;
    let engine = start_engine(&config, &storage);
    let services = settlements(&config, &storage, engine.clone(), Arc::new(acquirers(&config)?));
    let money = |minor| Money::from_minor(minor, config.currency).to_string();
    let (mut count, mut line_after, mut topup_after, mut lines_ended) = (0_u64, None, None, false);
    loop {
        let (views, ended) = if lines_ended {
            let (views, last) = services.missing_there(&filter, topup_after, PAGE).await.map_err(no_answer)?;
            topup_after = last;
            (views, last.is_none())
        } else {
            let (views, more) = services.items(&filter, line_after, PAGE).await.map_err(no_answer)?;
            line_after = views.last().and_then(ItemView::place);
            lines_ended = !more;
            (views, false)
        };
        for view in views.iter().filter(|view| args.all || view.status != ItemStatus::Resolved) {
            count += 1;
            println!("{}", of_item(view, &money));
        }
        if ended {
            break;
        }
    }
    engine.close().await;
    println!("{count} items");
    Ok(count == 0)
}

fn no_answer(error: ServiceError) -> String {
    format!("no answer: {error:?}")
}

fn of_item(view: &ItemView, money: &dyn Fn(i64) -> String) -> String {
    let state = view.state.map_or("missing_there", LineState::name);
    let owner = view.record.as_ref().and_then(|record| record.owner.as_deref()).unwrap_or("nobody's");
    let reference = view.reference.as_deref().unwrap_or("-");
    format!(
        "{:<60} {state:<14} {:<12} {reference:<24} {:>16} {:>4} days {:<9} {owner}",
        view.item.id.to_string(),
        view.item.acquirer,
        money(view.gross_minor),
        view.age_days,
        view.status.name(),
    )
}

pub(super) fn print(settlement: &Settlement, before: bool, money: &dyn Fn(i64) -> String) {
    let file = &settlement.file;
    let said = if before { "was booked before" } else { "booked" };
    println!("{} of {}: {} lines, {said}", settlement.id, file.acquirer, file.lines);
    for (state, sum) in [
        ("matched", file.matched),
        ("missing here", file.missing_here),
        ("amount differs", file.amount_differs),
        ("duplicate", file.duplicate),
        ("contradicts", file.contradicts),
    ] {
        let SettledSum { count, gross_minor, fee_minor } = sum;
        println!("  {state:<16} {count:>9} {:>18} fee {:>14}", money(gross_minor), money(fee_minor));
    }
    println!("  net {}, fees {}", money(file.net_minor), money(file.fees_minor));
}
