//! Fresh installations, each in a database of its own, with the network of the demonstration.

use std::path::Path;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use taabia::cli::clock::{SystemClock, SystemRandomness};
use taabia::cli::config::{self, Config, Flag};
use taabia::domain::{Limits, ResellerId, Timestamp};
use taabia::ledger::command::SetLimits;
use taabia::ledger::{Command, Request, Rules};
use taabia::ports::{Clock as _, Ledger, Registry, Store};
use taabia::services::catalogue::{self, Format};
use taabia::simulator::network::{NetworkPlan, Seeder};
use taabia::storage::{self, InstallOptions, OpenOptions, Storage};

use super::Result;

/// The configuration that `taabia serve` has without a file, except for what is `set`.
pub fn config(set: &[(&str, &str)]) -> Result<Config> {
    let flag = |(key, text): &(&str, &str)| Flag { name: "--set".into(), key: (*key).into(), text: (*text).into() };
    Ok(config::load(None, &[], &set.iter().map(flag).collect::<Vec<_>>())?.config)
}

/// The operator's rules as configured.
pub fn rules(config: &Config) -> Arc<Rules> {
    let (least, largest) = config.airtime_range();
    let millis = |ms: u64| i64::try_from(ms).expect("the configuration's times are short");
    Arc::new(Rules {
        airtime_minor: least.minor()..=largest.minor(),
        similar_guard_ms: millis(config.recharge.similar_guard_ms),
        evidence: taabia::ledger::evidence::EvidenceRules::default(),
        approval_expiry_ms: 86_400_000,
        issue_per_day_minor: None,
        vat_basis_points: 2_000,
        charging_deadline_ms: millis(config.recharge.charging_deadline_ms),
        topup_minor: 1..=i64::MAX / 4,
        topup_fee: taabia::domain::catalogue::Rate::ZERO,
        topup_quote_ms: 900_000,
        suspend_on_chargeback: true,
        edges: config.transfer.permitted.clone(),
        accept_within_ms: millis(config.transfer.accept_within_s * 1_000),
        levels: config.network.levels.clone(),
        calendar: config.calendar(),
    })
}

/// Makes an empty database of the cluster, in place of one of that name; gives its URL.
pub async fn postgres_database(cluster: &str, name: &str) -> Result<String> {
    let mut connection = PgConnection::connect(&format!("{cluster}/postgres")).await?;
    let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await?;
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
    Ok(format!("{cluster}/{name}"))
}

/// Removes it, and lets every measurement begin with nothing left to write out.
pub async fn drop_postgres_database(cluster: &str, name: &str) -> Result<()> {
    let mut connection = PgConnection::connect(&format!("{cluster}/postgres")).await?;
    let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await?;
    sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await?;
    Ok(())
}

/// URL of an SQLite file that does not exist yet.
pub fn sqlite_file(folder: &Path, name: &str) -> Result<String> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder)?;
    for file in ["taabia.db", "taabia.db-wal", "taabia.db-shm"] {
        match std::fs::remove_file(folder.join(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(format!("sqlite://{}", folder.join("taabia.db").display()))
}

/// Installs the schema and opens it.
pub async fn install(url: &str, shards: u16, config: &Config) -> Result<Storage> {
    let created_at: Timestamp = SystemClock.now();
    storage::migrate(url, InstallOptions { shards, currency: config.currency, created_at }).await?;
    Ok(storage::open(url, OpenOptions::default()).await?)
}

/// Sets limits on outlets that no load reaches.
pub async fn limit(ledger: &dyn Ledger, outlets: &[ResellerId]) -> Result<()> {
    let limits = Limits {
        per_operation_minor: Some(1_000_000_000),
        per_day_count: Some(1_000_000_000),
        per_day_minor: Some(1_000_000_000_000_000),
    };
    for &reseller in outlets {
        let request = Request::SetLimits(SetLimits { reseller, limits, credit_limit_minor: 0 });
        ledger.execute(Command { actor: "operator:bench".into(), request }).await?;
    }
    Ok(())
}

/// The sample catalogue, with its rules of commission.
pub async fn import_sample(ledger: &dyn Ledger, reads: &dyn Store, config: &Config) -> Result<()> {
    let sample = include_bytes!("../../config/catalogue.morocco.toml");
    let import = catalogue::parse(sample, Format::Toml, config.currency, &config.time_zone)?;
    catalogue::import(ledger, reads, &SystemClock, "operator:bench".into(), import).await?;
    Ok(())
}

/// Opens and stocks the network of `plan`; gives its outlets.
pub async fn seed(
    plan: &NetworkPlan,
    ledger: Arc<dyn Ledger>,
    registry: Arc<dyn Registry>,
    store: &dyn Store,
) -> Result<Vec<ResellerId>> {
    let seeder = Seeder {
        ledger,
        registry,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        shards: store.shards(),
    };
    let branches = seeder.seed(plan, &mut |_| {}).await?;
    Ok(branches.into_iter().flat_map(|branch| branch.outlets).collect())
}
