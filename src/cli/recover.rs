//! `taabia recover`: after a restore from a backup, sales are refused until the books agree with the outside.

use std::error::Error;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::args::SettingsArgs;
use super::config::Config;
use super::node::start_engine;
use super::node_topups::acquirers;
use super::person::ReasonArg;
use super::serve::open_for_serving;
use super::settlement::{print, settlements};
use super::{settings, telemetry};
use crate::acquiring::AcquirerName;
use crate::domain::records::{Outstanding, Recovery};
use crate::domain::{Money, Timestamp};
use crate::engine::Engine;
use crate::ledger::Actor;
use crate::reports::verify::{Options, VerifyError, verify};
use crate::services::recovery::{Recoveries, RecoveryError};
use crate::storage::Storage;

/// After a restore from a backup.
#[derive(Clone, Debug, Subcommand)]
pub enum RecoverCommand {
    /// Refuses sales from now on, on every node and after every restart. To be called before the restored store is served.
    Begin(RecoverBeginArgs),
    /// Imports the records of the outside: what they prove moves what was under way, what they have beyond our books waits for two persons.
    Import(RecoverImportArgs),
    /// What is still to be done. Exit 0 when the books agree.
    Status(RecoverStatusArgs),
    /// Lets sales through again; refuses until the books agree and verify.
    Finish(RecoverFinishArgs),
}

#[derive(Args, Clone, Debug)]
pub struct RecoverBeginArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    #[command(flatten)]
    pub why: ReasonArg,
}

#[derive(Args, Clone, Debug)]
pub struct RecoverImportArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The charging system's record of a day, as `taabia settlement record` takes it. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub record: Vec<PathBuf>,
    /// A settlement file of an acquirer, as `taabia settlement import` takes it. May be given several times.
    #[arg(long, value_name = "NAME=FILE")]
    pub acquirer: Vec<String>,
}

#[derive(Args, Clone, Debug)]
pub struct RecoverStatusArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// A source that brings nothing: `charging`, or an acquirer's name. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub without: Vec<String>,
}

#[derive(Args, Clone, Debug)]
pub struct RecoverFinishArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    #[command(flatten)]
    pub why: ReasonArg,
    /// A source that brings nothing: `charging`, or an acquirer's name. May be given several times; the audit shows it.
    #[arg(long, value_name = "NAME")]
    pub without: Vec<String>,
}

/// # Errors
/// When the store or a file cannot be read, or a recovery cannot begin.
pub async fn recover(command: RecoverCommand) -> Result<bool, Box<dyn Error>> {
    let (RecoverCommand::Begin(RecoverBeginArgs { settings: args, .. })
    | RecoverCommand::Import(RecoverImportArgs { settings: args, .. })
    | RecoverCommand::Status(RecoverStatusArgs { settings: args, .. })
    | RecoverCommand::Finish(RecoverFinishArgs { settings: args, .. })) = &command;
    let config = settings(args, &args.flags(&[]))?;
    telemetry::log(&config.telemetry)?;
    let desk = Desk::open(config).await?;
    let done = match command {
        RecoverCommand::Begin(args) => desk.begin(args.why.person()).await,
        RecoverCommand::Import(args) => desk.import(&args).await,
        RecoverCommand::Status(args) => desk.status(&sources(args.without)).await,
        RecoverCommand::Finish(args) => desk.finish(args.why.person(), &sources(args.without)).await,
    };
    desk.engine.close().await;
    done
}

fn sources(named: Vec<String>) -> Vec<Box<str>> {
    named.into_iter().map(|name| if name == "charging" { CHARGING.into() } else { name.into() }).collect()
}

const CHARGING: &str = crate::domain::settlement::CHARGING_SYSTEM;

/// The store and what is done with it.
struct Desk {
    config: Config,
    storage: Storage,
    engine: Arc<Engine>,
    recoveries: Recoveries,
}

impl Desk {
    async fn open(config: Config) -> Result<Self, Box<dyn Error>> {
        let storage = open_for_serving(&config).await?;
        let engine = start_engine(&config, &storage);
        let settlements = Arc::new(settlements(&config, &storage, engine.clone(), Arc::new(acquirers(&config)?)));
        let recoveries = Recoveries {
            settlements,
            topups: storage.topups.clone(),
            audit: storage.audit.clone(),
            calendar: config.calendar(),
        };
        Ok(Self { config, storage, engine, recoveries })
    }

