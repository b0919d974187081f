//! `taabia allocate`: stock from the operator to its network, from a file or by a rule.
//!
//! The run is the one of the API: its lines are stored by one command, and each is an allocation of its own with a key
//! made of the run and the line's number. So it can be killed at any moment; the same command again goes on where it
//! stood, also when a running node took it over meanwhile.

mod args;
mod report;

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::clock::{SystemClock, SystemRandomness};
use super::config::Config;
use super::network::{IN_FLIGHT, Report, engine_for_many};
use super::node::allocations;
use super::person::ReasonArg;
use super::serve::open_for_serving;
use super::{settings, telemetry};
use crate::domain::{Asked, ClientId, Currency, Money, OperationId, OperationKind, PartnerId, ResellerId, Status};
use crate::engine::Engine;
use crate::jobs::{RunConfig, RunJob};
use crate::services::allocations::{MAX_LINES, Preview, Receiver, RunOrder, RunSource, RunState};
use crate::services::import::{Amounts, read_amounts};
use crate::services::recovery::heed;
use crate::services::{Allocations, Caller, Directory, ServiceError};
use crate::storage::Storage;
pub use args::{AllocateCommand, AllocateRunArgs};
use report::{Lines, progress_bar, refused};

/// Between two looks at the run, at least.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often lines that could not be written are tried again.
const ATTEMPTS: u32 = 10;

/// # Errors
/// When the store or the file cannot be read, or the run cannot begin.
pub async fn allocate(command: AllocateCommand) -> Result<bool, Box<dyn Error>> {
    match command {
        AllocateCommand::Run(args) => run(args).await,
    }
}

/// Whether everybody was stocked.
async fn run(args: AllocateRunArgs) -> Result<bool, Box<dyn Error>> {
    let config = settings(&args.settings, &args.settings.flags(&[]))?;
    telemetry::log(&config.telemetry)?;
    let storage = open_for_serving(&config).await?;
    let (source, lines, bad) = source_of(&args, &storage).await?;
    let order =
        RunOrder { external_id: args.external_id, terms: args.terms, reason: args.reason, source: source.clone() };
    let engine = engine_for_many(&config, &storage);
    heed(&*storage.store, engine.gate()).await?;
    let directory = Arc::new(Directory::new(storage.registry.clone(), storage.store.shards()));
    let desk = Desk {
        allocations: allocations(&storage, engine.clone(), directory),
        caller: caller(storage.stock.tops().await?.into()),
        config: &config,
        storage: &storage,
        engine: &engine,
    };
    let done = if bad > 0 && !args.skip_bad && !desk.is_known(&order).await? {
        println!("{bad} bad rows: nothing was allocated. Correct them, or leave them out by --skip-bad");
        Ok(false)
    } else {
        desk.carry_out(order, lines, args.dry_run, args.skip_bad).await.map(|complete| complete && bad == 0)
    };
    engine.close().await;
    done
}

/// Whoever sits at the command line: the whole network lies below.
fn caller(tops: Arc<[ResellerId]>) -> Caller {
    Caller {
        client: ClientId::COMMAND_LINE,
        partner: PartnerId::OPERATOR,
        name: ReasonArg::default().person().name().clone(),
        scopes: [].into(),
        roots: tops,
        rate_limit_per_s: None,
        address: None,
        request: None,
    }
}

