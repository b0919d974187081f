//! `kill -9` of the server between a delivery and the write that says so: it is delivered again, and nothing is missing.
//! `TAABIA_CRASH_ROUNDS` kills more often at any moment; the seed is printed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use taabia::ports::Clock as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::support::program::{Api, Credentials, Server, credentials, order, processes_on_both, taabia_must, until};
use crate::support::{RealClock, SeededRandomness, setting};

/// A partner's server: keeps what came, in its order, and answers, unless it is told to keep the sender waiting.
#[derive(Default)]
struct Partner {
    came: Mutex<Vec<(String, Value)>>,
    holds: AtomicBool,
    arrived: Notify,
}

async fn take(State(partner): State<Arc<Partner>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    partner.came.lock().unwrap().push((id, serde_json::from_slice(&body).unwrap()));
    partner.arrived.notify_one();
    if partner.holds.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    StatusCode::NO_CONTENT
}

impl Partner {
    async fn start() -> (Arc<Self>, String) {
        let partner = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let router = Router::new().route("/events", post(take)).with_state(partner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (partner, url)
    }

    fn ids(&self) -> Vec<String> {
        self.came.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }

    /// By operation: the types and sequences that came for the first time, in their order.
    fn firsts(&self) -> HashMap<String, Vec<(i64, String)>> {
        let (mut seen, mut firsts) = (HashSet::new(), HashMap::<_, Vec<_>>::new());
        for (id, body) in self.came.lock().unwrap().iter().filter(|(id, _)| seen.insert(id.clone())) {
            assert!(id.starts_with("evt_"), "{id}");
            let told = (body["sequence"].as_i64().unwrap(), body["type"].as_str().unwrap().to_owned());
            firsts.entry(body["data"]["id"].as_str().unwrap().to_owned()).or_default().push(told);
        }
        firsts
    }
}

async fn sell(api: &Api, atm: &Credentials, round: u64, count: u64) {
    let sold = (0..count).map(|number| {
        let outlet = &atm.resellers[usize::try_from(number).unwrap() % 12];
        let msisdn = format!("+2126{:06}{}", round * 1_000 + number, 10 + number % 90);
        let body = order(&format!("r{round}-{number}"), outlet, &msisdn, "5.00");
        async move { api.post("/v1/recharges", &body).await.map(drop) }
    });
    // Those under way when the server dies get no answer.
    let _ = futures::future::join_all(sold).await;
}

async fn killed(data_dir: &std::path::Path, database: &str) {
    let seed = setting("TAABIA_CRASH_SEED", RealClock.now().unix_ms().unsigned_abs());
    println!("TAABIA_CRASH_SEED={seed}");
    let random = SeededRandomness::new(seed);
    let folder = data_dir.display().to_string();
    let store = ["--data-dir", &folder, "--database-url", database];
    let quick = ["--listen=127.0.0.1:0", "--set=webhooks.poll_interval_ms=30"];
    let demo = [&["demo", "--no-traffic", "--charging=in-process"], &store[..], &quick].concat();
    let mut server = Server::start(&demo).await;
    let atm = credentials(data_dir, "atm");
    let mut api = Api::enter_as(&server.url, &atm).await;
    let (partner, url) = Partner::start().await;
    let made = api.post("/v1/webhook-endpoints", &json!({ "url": url })).await.unwrap();
    assert_eq!(made.status, 201, "{made:?}");

    // Delivered, and not written: the answer never came.
    partner.holds.store(true, Ordering::SeqCst);
    sell(&api, &atm, 0, 1).await;
    partner.arrived.notified().await;
    server.kill();
    let delivered = partner.ids();
    partner.holds.store(false, Ordering::SeqCst);
    server = Server::start(&demo).await;
    until("it to come again", async || {
        (partner.ids().iter().filter(|id| **id == delivered[0]).count() > 1).then_some(())
    })
    .await;

    for round in 1..=setting("TAABIA_CRASH_ROUNDS", 3) {
        api = Api::enter_as(&server.url, &atm).await;
        let selling = sell(&api, &atm, round, 60);
        let pause = Duration::from_micros(random.next() % 700_000);
        tokio::select! {
            () = async { selling.await; std::future::pending().await } => {}
            () = tokio::time::sleep(pause) => {}
        }
        server.kill();
        server = Server::start(&demo).await;
    }
    api = Api::enter_as(&server.url, &atm).await;
    let sold = until("all recharges to be final", async || {
        let sold = api.recharges().await;
        sold.iter().all(|recharge| recharge["final"] == true).then_some(sold)
    })
    .await;
    let expected: BTreeMap<String, Vec<String>> = sold
        .iter()
        .map(|recharge| {
            let end = format!("recharge.{}", recharge["status"].as_str().unwrap());
            (recharge["id"].as_str().unwrap().to_owned(), vec!["recharge.submitted".to_owned(), end])
        })
        .collect();
    let told = until("all to be told", async || {
        let firsts = partner.firsts();
        let whole = expected.iter().all(|(id, ends)| {
            firsts.get(id).is_some_and(|told| ends.iter().all(|end| told.iter().any(|(_, kind)| kind == end)))
        });
        whole.then_some(firsts)
    })
    .await;
    for (id, told) in &told {
        assert!(expected.contains_key(id), "{id} was told and does not exist");
        assert!(told.is_sorted(), "{id}: {told:?}");
    }
    let (came, distinct) = (partner.ids().len(), partner.ids().into_iter().collect::<HashSet<_>>().len());
    println!("{} recharges, {distinct} events, {} delivered more than once", sold.len(), came - distinct);
    assert!(came > distinct);
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
    let verify = [&["verify"], &store[..]].concat();
    assert!(taabia_must(&verify).await.contains("The books are right"));
}

processes_on_both!(killed);
