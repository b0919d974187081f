//! Throughput of the engine on each database, and of the same work in one transaction per step.

use std::sync::Arc;

use taabia::cli::clock::SystemClock;
use taabia::cli::node::start_engine;
use taabia::engine::{Engine, EngineConfig};
use taabia::simulator::network::NetworkPlan;
use taabia::storage::Storage;

use super::arguments::Arguments;
use super::load::{self, Load};
use super::{Result, installation};

/// Recharges in flight where many are.
pub const MANY: usize = 2_048;
/// Connections of the naive way: as many as pgbench has.
const CONNECTIONS: usize = 16;

/// The engine as `taabia serve` starts it.
pub async fn postgres(arguments: &Arguments) -> Result<()> {
    let url = installation::postgres_database(arguments.postgres()?, "bench_engine").await?;
    let config = installation::config(&[])?;
    let storage = installation::install(&url, config.shards, &config).await?;
    let engine = start_engine(&config, &storage);
    measure("engine_postgres", &storage, engine, MANY, arguments).await?;
    installation::drop_postgres_database(arguments.postgres()?, "bench_engine").await
}

/// The same with a limit on every outlet, and the rules of the sample catalogue: three resellers earn by each recharge.
pub async fn with_rules(arguments: &Arguments) -> Result<()> {
    let url = installation::postgres_database(arguments.postgres()?, "bench_rules").await?;
    let config = installation::config(&[])?;
    let storage = installation::install(&url, config.shards, &config).await?;
    let engine = start_engine(&config, &storage);
    let plan = NetworkPlan::demo(storage.currency.exponent());
    let outlets = installation::seed(&plan, engine.clone(), storage.registry.clone(), &*storage.store).await?;
    installation::limit(&*engine, &outlets).await?;
    installation::import_sample(&*engine, &*storage.store, &config).await?;
    let load = Load::start(engine.clone(), storage.store.shards(), outlets, MANY);
    load::measure("rules_postgres", load, arguments.duration()?).await?;
    engine.close().await;
    installation::drop_postgres_database(arguments.postgres()?, "bench_rules").await
}

/// One transaction per step and nothing kept in memory between two: what a service without batches does on
/// the same schema, for the same checks. So many shards that their locks stand in nobody's way.
pub async fn naive(arguments: &Arguments) -> Result<()> {
    let url = installation::postgres_database(arguments.postgres()?, "bench_naive").await?;
    let config = installation::config(&[])?;
    let storage = installation::install(&url, 64, &config).await?;
    let engine = one_by_one(&storage, CONNECTIONS)?;
    measure("naive_postgres", &storage, engine, CONNECTIONS, arguments).await?;
    installation::drop_postgres_database(arguments.postgres()?, "bench_naive").await
}

/// Many in flight, and one after the other with a transaction for each step.
pub async fn sqlite(arguments: &Arguments) -> Result<()> {
    let config = installation::config(&[])?;
    let folder = arguments.folder()?;
    let single = installation::install(&installation::sqlite_file(&folder, "single")?, config.shards, &config).await?;
    let engine = one_by_one(&single, 1)?;
    measure("single_sqlite", &single, engine, 1, arguments).await?;
    let many = installation::install(&installation::sqlite_file(&folder, "many")?, config.shards, &config).await?;
    let engine = start_engine(&config, &many);
    measure("engine_sqlite", &many, engine, MANY, arguments).await
}

fn one_by_one(storage: &Storage, posters: usize) -> Result<Arc<Engine>> {
    let rules = installation::rules(&installation::config(&[])?);
    let config = EngineConfig { posters, max_batch: 1, cached_rows: 0, ..EngineConfig::default() };
    Ok(Engine::start(storage.store.clone(), Arc::new(SystemClock), rules, &config))
}

async fn measure(
    name: &str,
    storage: &Storage,
    engine: Arc<Engine>,
    in_flight: usize,
    arguments: &Arguments,
) -> Result<()> {
    let plan = NetworkPlan::demo(storage.currency.exponent());
    let outlets = installation::seed(&plan, engine.clone(), storage.registry.clone(), &*storage.store).await?;
    let load = Load::start(engine.clone(), storage.store.shards(), outlets, in_flight);
    load::measure(name, load, arguments.duration()?).await?;
    engine.close().await;
    Ok(())
}
