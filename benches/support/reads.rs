//! Balances and lists over a store of millions of recharges: real server, real tokens, real HTTP.
//!
//! The recharges are written by SQL into the table that these calls read, with the ids, resellers and numbers
//! that the engine would give them; nothing is written to the journal, which they do not read.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use taabia::cli::clock::SystemClock;
use taabia::cli::node::start_engine;
use taabia::domain::{Channel, Decline, OperationKind, Status, Timestamp};
use taabia::ports::Clock as _;
use taabia::simulator::network::NetworkPlan;
use tokio::time::Instant;

use super::arguments::Arguments;
use super::load::{micros, report_quantiles};
use super::server::{self, Server};
use super::{Result, installation, report};

const DATABASE: &str = "bench_reads";
/// 2,000 outlets, 100 below each wholesaler.
const PLAN: NetworkPlan =
    NetworkPlan { distributors: 4, wholesalers_each: 5, outlets_each: 100, stock_minor: 20_000_000_000 };
/// The distributor whose outlets sell nothing: lists that search far for little.
const QUIET: &str = "D04";
/// How long ago the first recharge was.
const DAYS: i64 = 90;
/// Subscribers that recharge again and again.
const NUMBERS: i64 = 500_000;
/// Rows of one statement.
const CHUNK: i64 = 100_000;
/// Requests under way at once.
const CONNECTIONS: usize = 4;

/// A client, as its name in the table, and what it acts for.
const CLIENTS: [(&str, &str); 4] =
    [("1", "D01-W01-O001"), ("100", "D01-W01"), ("all", "D01,D02,D03,D04"), ("quiet", QUIET)];

pub async fn measure(arguments: &Arguments) -> Result<()> {
    let url = installation::postgres_database(arguments.postgres()?, DATABASE).await?;
    let config = installation::config(&[])?;
    let storage = installation::install(&url, config.shards, &config).await?;
    let engine = start_engine(&config, &storage);
    installation::seed(&PLAN, engine.clone(), storage.registry.clone(), &*storage.store).await?;
    engine.close().await;
    let rows: i64 = arguments.number("fill")?;
    let now = SystemClock.now();
    fill(&url, rows, now).await?;
    #[expect(clippy::cast_precision_loss, reason = "far fewer rows than 2^52")]
    report("reads.rows", rows as f64);

    let folder = arguments.folder()?.join("reads");
    std::fs::create_dir_all(&folder)?;
    let server = Server::start(&["serve"], &folder, &url)?;
    for (name, roots) in CLIENTS {
        let bearer = token(&server, name, roots, &url, &folder).await?;
        // The same share of the time for each of the calls.
        let during = arguments.duration()? / 4;
        for (call, paths) in calls(&server, &bearer, now).await? {
            get_all(&server.url, &bearer, &paths, during / 4).await?;
            let latencies = get_all(&server.url, &bearer, &paths, during).await?;
            report_quantiles(&format!("reads.{call}.{name}"), &latencies);
        }
    }
    drop(server);
    installation::drop_postgres_database(arguments.postgres()?, DATABASE).await
}

/// Writes `rows` completed recharges of the last ninety days, one in a hundred declined.
async fn fill(url: &str, rows: i64, now: Timestamp) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql("SET synchronous_commit = off").execute(&mut connection).await?;
    let outlets = "CREATE TEMPORARY TABLE outlet AS
        SELECT row_number() OVER (ORDER BY r.id) - 1 AS number, s.shard, r.id
        FROM reseller r JOIN reseller_state s ON s.reseller = r.id
        WHERE r.level = 'outlet' AND r.code NOT LIKE '{QUIET}%'";
    sqlx::raw_sql(AssertSqlSafe(outlets.replace("{QUIET}", QUIET))).execute(&mut connection).await?;
    sqlx::raw_sql("CREATE INDEX ON outlet (number); ANALYZE outlet").execute(&mut connection).await?;
    let first_ms = now.plus_ms(-DAYS * 24 * 60 * 60 * 1_000).unix_ms();
    let step_ms = (now.unix_ms() - first_ms) / rows.max(1);
    for from in (0..rows).step_by(usize::try_from(CHUNK).expect("a small number")) {
        sqlx::query(FILL)
            .bind(from)
            .bind(rows.min(from + CHUNK) - 1)
            .bind(first_ms)
            .bind(step_ms)
            .bind(NUMBERS)
            .bind(OperationKind::Recharge.code())
            .bind(Status::Completed.code())
            .bind(Status::Declined.code())
            .bind(Decline::InsufficientStock.code())
            .bind(Channel::Atm.code())
            .execute(&mut connection)
            .await?;
        eprint!("\r{} of {rows} recharges", rows.min(from + CHUNK));
    }
    eprintln!();
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut connection).await?;
    sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await?;
    Ok(())
}

