//! Partners that recharge over the API whatever happens to the server: after an answer that says nothing they
//! send the same id again. What they were told is compared with the books and with the charging system's.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use taabia::simulator::charging::{Config as SimulatorConfig, Server as Simulator};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::SeededRandomness;
use super::program::{Api, Credentials, Reply, http_client, order, until};

/// Settings of a server whose doubt is resolved within seconds. The horizon is far above what the simulator
/// takes to write down what it was sent, also on a busy machine.
pub const QUICK_DOUBT: [&str; 14] = [
    "--set=recharge.charging_deadline_ms=1000",
    "--set=recharge.answer_within_ms=1500",
    "--set=recharge.similar_guard_ms=0",
    "--set=doubt.lookup_horizon_ms=5000",
    "--set=doubt.poll_interval_ms=100",
    "--set=doubt.backoff_initial_ms=200",
    "--set=doubt.backoff_max_ms=1000",
    "--set=doubt.concurrency=64",
    "--set=charging.lookup_timeout_ms=1000",
    "--set=telemetry.log_filter=warn,sqlx=error",
    "--set=shutdown.unready_ms=100",
    "--set=shutdown.drain_within_ms=20000",
    "--set=engine.posters=2",
    "--listen=127.0.0.1:0",
];

/// A charging system with a durable record, in this process.
pub async fn simulator(data_dir: &std::path::Path) -> Simulator {
    let config = SimulatorConfig {
        data_dir: Some(data_dir.to_owned()),
        slow: Duration::from_millis(600),
        ..SimulatorConfig::default()
    };
    Simulator::start(config, TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap()
}

/// Count and sum of what a charging system applied, net of what it took back.
pub async fn applied(simulator: &str) -> Value {
    let summary = http_client().get(format!("{simulator}/applied/summary")).send().await.unwrap();
    summary.json().await.unwrap()
}

#[derive(Clone, Debug)]
struct Told {
    reseller: String,
    msisdn: String,
    amount: String,
    id: String,
    status: String,
    is_final: bool,
}

struct Shared {
    /// The nodes; `None` while there is none.
    places: Vec<Mutex<Option<Api>>>,
    outlets: Vec<String>,
    stop: AtomicBool,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    told: Mutex<HashMap<String, Told>>,
    /// Answers that no partner should ever get.
    unclean: Mutex<Vec<String>>,
    /// Whether connections may break: when the server is killed, not when its database is.
    may_vanish: bool,
}

/// Partners at work.
pub struct Partners {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
    credentials: Credentials,
}

impl Partners {
    /// As many connections, each with one recharge at a time.
    pub fn start(count: usize, seed: u64, credentials: Credentials, may_vanish: bool) -> Self {
        Self::between(1, count, seed, credentials, may_vanish)
    }

    /// The same over several nodes; who gets no answer from one asks the next.
    pub fn between(nodes: usize, count: usize, seed: u64, credentials: Credentials, may_vanish: bool) -> Self {
        let shared = Arc::new(Shared {
            places: (0..nodes).map(|_| Mutex::default()).collect(),
            outlets: credentials.resellers.iter().take(40).cloned().collect(),
            stop: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            told: Mutex::default(),
            unclean: Mutex::default(),
            may_vanish,
        });
        let tasks = (0..count).map(|number| tokio::spawn(shared.clone().work(number, seed))).collect();
        Self { shared, tasks, credentials }
    }

    /// From now on the server is there.
    pub async fn go_to(&self, url: &str) {
        self.go_to_node(0, url).await;
    }

    pub async fn go_to_node(&self, node: usize, url: &str) {
        let api = Api::enter_as(url, &self.credentials).await;
        *self.shared.places[node].lock().unwrap() = Some(api);
    }

    pub fn leave(&self) {
        self.leave_node(0);
    }

    pub fn leave_node(&self, node: usize) {
        *self.shared.places[node].lock().unwrap() = None;
    }

    /// Waits until as many more recharges have been acknowledged.
    pub async fn progress(&self, more: u64) {
        let goal = self.shared.acknowledged.load(Ordering::SeqCst) + more;
        until("recharges", async || (self.shared.acknowledged.load(Ordering::SeqCst) >= goal).then_some(())).await;
    }

    /// How many requests were refused so far.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Lets every partner finish what it began, waits until nothing is in doubt, and compares the books.
    pub async fn settle(self, simulator: &str) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        let unclean = std::mem::take(&mut *self.shared.unclean.lock().unwrap());
        assert!(
            unclean.is_empty(),
            "{} unclean answers, such as {:?}",
            unclean.len(),
            &unclean[..unclean.len().min(3)]
        );
        let api = self.shared.places[0].lock().unwrap().clone().expect("a server runs");
        let told = std::mem::take(&mut *self.shared.told.lock().unwrap());
        let open: Vec<&Told> = told.values().filter(|told| !told.is_final).collect();
        futures::stream::iter(open)
            .for_each_concurrent(16, async |told| {
                until("the end of doubt", async || {
                    let reply = api.get(&format!("/v1/recharges/{}", told.id)).await.unwrap();
                    (reply.body["final"] == true).then_some(())
                })
                .await;
            })
            .await;
        let ours = api.recharges().await;
        compare(&told, &ours);
        compare_with_charging(&ours, simulator).await;
        println!("{} recharges, {} refused requests", told.len(), self.shared.refused.load(Ordering::SeqCst));
    }
}

