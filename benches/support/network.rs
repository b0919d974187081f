//! How fast a network comes from CSV, and how long the totals of its one distributor take.

use std::io::{BufReader, BufWriter, Write as _};

use taabia::cli::network::import_from;
use taabia::cli::person::ReasonArg;
use taabia::services::import::{Listener, Progress, Refused};
use taabia::simulator::network_file::NetworkFile;
use taabia::storage::Storage;
use tokio::time::Instant;

use super::arguments::Arguments;
use super::load::{micros, report_quantiles};
use super::{Result, installation, peak_memory_mb, report};

const DATABASE: &str = "bench_network";
/// All below one distributor.
const FILE: NetworkFile = NetworkFile { outlets: 50_000, distributors: 1, seed: 1 };
const TOP: &str = "CAS-D01";

/// A refused row would be a figure of another work.
pub struct Nobody;

impl Listener for Nobody {
    fn progress(&mut self, _: Progress) {}

    fn refused(&mut self, refused: &Refused) {
        eprintln!("line {}: {}", refused.line, refused.reason);
    }
}

pub async fn measure(arguments: &Arguments) -> Result<()> {
    let folder = arguments.folder()?;
    let file = folder.join("network.csv");
    let mut out = BufWriter::new(std::fs::File::create(&file)?);
    FILE.write(&mut out)?;
    out.flush()?;
    let config = installation::config(&[])?;
    let postgres = installation::postgres_database(arguments.postgres()?, DATABASE).await?;
    for (name, url) in [("postgres", postgres), ("sqlite", installation::sqlite_file(&folder, "network")?)] {
        let storage = installation::install(&url, config.shards, &config).await?;
        let input = BufReader::new(std::fs::File::open(&file)?);
        let begun = Instant::now();
        let summary = import_from(&config, &storage, input, ReasonArg::default().person(), &mut Nobody).await?;
        #[expect(clippy::cast_precision_loss, reason = "far fewer rows than 2^52")]
        report(&format!("network_import_{name}.per_s"), summary.opened as f64 / begun.elapsed().as_secs_f64());
        totals(name, &storage, arguments).await?;
    }
    report("network_import.memory_mb", peak_memory_mb("self")?);
    installation::drop_postgres_database(arguments.postgres()?, DATABASE).await
}

/// One after the other, each a walk over the whole subtree.
async fn totals(name: &str, storage: &Storage, arguments: &Arguments) -> Result<()> {
    let top = storage.registry.reseller_by_code(TOP).await?.ok_or("the file has one distributor")?.id;
    let until = Instant::now() + arguments.duration()? / 2;
    let mut latencies = Vec::new();
    while latencies.len() < 10 || Instant::now() < until {
        let begun = Instant::now();
        let totals = storage.network.totals(top).await?;
        latencies.push(micros(begun));
        let resellers: i64 = totals.iter().map(|total| total.resellers).sum();
        if u64::try_from(resellers) != Ok(FILE.rows()) {
            return Err(format!("{resellers} resellers below the distributor").into());
        }
    }
    latencies.sort_unstable();
    report_quantiles(&format!("totals_{name}"), &latencies);
    Ok(())
}