/// Ids are UUIDv7 with the shard in the last byte, as `domain::ids` makes them.
const FILL: &str = "
    INSERT INTO operation (shard, id, kind, partner, reseller, external_id, amount_minor, status, decline,
                           balance_after, created_at, updated_at, last_sequence, msisdn, msisdn_salt, product, channel,
                           allow_repeat, charging_reference, submit_by)
    SELECT o.shard,
           (lpad(to_hex(n.at), 12, '0') || '7' || substr(n.hash, 1, 3) || '8' || substr(n.hash, 4, 13)
            || lpad(to_hex(o.shard::int), 2, '0'))::uuid,
           $6::smallint, '00000000-0000-7000-8000-000000000001', o.id, 'fill-' || n.n, 500 + n.n % 1501,
           CASE WHEN n.declined THEN $8::smallint ELSE $7::smallint END,
           CASE WHEN n.declined THEN $9::text END,
           CASE WHEN NOT n.declined THEN 1000000 END,
           n.at, n.at + 5, n.n, 212600000000 + n.n * 7919 % $5, decode(n.hash, 'hex'), 'airtime', $10::smallint,
           false, CASE WHEN NOT n.declined THEN n.n END, n.at + 4000
    FROM (
        SELECT n, $3 + n * $4 AS at, md5(n::text) AS hash, n % 100 = 99 AS declined
        FROM generate_series($1::bigint, $2::bigint) AS n
    ) AS n
    JOIN outlet o ON o.number = ('x' || substr(n.hash, 17, 8))::bit(32)::bigint % (SELECT count(*) FROM outlet)";

/// Registers a client for these roots and logs it in.
pub async fn token(server: &Server, name: &str, roots: &str, url: &str, folder: &Path) -> Result<String> {
    #[derive(Deserialize)]
    struct Token {
        access_token: String,
    }
    let add = ["client", "add", "--name", name, "--partner", name, "--resellers", roots, "--scopes"];
    let added = [&add[..], &["recharges:read,stock:read"]].concat();
    let printed = server::taabia(&added, url, folder)?;
    let field = |field: &str| {
        let value = printed.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix('\t'));
        value.ok_or("taabia client add printed no credentials")
    };
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        field("client_id")?,
        field("client_secret")?
    );
    let request = http_client()?.post(format!("{}/oauth/token", server.url));
    let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
    let token: Token = request.send().await?.error_for_status()?.json().await?;
    Ok(token.access_token)
}

pub fn http_client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).timeout(Duration::from_mins(1)).build()?)
}

/// The calls by their names in the table, each with paths to take in turns.
async fn calls(server: &Server, bearer: &str, now: Timestamp) -> Result<Vec<(&'static str, Vec<String>)>> {
    #[derive(Deserialize)]
    struct Whoami {
        reseller_ids: Vec<String>,
    }
    let whoami = http_client()?.get(format!("{}/v1/whoami?limit=200", server.url)).bearer_auth(bearer);
    let whoami: Whoami = whoami.send().await?.error_for_status()?.json().await?;
    let balances = whoami.reseller_ids.iter().map(|id| format!("/v1/resellers/{id}/balance")).collect();
    let from = now.plus_ms(-30 * 24 * 60 * 60 * 1_000);
    let number = |n: i64| 212_600_000_000 + n * 7_919 % NUMBERS;
    let numbers = (0..1_000).map(|n| format!("/v1/recharges?msisdn=%2B{}&from={from}&to={now}", number(n)));
    Ok(vec![
        ("balance", balances),
        ("list", vec!["/v1/recharges?limit=50".to_owned()]),
        ("declined", vec!["/v1/recharges?limit=50&status=declined".to_owned()]),
        ("msisdn", numbers.collect()),
    ])
}

/// Gets the paths in turns over a few connections for so long; latencies in microseconds, ascending.
pub async fn get_all(url: &str, bearer: &str, paths: &[String], during: Duration) -> Result<Vec<u32>> {
    let until = Instant::now() + during;
    let http = http_client()?;
    let connections = (0..CONNECTIONS).map(async |first| {
        let mut latencies = Vec::new();
        for path in paths.iter().cycle().skip(first * paths.len() / CONNECTIONS) {
            let begun = Instant::now();
            let answer = http.get(format!("{url}{path}")).bearer_auth(bearer).send().await?;
            // A call that the server gives up is as slow as its caller sees it.
            if !answer.status().is_success() {
                eprintln!("{path} was answered with {} after {:?}", answer.status(), begun.elapsed());
            }
            answer.bytes().await?;
            latencies.push(micros(begun));
            if Instant::now() >= until {
                break;
            }
        }
        Ok::<_, reqwest::Error>(latencies)
    });
    let mut all = futures::future::try_join_all(connections).await?.concat();
    all.sort_unstable();
    Ok(all)
}