/// Whom the run is for, where its lines stand in the file, and how many rows of that are bad.
async fn source_of(args: &AllocateRunArgs, storage: &Storage) -> Result<(RunSource, Lines, u64), Box<dyn Error>> {
    let amount = |name: &str, text: &Option<String>| {
        let read = text.as_deref().map(|text| Money::parse(text, storage.currency)).transpose();
        read.map(|amount| amount.map(Money::minor)).map_err(|error| format!("--{name}: {error}"))
    };
    let (each, top_up_to) = (amount("each", &args.each)?, amount("top-up-to", &args.top_up_to)?);
    if let Some(path) = &args.file {
        let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut report = Report::of("reading", file.metadata()?.len());
        let read =
            read_amounts(BufReader::with_capacity(1 << 16, file), storage.currency, each, MAX_LINES, &mut report);
        report.finish();
        let Amounts { lines, .. } = read.map_err(|error| format!("{}: {error}", path.display()))?;
        if lines.is_empty() {
            return Err(format!("{}: it has no good row", path.display()).into());
        }
        let places = Lines::of_file(lines.iter().map(|line| line.line).collect());
        let lines = lines.into_iter().map(|line| (Receiver::Code(line.code.as_str().into()), line.amount_minor));
        return Ok((RunSource::Lines(lines.collect()), places, report.refused));
    }
    let asked = match (each, top_up_to) {
        (Some(each), None) => Asked::Exactly(each),
        (None, Some(target)) => Asked::TopUpTo(target),
        _ => return Err("a rule says how much: --each or --top-up-to".into()),
    };
    let under = match &args.under {
        None => None,
        Some(text) => Some(match text.parse::<ResellerId>() {
            Ok(id) => id,
            Err(_) => {
                let found = storage.registry.reseller_by_code(text).await?;
                found.ok_or_else(|| format!("no reseller has the code {text}"))?.id
            }
        }),
    };
    let level = args.level.as_deref().unwrap_or_default().into();
    Ok((RunSource::Rule { under, level, asked }, Lines::of_rule(), 0))
}

/// What a run works with.
struct Desk<'a> {
    allocations: Allocations,
    caller: Caller,
    config: &'a Config,
    storage: &'a Storage,
    engine: &'a Arc<Engine>,
}