impl Shared {
    async fn work(self: Arc<Self>, number: usize, seed: u64) {
        let random = SeededRandomness::new(seed ^ (number as u64 + 1) << 40);
        for n in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let draw = random.next();
            let reseller = &self.outlets[usize::try_from(draw % self.outlets.len() as u64).unwrap()];
            // Every fifth number has an ending that makes the charging system misbehave.
            let ending = if (draw >> 8).is_multiple_of(5) { (draw >> 16) % 8 } else { 8 + (draw >> 16) % 92 };
            let msisdn = format!("+2126{number:02}{:04}{ending:02}", n % 10_000);
            let amount = format!("{}.{:02}", 5 + (draw >> 24) % 400, (draw >> 40) % 100);
            let key = format!("p{number}-{n}");
            let body = order(&key, reseller, &msisdn, &amount);
            let answer = self.insist(number, &body).await;
            self.remember(key.clone(), &body, &answer);
            if (draw >> 48).is_multiple_of(8) {
                // A duplicate, late or not, is the same recharge.
                let again = self.insist(number, &body).await;
                self.remember(key, &body, &again);
            }
            self.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Sends until the answer says something.
    async fn insist(&self, number: usize, body: &Value) -> Value {
        for place in self.places.iter().cycle().skip(number % self.places.len()) {
            let api = place.lock().unwrap().clone();
            let Some(api) = api else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            match api.post("/v1/recharges", body).await {
                Ok(reply) if matches!(reply.status, 200..=202) => return reply.body,
                Ok(reply) => {
                    self.refused.fetch_add(1, Ordering::SeqCst);
                    if !is_clean_refusal(&reply) {
                        self.unclean.lock().unwrap().push(format!("{reply:?}"));
                    }
                }
                Err(_) if self.may_vanish => {}
                Err(error) => self.unclean.lock().unwrap().push(format!("{error:?}")),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("it insists for ever")
    }

    fn remember(&self, key: String, order: &Value, answer: &Value) {
        let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{name} of {answer}")).to_owned();
        let of_order = |name: &str| order[name].as_str().unwrap().to_owned();
        let told = Told {
            reseller: of_order("reseller_id"),
            msisdn: of_order("msisdn"),
            amount: of_order("amount"),
            id: text("id"),
            status: text("status"),
            is_final: answer["final"].as_bool().unwrap(),
        };
        let mut all = self.told.lock().unwrap();
        if let Some(before) = all.get(&key) {
            assert_eq!(before.id, told.id, "{key} is one recharge");
            assert!(!before.is_final || before.status == told.status, "{key}: {before:?} was final, now {told:?}");
        }
        all.insert(key, told);
    }
}

/// Unavailable or overloaded, as the contract says it.
pub fn is_clean_refusal(reply: &Reply) -> bool {
    reply.status == 503
        && reply.content_type == "application/problem+json"
        && reply.retry_after.as_ref().is_some_and(|after| after.parse::<u32>().is_ok())
        && matches!(reply.body["code"].as_str(), Some("unavailable" | "overloaded"))
        && reply.body["retry"] == "same_id"
}

/// All that was acknowledged is there, unchanged where it was final; nothing else is.
fn compare(told: &HashMap<String, Told>, ours: &[Value]) {
    let mut by_key: HashMap<&str, &Value> = HashMap::new();
    for operation in ours {
        let before = by_key.insert(operation["external_id"].as_str().unwrap(), operation);
        assert!(before.is_none(), "two recharges of one key: {operation} and {before:?}");
        assert_eq!(operation["final"], true, "{operation}");
    }
    for (key, told) in told {
        let found = by_key.remove(key.as_str()).unwrap_or_else(|| panic!("{key} is lost: {told:?}"));
        let same = |name: &str, value: &str| assert_eq!(found[name], value, "{key}: {found}");
        same("id", &told.id);
        same("reseller_id", &told.reseller);
        same("msisdn", &told.msisdn);
        same("amount", &told.amount);
        if told.is_final {
            same("status", &told.status);
        }
    }
    assert!(by_key.is_empty(), "never asked for: {by_key:?}");
}

/// Our completed recharges are what the charging system applied, one by one, each once.
async fn compare_with_charging(ours: &[Value], simulator: &str) {
    let completed: BTreeMap<String, (String, String)> = ours
        .iter()
        .filter(|operation| operation["status"] == "completed")
        .map(|operation| {
            let text = |name: &str| operation[name].as_str().unwrap().to_owned();
            (text("charging_reference"), (text("msisdn"), text("amount")))
        })
        .collect();
    let mut applied = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = http_client().get(format!("{simulator}/applied?limit=1000{after}")).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        for item in page["items"].as_array().unwrap() {
            assert_eq!(item["applied"], 1, "applied more than once: {item}");
            let minor = item["amount_minor"].as_i64().unwrap();
            let amount = format!("{}.{:02}", minor / 100, minor % 100);
            let text = |name: &str| item[name].as_str().unwrap().to_owned();
            applied.insert(text("reference"), (text("msisdn"), amount));
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let missing: Vec<_> = applied.iter().filter(|(reference, _)| !completed.contains_key(*reference)).collect();
    assert!(missing.is_empty(), "applied there, not completed here: {missing:?}");
    assert_eq!(completed, applied, "completed here, and what was applied there");
}
