//! Real minutes: nodes that are killed with `kill -9`, a database and a charging system that restart, seeded.
//!
//! Two nodes on PostgreSQL, one on SQLite, the charging simulator as a process of its own, an endpoint for events that fails
//! now and then, and partners who send the same id again after an answer that says nothing. A doubt must end within its
//! promise whatever restarts: what is promised is a time of day, and a node that comes back looks at what is due at once.
//! In the suite it is half a minute of it; `TAABIA_CAMPAIGN_MINUTES=10` is longer, `TAABIA_CAMPAIGN_SEED` repeats the
//! schedule. Both are printed with the figures.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use taabia::domain::EventType;
use taabia::ledger::evidence::{EvidenceRules, SystemRules};
use taabia::ports::Clock as _;
use taabia::services::Scope;
use taabia::services::webhooks::scope_of;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::judge::Log;
use super::receivers::Taken;
use crate::support::database::open;
use crate::support::partners::{Partners, QUICK_DOUBT};
use crate::support::postgres::{Cluster, Ending};
use crate::support::program::{Api, Server, credentials, taabia_must, until};
use crate::support::{RealClock, SeededRandomness, setting};

const PARTNERS: usize = 12;
/// As [`QUICK_DOUBT`] says.
const HORIZON_MS: i64 = 5_000;
/// Two rounds of inquiries with the pauses of [`QUICK_DOUBT`] and [`SLOWER`]: longer than a node takes to come back.
const INQUIRED_WITHIN_MS: i64 = 2 * (4_000 + 100 + 1_000);
const SLOWER: [&str; 4] = [
    "--set=doubt.backoff_max_ms=4000",
    "--set=webhooks.poll_interval_ms=100",
    "--set=webhooks.answer_within_ms=1000",
    "--set=webhooks.allow_any_address=true",
];
/// A lease of a node that was killed ends by itself, and then there is much to tell.
const TOLD_WITHIN: Duration = Duration::from_mins(5);

/// A partner's endpoint that fails each event once at most.
struct Endpoint {
    taken: Mutex<Taken>,
    random: SeededRandomness,
    failed: Mutex<HashSet<String>>,
}