    async fn begin(&self, actor: Actor) -> Result<bool, Box<dyn Error>> {
        let (recovery, before) = self.recoveries.begin(actor).await.map_err(told)?;
        let since = Timestamp::from_unix_ms(recovery.begun_at_ms);
        println!("sales are refused {}since {since}", if before { "already, " } else { "" });
        println!("the books end at {}", Timestamp::from_unix_ms(recovery.restored_to_ms));
        Ok(true)
    }

    /// Whether every line of every file matches.
    async fn import(&self, args: &RecoverImportArgs) -> Result<bool, Box<dyn Error>> {
        let mut files: Vec<(Option<AcquirerName>, PathBuf)> =
            args.record.iter().map(|path| (None, path.clone())).collect();
        for named in &args.acquirer {
            let (name, path) = named.split_once('=').ok_or("--acquirer: expected NAME=FILE")?;
            let name = name.parse().map_err(|expected| format!("--acquirer: {expected}"))?;
            if self.recoveries.settlements.acquirers.get(&name).is_none() {
                return Err(format!("--acquirer: the configuration has no acquirer {name}").into());
            }
            files.push((Some(name), path.into()));
        }
        if files.is_empty() {
            return Err("nothing to import: expected --record or --acquirer".into());
        }
        // All must be there before the first is booked.
        let opened = |(name, path): (Option<AcquirerName>, PathBuf)| match File::open(&path) {
            Ok(file) => Ok((name, path, file)),
            Err(error) => Err(format!("{}: {error}", path.display())),
        };
        let files: Vec<_> = files.into_iter().map(opened).collect::<Result<_, _>>()?;
        let (actor, mut matches) = (Actor::from("operator:recovery"), true);
        for (acquirer, path, file) in files {
            let imported = match &acquirer {
                Some(acquirer) => self.recoveries.settlements.import(&actor, acquirer, file).await,
                None => self.recoveries.settlements.import_record(&actor, file).await,
            };
            let (settlement, before) = imported.map_err(|error| format!("{}: {error}", path.display()))?;
            print(&settlement, before, &|minor| Money::from_minor(minor, self.config.currency).to_string());
            matches &= settlement.file.matched.count == settlement.file.lines;
        }
        Ok(matches)
    }

    async fn status(&self, without: &[Box<str>]) -> Result<bool, Box<dyn Error>> {
        let (recovery, found) = self.recoveries.outstanding(without).await.map_err(told)?;
        let Recovery { begun_at_ms, restored_to_ms, .. } = recovery;
        println!("sales are refused since {}", Timestamp::from_unix_ms(begun_at_ms));
        println!("the books end at {}", Timestamp::from_unix_ms(restored_to_ms));
        list(&found);
        Ok(found.is_empty())
    }

    async fn finish(&self, actor: Actor, without: &[Box<str>]) -> Result<bool, Box<dyn Error>> {
        let options = Options { calendar: self.config.calendar(), ..Options::default() };
        match verify(&*self.storage.audit, &options, &mut |_| {}).await {
            Ok(_) => {}
            Err(VerifyError::Offending(finding)) => {
                println!("sales stay refused: the books are NOT right: {finding}");
                return Ok(false);
            }
            Err(VerifyError::Store(error)) => return Err(error.into()),
        }
        match self.recoveries.finish(actor, without).await {
            Ok(_) => {
                println!("the books agree and verify: sales are let through");
                Ok(true)
            }
            Err(RecoveryError::Outstanding(found)) => {
                println!("sales stay refused");
                list(&found);
                Ok(false)
            }
            Err(error) => Err(told(error).into()),
        }
    }
}

fn list(found: &[Outstanding]) {
    if found.is_empty() {
        println!("nothing is outstanding: `taabia recover finish` lets sales through");
    }
    for outstanding in found {
        println!("  {outstanding}");
    }
}

fn told(error: RecoveryError) -> String {
    match error {
        RecoveryError::NotBegun => "no recovery is under way: sales are not refused".into(),
        RecoveryError::UnknownSource(name) => {
            format!("--without: expected `charging` or an acquirer of the configuration, not {name}")
        }
        RecoveryError::Outstanding(found) => format!("{found:?}"),
        RecoveryError::Service(error) => format!("no answer: {error:?}"),
    }
}
