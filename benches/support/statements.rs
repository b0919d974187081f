//! Statements of one reseller with a million movements: pages over HTTP, and the whole as files, with the memory of the
//! server. The movements are made by the engine, so the journal is a real one.

use std::time::Duration;

use serde::Deserialize;
use taabia::cli::clock::SystemClock;
use taabia::cli::node::start_engine;
use taabia::domain::{ResellerId, Shard, Timestamp};
use taabia::ports::Clock as _;
use taabia::services::export::Format;
use taabia::simulator::network::NetworkPlan;
use taabia::storage::Storage;
use tokio::time::{Instant, sleep};

use super::arguments::Arguments;
use super::load::{Load, report_quantiles};
use super::reads::{get_all, http_client, token};
use super::server::Server;
use super::{Result, installation, report};

const DATABASE: &str = "bench_statements";
/// The one that sells, beside another that hardly does.
const PLAN: NetworkPlan =
    NetworkPlan { distributors: 1, wholesalers_each: 1, outlets_each: 2, stock_minor: 100_000_000_000 };
/// The distributor of them.
const ROOT: &str = "D01";
/// Recharges at once while the movements are made: few enough that none is refused on a slow machine.
const IN_FLIGHT: usize = 256;
/// Places in the period at which pages are asked for.
const PLACES: i64 = 200;

pub async fn measure(arguments: &Arguments) -> Result<()> {
    let store = arguments.text("store")?;
    let url = match store {
        "postgres" => installation::postgres_database(arguments.postgres()?, DATABASE).await?,
        "sqlite" => installation::sqlite_file(&arguments.folder()?, "statements-sqlite")?,
        _ => return Err("--store: expected postgres or sqlite".into()),
    };
    let name = format!("statements_{store}");
    let config = installation::config(&[])?;
    let storage = installation::install(&url, config.shards, &config).await?;
    let rows: u64 = arguments.number("movements")?;
    let begun_at = SystemClock.now();
    let outlet = fill(&storage, &config, rows).await?;
    let ended_at = SystemClock.now();
    write_out(&storage, &name).await?;
    drop(storage);

    let folder = arguments.folder()?.join(&name);
    std::fs::create_dir_all(&folder)?;
    let server = Server::start(&["serve"], &folder, &url)?;
    let bearer = token(&server, "statements", ROOT, &url, &folder).await?;
    let path = format!("/v1/resellers/{outlet}/statement");
    let paths = pages(&server, &bearer, &path, begun_at, ended_at).await?;
    let during = arguments.duration()?;
    get_all(&server.url, &bearer, &paths, during / 4).await?;
    let latencies = get_all(&server.url, &bearer, &paths, during).await?;
    report_quantiles(&format!("{name}.page"), &latencies);
    for format in Format::ALL {
        let begun = Instant::now();
        let bytes = download(&server, &bearer, &path, format).await?;
        let seconds = begun.elapsed().as_secs_f64();
        eprintln!("{rows} movements as {}: {bytes} bytes in {seconds:.1} s", format.extension());
        report(&format!("{name}.{}_s", format.extension()), seconds);
    }
    report(&format!("{name}.memory_mb"), server.peak_memory_mb()?);
    drop(server);
    if store == "postgres" {
        installation::drop_postgres_database(arguments.postgres()?, DATABASE).await?;
    }
    Ok(())
}

/// Sells so many recharges from the stock of one outlet.
async fn fill(storage: &Storage, config: &taabia::cli::config::Config, rows: u64) -> Result<ResellerId> {
    let engine = start_engine(config, storage);
    let outlets = installation::seed(&PLAN, engine.clone(), storage.registry.clone(), &*storage.store).await?;
    let outlet = *outlets.first().ok_or("the plan has no outlet")?;
    let load = Load::start(engine.clone(), storage.store.shards(), vec![outlet], IN_FLIGHT);
    while load.completed() < rows {
        sleep(Duration::from_millis(100)).await;
        eprint!("\r{} of {rows} recharges", load.completed());
    }
    eprintln!();
    load.end().await?;
    engine.close().await;
    Ok(outlet)
}

/// Writes all movements out, as the job of a server does.
#[expect(clippy::cast_precision_loss, reason = "far fewer entries than 2^52")]
async fn write_out(storage: &Storage, name: &str) -> Result<()> {
    let (begun, mut entries) = (Instant::now(), 0);
    for shard in Shard::all(storage.store.shards()) {
        let head = storage.movements.log_place(shard).await?.head;
        while storage.movements.write_out(shard, 10_000).await? < head {}
        entries += head;
    }
    report(&format!("{name}.write_out.per_s"), entries as f64 / begun.elapsed().as_secs_f64());
    Ok(())
}

/// First pages that end at places all over the period, and the pages behind them.
async fn pages(server: &Server, bearer: &str, path: &str, from: Timestamp, to: Timestamp) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Page {
        next_cursor: Option<String>,
    }
    let mut paths = vec![format!("{path}?limit=200")];
    let period_ms = to.since_ms(from);
    for place in 1..=PLACES {
        let first = format!("{path}?limit=50&to={}", from.plus_ms(period_ms * place / PLACES));
        let answer = http_client()?.get(format!("{}{first}", server.url)).bearer_auth(bearer).send().await?;
        let page: Page = answer.error_for_status()?.json().await?;
        paths.extend(page.next_cursor.map(|cursor| format!("{first}&cursor={cursor}")));
        paths.push(first);
    }
    Ok(paths)
}

/// How many bytes came.
async fn download(server: &Server, bearer: &str, path: &str, format: Format) -> Result<usize> {
    let client = reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).build()?;
    let request = client.get(format!("{}{path}", server.url)).bearer_auth(bearer);
    let request = request.header("Accept", format.media_type());
    let mut answer = request.send().await?.error_for_status()?;
    let mut bytes = 0;
    while let Some(piece) = answer.chunk().await? {
        bytes += piece.len();
    }
    Ok(bytes)
}