async fn take(State(endpoint): State<Arc<Endpoint>>, headers: HeaderMap, body: String) -> StatusCode {
    let id = headers["webhook-id"].to_str().unwrap();
    let fate = endpoint.random.next() % 1_000;
    let fails = fate < 10 && endpoint.failed.lock().unwrap().insert(id.to_owned());
    if fails && fate < 5 {
        endpoint.taken.lock().unwrap().refused += 1;
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    endpoint.taken.lock().unwrap().take(id, &body);
    if fails {
        // Taken in, and the sender does not hear of it.
        std::future::pending::<()>().await;
    }
    StatusCode::NO_CONTENT
}

impl Endpoint {
    async fn start(seed: u64) -> (Arc<Self>, String) {
        let random = SeededRandomness::new(seed ^ 0x4eb);
        let endpoint = Arc::new(Self { taken: Mutex::default(), random, failed: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let router = Router::new().route("/events", post(take)).with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (endpoint, url)
    }
}

fn is_told(event: EventType) -> bool {
    scope_of(event) == Some(Scope::RechargesRead)
}

/// All that can be struck.
struct Site {
    serve: Vec<String>,
    nodes: Vec<Server>,
    simulate: Vec<String>,
    charging: Server,
    cluster: Option<(Cluster, String)>,
    partners: Partners,
    random: SeededRandomness,
    /// Of nodes, of the database, of the charging system.
    struck: [u32; 3],
}

async fn start(arguments: &[String]) -> Server {
    Server::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
}

fn owned(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|argument| (*argument).to_owned()).collect()
}

impl Site {
    async fn new(data_dir: &Path, store: &[&str], cluster: Option<(Cluster, String)>, seed: u64) -> Self {
        let seeding = [&["demo", "--no-traffic", "--charging=in-process", "--listen=127.0.0.1:0"], store].concat();
        let mut seeded = Server::start(&seeding).await;
        seeded.terminate();
        assert!(seeded.ended().await.success(), "{}", seeded.log());
        let record = data_dir.join("charging").display().to_string();
        let simulate = |at: &str| owned(&["simulate", "charging", "--listen", at, "--data-dir", &record]);
        let charging = start(&simulate("127.0.0.1:0")).await;
        let simulate = simulate(charging.url.trim_start_matches("http://"));
        let charging_at = format!("--set=charging.url={}", charging.url);
        let serve = owned(&[&["serve", &charging_at], store, &QUICK_DOUBT, &SLOWER].concat());
        let count = if cluster.is_some() { 2 } else { 1 };
        let partners = Partners::between(count, PARTNERS, seed, credentials(data_dir, "atm"), true);
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(start(&serve).await);
        }
        let random = SeededRandomness::new(seed);
        Self { serve, nodes, simulate, charging, cluster, partners, random, struck: [0; 3] }
    }

    /// Partners come.
    async fn open(&self) {
        for (number, node) in self.nodes.iter().enumerate() {
            self.partners.go_to_node(number, &node.url).await;
        }
    }

    /// Something ends without a warning, and is started again at once.
    async fn strike(&mut self) {
        let (what, which) = (self.random.next() % 8, self.random.next());
        match &mut self.cluster {
            Some((cluster, url)) if what < 2 => {
                cluster.restart(if which.is_multiple_of(4) { Ending::Fast } else { Ending::Immediate });
                until("the cluster", async || PgConnection::connect(url).await.ok()).await;
                self.struck[1] += 1;
            }
            _ if what < 4 => {
                self.charging.kill();
                self.charging = start(&self.simulate).await;
                self.struck[2] += 1;
            }
            _ => {
                let number = usize::try_from(which).unwrap() % self.nodes.len();
                self.nodes[number].kill();
                self.partners.leave_node(number);
                self.nodes[number] = start(&self.serve).await;
                self.partners.go_to_node(number, &self.nodes[number].url).await;
                self.struck[0] += 1;
            }
        }
    }

    /// Strikes at any moment, for so long.
    async fn go_on_for(&mut self, long: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < long {
            self.partners.progress(20).await;
            sleep(Duration::from_micros(self.random.next() % 5_000_000)).await;
            self.strike().await;
        }
        self.partners.progress(20).await;
    }
}

/// Waits until the endpoint was told of all that the log has for it.
async fn told(log: &Log, endpoint: &Endpoint) -> String {
    let begun = Instant::now();
    loop {
        let left = log.left(is_told, &endpoint.taken.lock().unwrap().told);
        if left == 0 {
            break;
        }
        assert!(begun.elapsed() < TOLD_WITHIN, "the endpoint is not told of {left} events");
        sleep(Duration::from_millis(500)).await;
    }
    let taken = endpoint.taken.lock().unwrap();
    assert!(taken.wrong.is_empty(), "{:?}", taken.wrong);
    format!("{taken}, told within {} s", begun.elapsed().as_secs())
}

async fn real_minutes(data_dir: &Path, database: &str, cluster: Option<(Cluster, String)>) {
    let seed = setting("TAABIA_CAMPAIGN_SEED", RealClock.now().unix_ms().unsigned_abs());
    let minutes = setting("TAABIA_CAMPAIGN_MINUTES", 0);
    println!("TAABIA_CAMPAIGN_MINUTES={minutes} TAABIA_CAMPAIGN_SEED={seed}");
    let folder = data_dir.display().to_string();
    let store = ["--data-dir", &folder, "--database-url", database];
    let mut site = Site::new(data_dir, &store, cluster, seed).await;
    let (endpoint, url) = Endpoint::start(seed).await;
    let atm = Api::enter_as(&site.nodes[0].url, &credentials(data_dir, "atm")).await;
    let events: Vec<_> = EventType::subscribable().filter(|event| is_told(*event)).map(EventType::name).collect();
    let made = atm.post("/v1/webhook-endpoints", &json!({ "url": url, "event_types": events })).await.unwrap();
    assert_eq!(made.status, 201, "{made:?}");

    site.open().await;
    site.go_on_for(if minutes == 0 { Duration::from_secs(30) } else { Duration::from_mins(minutes) }).await;
    let verify = [&["verify"], &store[..]].concat();
    let live = taabia_must(&verify).await;
    assert!(live.contains("The books are right"), "on a live store: {live}");
    let Site { mut nodes, charging, cluster, partners, struck, .. } = site;
    partners.settle(&charging.url).await;
    let standard = SystemRules {
        miss_counts_after_ms: Some(HORIZON_MS),
        inquired_within_ms: INQUIRED_WITHIN_MS,
        ..SystemRules::default()
    };
    let rules = EvidenceRules { standard, ..EvidenceRules::default() };
    let opened = open(database).await.unwrap();
    let log = Log::read(&*opened.store, &*opened.webhooks, &rules).await;
    let told = told(&log, &endpoint).await;
    println!(
        "killed: {} nodes, {} charging systems; {} restarts of the database; {}; {told}",
        struck[0],
        struck[2],
        struck[1],
        log.figures()
    );
    for node in &mut nodes {
        assert!(node.is_running());
        node.terminate();
        assert!(node.ended().await.success(), "{}", node.log());
    }
    let stopped = taabia_must(&verify).await;
    assert!(stopped.contains("The books are right"), "on a stopped store: {stopped}");
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("taabia.db").display());
    real_minutes(folder.path(), &database, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let url = cluster.url_of("postgres");
    until("the cluster", async || PgConnection::connect(&url).await.ok()).await;
    let folder = tempfile::tempdir().unwrap();
    real_minutes(folder.path(), &url, Some((cluster, url.clone()))).await;
}
