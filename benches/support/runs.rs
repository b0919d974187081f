//! How fast one run stocks a whole network, alone and with recharges beside it, through one engine as a node has it.

use std::io::Cursor;
use std::sync::Arc;

use taabia::cli::clock::{SystemClock, SystemRandomness};
use taabia::cli::config::Config;
use taabia::cli::network::import_from;
use taabia::cli::node::start_engine;
use taabia::domain::{ClientId, PartnerId, ResellerId, Status, Terms};
use taabia::engine::Engine;
use taabia::jobs::{RunConfig, RunJob};
use taabia::services::allocations::{OwnRuns, Receiver, RunOrder, RunSource};
use taabia::services::{Allocations, Caller, Directory};
use taabia::simulator::network::{NetworkPlan, Seeder};
use taabia::simulator::network_file::NetworkFile;
use taabia::storage::Storage;
use tokio::sync::watch;
use tokio::time::Instant;

use super::arguments::Arguments;
use super::load::Load;
use super::network::Nobody;
use super::{Result, installation, peak_memory_mb, report};

const DATABASE: &str = "bench_runs";
/// Of a line, in minor units.
const EACH_MINOR: i64 = 50_000;
/// Recharges at once beside the run.
const BESIDE: usize = 256;

pub async fn measure(arguments: &Arguments) -> Result<()> {
    let url = installation::postgres_database(arguments.postgres()?, DATABASE).await?;
    let config = installation::config(&[])?;
    let storage = installation::install(&url, config.shards, &config).await?;
    let lines: u32 = arguments.number("lines")?;
    let receivers = network(&config, &storage, lines).await?;
    let engine = start_engine(&config, &storage);
    let outlets = seed(&storage, &engine, 2 * i64::from(lines) * EACH_MINOR).await?;
    let desk = Desk { storage: &storage, engine: engine.clone(), config: &config, receivers };

    let alone = desk.lines_per_s("alone").await?;
    report("run_alone.per_s", alone);

    let load = Load::start(engine.clone(), storage.store.shards(), outlets, BESIDE);
    tokio::time::sleep(arguments.duration()? / 4).await;
    let (begun, before) = (Instant::now(), load.completed());
    let beside = desk.lines_per_s("beside").await?;
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer recharges than 2^52")]
    let recharges = (load.completed() - before) as f64 / begun.elapsed().as_secs_f64();
    load.end().await?;
    report("run_beside.per_s", beside);
    report("run_recharges.per_s", recharges);
    report("runs.memory_mb", peak_memory_mb("self")?);
    engine.close().await;
    drop(storage);
    installation::drop_postgres_database(arguments.postgres()?, DATABASE).await
}

/// Opens so many outlets from CSV; gives their codes.
async fn network(config: &Config, storage: &Storage, outlets: u32) -> Result<Vec<Receiver>> {
    let mut text = Vec::new();
    NetworkFile { outlets, distributors: 12, seed: 1 }.write(&mut text)?;
    import_from(config, storage, Cursor::new(&text), "operator:bench".into(), &mut Nobody).await?;
    let text = String::from_utf8(text)?;
    let codes = text.lines().skip(1).filter(|line| line.contains(",outlet,"));
    Ok(codes.filter_map(|line| Some(Receiver::Code(line.split(',').next()?.into()))).collect())
}

/// The outlets that sell, and stock for the runs: a network whose plan issues more than it hands out.
async fn seed(storage: &Storage, engine: &Arc<Engine>, more_minor: i64) -> Result<Vec<ResellerId>> {
    let plan = NetworkPlan::demo(storage.currency.exponent());
    let seeder = Seeder {
        ledger: engine.clone(),
        registry: storage.registry.clone(),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        shards: storage.store.shards(),
    };
    seeder.issue_more(more_minor).await?;
    installation::seed(&plan, engine.clone(), storage.registry.clone(), &*storage.store).await
}

/// Where runs are started and carried out.
struct Desk<'a> {
    storage: &'a Storage,
    engine: Arc<Engine>,
    config: &'a Config,
    receivers: Vec<Receiver>,
}

impl Desk<'_> {
    /// One run over all receivers, from its request to its end.
    #[expect(clippy::cast_precision_loss, reason = "far fewer lines than 2^52")]
    async fn lines_per_s(&self, name: &str) -> Result<f64> {
        let allocations = self.allocations();
        let order = RunOrder {
            external_id: format!("run-{name}").parse()?,
            terms: Terms::Consignment,
            reason: "opening stock".parse()?,
            source: RunSource::Lines(self.receivers.iter().map(|to| (to.clone(), EACH_MINOR)).collect()),
        };
        let caller = Caller {
            client: ClientId::COMMAND_LINE,
            partner: PartnerId::OPERATOR,
            name: "bench".into(),
            scopes: [].into(),
            roots: self.storage.stock.tops().await?.into(),
            rate_limit_per_s: None,
            address: None,
            request: None,
        };
        let begun = Instant::now();
        let started = allocations.start(&caller, order).await.map_err(|error| format!("{error:?}"))?;
        let started_s = begun.elapsed().as_secs_f64();
        let (_keep, stop) = watch::channel(false);
        self.job(allocations.own.clone()).carry_out(started.operation.id, &stop).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let ended = allocations.run(started.operation.id).await.map_err(|error| format!("{error:?}"))?;
        eprintln!("run {name}: {} lines in {seconds:.1} s, begun after {started_s:.1} s", self.receivers.len());
        if ended.operation.status != Status::Completed {
            return Err(format!("{} lines were refused", ended.totals.refused).into());
        }
        Ok(self.receivers.len() as f64 / seconds)
    }

    fn allocations(&self) -> Allocations {
        Allocations {
            ledger: self.engine.clone(),
            reads: self.storage.store.clone(),
            stock: self.storage.stock.clone(),
            registry: self.storage.registry.clone(),
            directory: Arc::new(Directory::new(self.storage.registry.clone(), self.storage.store.shards())),
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            own: Arc::new(OwnRuns::default()),
        }
    }

    fn job(&self, own: Arc<OwnRuns>) -> RunJob {
        RunJob {
            ledger: self.engine.clone(),
            reads: self.storage.store.clone(),
            stock: self.storage.stock.clone(),
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            own,
            shards: self.storage.store.shards(),
            config: RunConfig {
                poll_interval_ms: self.config.allocation.poll_interval_ms,
                take_over_after_ms: self.config.allocation.take_over_after_ms,
                in_flight: self.config.allocation.in_flight,
            },
        }
    }
}
