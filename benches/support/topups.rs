//! A top-up by card from end to end: the real server, tokens on every request, the acquirer and the charging system inside
//! the process; and recharges alone and beside top-ups.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::arguments::Arguments;
use super::load::{micros, report_quantiles};
use super::server::{self, Credentials, Server};
use super::{Result, installation, report};

const SERVER: [&str; 6] =
    ["demo", "--no-traffic", "--charging", "in-process", "--set", "acquirers.bench.kind=in_process"];
const CONNECTIONS: [usize; 2] = [64, 256];
/// Top-ups beside recharges come at this pace, over as many connections: a busy night for cards, and little beside the
/// recharges that are sold.
const BESIDE_PER_S: u64 = 100;
const BESIDE_CONNECTIONS: usize = 8;
const RECHARGE_CONNECTIONS: u16 = 64;

pub async fn measure(arguments: &Arguments) -> Result<()> {
    let folder = arguments.folder()?.join("topups");
    std::fs::create_dir_all(&folder)?;
    let database_url = installation::postgres_database(arguments.postgres()?, "bench_topups").await?;
    let during = arguments.duration()?;
    let server = Server::start(&SERVER, &folder, &database_url)?;
    let buyer = Arc::new(Buyer::of_demo(&server, &database_url, &folder).await?);
    for connections in CONNECTIONS {
        let load = Load::start(&buyer, connections, None);
        sleep(during / 4).await;
        load.measure(&format!("topups_postgres_{connections}"), during).await?;
    }
    recharges("recharges_alone", &server, &folder, during).await?;
    let beside = Load::start(&buyer, BESIDE_CONNECTIONS, Some(BESIDE_PER_S));
    recharges("recharges_beside_topups", &server, &folder, during).await?;
    beside.end("topups_beside").await?;
    // The machine is not the same from minute to minute: what they are compared with is measured before and after.
    recharges("recharges_alone_again", &server, &folder, during).await?;
    report("topups.memory_mb", server.peak_memory_mb()?);
    drop(server);
    installation::drop_postgres_database(arguments.postgres()?, "bench_topups").await
}

async fn recharges(name: &'static str, server: &Server, folder: &Path, during: Duration) -> Result<()> {
    let (client, url) = (Credentials::of_demo(folder)?, server.url.clone());
    let load =
        move || server::load(name, &url, &client, RECHARGE_CONNECTIONS, during).map_err(|error| error.to_string());
    Ok(tokio::task::spawn_blocking(load).await??)
}

/// Buys by card, for outlets that nobody sells from: `taabia load` compares the balances of those that it sells from.
struct Buyer {
    address: String,
    token: String,
    outlets: Vec<String>,
    next: AtomicU64,
}

/// The root of the stranger's branch, and who that is.
const ROOT: &str = "D05";
const STRANGER: &str = "other_bank";

impl Buyer {
    async fn of_demo(server: &Server, database_url: &str, folder: &Path) -> Result<Self> {
        let demo: Value = serde_json::from_slice(&std::fs::read(folder.join("demo.json"))?)?;
        let clients = demo["clients"].as_array().ok_or("demo.json has no clients")?;
        let stranger = clients.iter().find(|client| client["name"] == STRANGER).ok_or("there is no stranger")?;
        let outlets = stranger["reseller_ids"].as_array().ok_or("the stranger has no outlets")?;
        let outlets: Vec<_> = outlets.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let add = ["client", "add", "--name=cards", "--partner=Cards", "--scopes=topups:write", "--resellers", ROOT];
        let added = server::taabia(&add, database_url, folder)?;
        let field = |name: &str| {
            let value = added.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
            value.ok_or_else(|| format!("taabia client add printed no {name}"))
        };
        let client = reqwest::Client::builder().no_proxy().build()?;
        let request = client
            .post(format!("{}/oauth/token", server.url))
            .basic_auth(field("client_id")?, Some(field("client_secret")?))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let answer: Value = serde_json::from_slice(&request.send().await?.bytes().await?)?;
        Ok(Self {
            address: server.url.trim_start_matches("http://").to_owned(),
            token: answer["access_token"].as_str().ok_or("there was no token")?.to_owned(),
            outlets,
            next: AtomicU64::new(0),
        })
    }

    /// All different: another key, the outlets in turn.
    fn request(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let outlet = &self.outlets[usize::try_from(number).expect("a small number") % self.outlets.len()];
        let body = format!(
            r#"{{"external_id":"bench-{number}","reseller_id":"{outlet}","stock":"10.00","currency":"MAD","acquirer":"bench","payment_method":"tok_visa"}}"#
        );
        let Self { address, token, .. } = self;
        format!(
            "POST /v1/topups HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// Connections that buy, one top-up after the other each.
struct Load {
    shared: Arc<Shared>,
    workers: JoinSet<std::result::Result<Vec<u32>, String>>,
    begun: Instant,
}

struct Shared {
    buyer: Arc<Buyer>,
    credited: AtomicU64,
    noting: AtomicBool,
    ending: AtomicBool,
}

impl Load {
    /// As fast as they are answered, or at a pace.
    fn start(buyer: &Arc<Buyer>, connections: usize, per_s: Option<u64>) -> Self {
        let shared = Arc::new(Shared {
            buyer: buyer.clone(),
            credited: AtomicU64::new(0),
            noting: AtomicBool::new(per_s.is_some()),
            ending: AtomicBool::new(false),
        });
        let pace = per_s.map(|per_s| {
            Duration::from_secs(1) * u32::try_from(connections).unwrap_or(1) / u32::try_from(per_s).unwrap_or(1)
        });
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            let shared = shared.clone();
            workers.spawn(async move { shared.work(pace).await.map_err(|error| error.to_string()) });
        }
        Self { shared, workers, begun: Instant::now() }
    }

    async fn measure(mut self, name: &str, during: Duration) -> Result<()> {
        self.shared.noting.store(true, Ordering::Relaxed);
        self.shared.credited.store(0, Ordering::Relaxed);
        self.begun = Instant::now();
        sleep(during).await;
        self.end(name).await
    }

    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer top-ups than 2^52")]
    async fn end(mut self, name: &str) -> Result<()> {
        let per_s = self.shared.credited.load(Ordering::Relaxed) as f64 / self.begun.elapsed().as_secs_f64();
        self.shared.ending.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        while let Some(latencies) = self.workers.join_next().await {
            all.extend(latencies??);
        }
        all.sort_unstable();
        report(&format!("{name}.per_s"), per_s);
        report_quantiles(name, &all);
        Ok(())
    }
}

impl Shared {
    async fn work(&self, pace: Option<Duration>) -> Result<Vec<u32>> {
        let stream = TcpStream::connect(&self.buyer.address).await?;
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        let mut ticks = pace.map(interval);
        if let Some(ticks) = &mut ticks {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let mut latencies = Vec::new();
        while !self.ending.load(Ordering::Relaxed) {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            let begun = Instant::now();
            stream.get_mut().write_all(self.buyer.request().as_bytes()).await?;
            let answer = answer(&mut stream).await?;
            if !answer.contains(r#""status":"credited""#) {
                return Err(format!("figures of top-ups that fail mean nothing: {answer}").into());
            }
            self.credited.fetch_add(1, Ordering::Relaxed);
            if self.noting.load(Ordering::Relaxed) {
                latencies.push(micros(begun));
            }
        }
        Ok(latencies)
    }
}

/// The body of the next answer.
async fn answer(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err("the server closed the connection".into());
        }
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(text) = header.strip_prefix("content-length:") {
            length = text.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(String::from_utf8(body)?)
}