impl Desk<'_> {
    fn money(&self, minor: i64) -> String {
        let currency: Currency = self.storage.currency;
        format!("{} {}", Money::from_minor(minor, currency), currency.code())
    }

    /// Whether it was begun before: then it goes on as it was begun.
    async fn is_known(&self, order: &RunOrder) -> Result<bool, Box<dyn Error>> {
        Ok(self.allocations.run_by_key(&order.external_id).await.map_err(told)?.is_some())
    }

    /// Whether everybody was stocked, or would be.
    async fn carry_out(
        &self,
        order: RunOrder,
        lines: Lines,
        dry_run: bool,
        skip_bad: bool,
    ) -> Result<bool, Box<dyn Error>> {
        let known = self.is_known(&order).await?;
        if dry_run && known {
            println!("this --external-id is in use: the run goes on where it stands, and nothing is done twice");
        }
        if dry_run || !known {
            let preview = self.allocations.preview(&self.caller, order.clone()).await.map_err(told)?;
            if dry_run {
                return Ok(self.tell_dry(&preview, &lines));
            }
            if !self.may_begin(&preview, &lines, skip_bad) {
                return Ok(false);
            }
        }
        let started =
            self.allocations.start_as(ReasonArg::default().person(), &self.caller, order).await.map_err(told)?;
        let id = OperationKind::AllocationRun.render(started.operation.id);
        eprintln!("{id} {}", if started.replayed { "was begun before and goes on" } else { "is begun" });
        let ended = self.followed(started).await?;
        self.tell(&ended, &lines).await
    }

    fn tell_dry(&self, preview: &Preview, lines: &Lines) -> bool {
        for (line, reason) in &preview.refusals {
            println!("{}", refused(lines, line, reason));
        }
        let Preview { lines, totals, missing_minor, .. } = preview;
        println!(
            "{lines} lines: {} would be done with {}, {} refused; nothing was written",
            totals.done,
            self.money(totals.amount_minor),
            totals.refused
        );
        if *missing_minor > 0 {
            println!("{}", self.short_of(*missing_minor));
        }
        totals.refused == 0
    }

    /// A run does not begin without enough stock for it, nor with codes that nobody has.
    fn may_begin(&self, preview: &Preview, lines: &Lines, skip_bad: bool) -> bool {
        let unknown: Vec<_> = preview.refusals.iter().filter(|(_, reason)| *reason == "unknown_reseller").collect();
        if !skip_bad && !unknown.is_empty() {
            for (line, reason) in &unknown {
                println!("{}", refused(lines, line, reason));
            }
            println!(
                "{} bad rows: nothing was allocated. Correct them, or leave them out by --skip-bad",
                unknown.len()
            );
            return false;
        }
        if preview.missing_minor > 0 {
            println!("{}; nothing was allocated", self.short_of(preview.missing_minor));
            return false;
        }
        true
    }

    fn short_of(&self, missing_minor: i64) -> String {
        let missing = self.money(missing_minor);
        format!(
            "the operator's stock is short by {missing}: it takes an issue, proposed by one person and approved by another"
        )
    }

    /// Carries the run out, or helps a node with it, to its end.
    async fn followed(&self, mut state: RunState) -> Result<RunState, Box<dyn Error>> {
        let id = state.operation.id;
        let bar = progress_bar(state.operation.run().map_or(0, |run| run.lines));
        let mut attempts = 0;
        while state.operation.status == Status::Running {
            let (_keep, stop) = watch::channel(false);
            let (job, looking) = (self.job(), self.look(id, &bar));
            tokio::select! {
                done = job.carry_out(id, &stop) => done?,
                never = looking => match never {},
            }
            state = self.allocations.run(id).await.map_err(told)?;
            attempts += 1;
            if state.operation.status == Status::Running {
                if attempts == ATTEMPTS {
                    return Err("some lines could not be written: see the log, and start the same command again".into());
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        bar.finish_and_clear();
        Ok(state)
    }

    async fn look(&self, id: OperationId, bar: &indicatif::ProgressBar) -> std::convert::Infallible {
        let mut pause = LOOK_EVERY;
        loop {
            tokio::time::sleep(pause).await;
            let asked = tokio::time::Instant::now();
            if let Ok(state) = self.allocations.run(id).await {
                // Looking must not cost what it looks at: a look sums up what was done so far.
                pause = LOOK_EVERY.max(asked.elapsed() * 20);
                bar.set_position((state.totals.done + state.totals.refused).unsigned_abs());
            }
        }
    }

    fn job(&self) -> RunJob {
        RunJob {
            ledger: self.engine.clone(),
            reads: self.storage.store.clone(),
            stock: self.storage.stock.clone(),
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            own: self.allocations.own.clone(),
            shards: self.storage.store.shards(),
            config: RunConfig {
                poll_interval_ms: self.config.allocation.poll_interval_ms,
                take_over_after_ms: self.config.allocation.take_over_after_ms,
                in_flight: IN_FLIGHT,
            },
        }
    }

    /// What became of it: each refused line, then the totals beside the sum of what the lines were given.
    async fn tell(&self, ended: &RunState, lines: &Lines) -> Result<bool, Box<dyn Error>> {
        let id = ended.operation.id;
        let (mut after, mut given, mut reasons) = (0, 0_i64, HashMap::new());
        loop {
            let (page, next, _) = self.allocations.run_lines(id, after, 5_000).await.map_err(told)?;
            for state in &page {
                let reason = match (&state.allocation, state.line.reseller) {
                    (Some(outcome), _) => match outcome.decline {
                        None => {
                            given += outcome.amount_minor;
                            continue;
                        }
                        Some(decline) => decline.code(),
                    },
                    (None, None) => "unknown_reseller",
                    (None, Some(_)) => "not_carried_out",
                };
                *reasons.entry(reason).or_insert(0_u64) += 1;
                println!("{}", refused(lines, &state.line, reason));
            }
            let Some(next) = next else { break };
            after = next;
        }
        let totals = ended.totals;
        if given != totals.amount_minor {
            return Err(format!(
                "the lines come to {}, the run to {}",
                self.money(given),
                self.money(totals.amount_minor)
            )
            .into());
        }
        let all = ended.operation.run().map_or(0, |run| run.lines);
        let id = OperationKind::AllocationRun.render(id);
        println!("{id}: {all} lines: {} done with {}, {} refused", totals.done, self.money(given), totals.refused);
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_unstable();
        for (reason, count) in reasons {
            println!("  {count} {reason}");
        }
        Ok(totals.refused == 0)
    }
}

/// In words, for whoever sits at the command line.
fn told(error: ServiceError) -> String {
    match error {
        ServiceError::ExternalIdReused { field: "lines" } => {
            "this --external-id is that of another run, with other lines, terms or reason: nothing was allocated".into()
        }
        ServiceError::ExternalIdReused { .. } => "this --external-id is that of another operation".into(),
        ServiceError::NotFound => "the reseller is unknown".into(),
        ServiceError::TooManyLines => format!("more than {MAX_LINES} resellers: take them in several runs"),
        ServiceError::Overloaded { .. } | ServiceError::Unavailable { .. } => {
            "the store cannot be reached; the same command again goes on where it stood".into()
        }
        ServiceError::Recovering { .. } => {
            "stock does not move until the restored books agree: see `taabia recover status`".into()
        }
        other => format!("{other:?}"),
    }
}
