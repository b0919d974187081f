//! `kill -9` of the server under load, again and again: nothing acknowledged is lost, nothing happens twice, and
//! our books are the charging system's. `TAABIA_CRASH_ROUNDS` kills more often; the seed is printed.

use std::time::Duration;

use serde_json::json;
use taabia::ports::Clock;

use crate::support::partners::{Partners, QUICK_DOUBT, simulator};
use crate::support::program::{Api, Server, credentials, processes_on_both, taabia_must, until};
use crate::support::{RealClock, SeededRandomness, setting};

const PARTNERS: usize = 24;

async fn killed_in_a_loop(data_dir: &std::path::Path, database: &str) {
    let rounds = setting("TAABIA_CRASH_ROUNDS", 3);
    let seed = setting("TAABIA_CRASH_SEED", RealClock.now().unix_ms().unsigned_abs());
    println!("TAABIA_CRASH_SEED={seed}");
    let random = SeededRandomness::new(seed);
    let charging = simulator(&data_dir.join("charging")).await;
    let charging_url = format!("http://{}", charging.addr());
    let folder = data_dir.display().to_string();
    let store = ["--data-dir", &folder, "--database-url", database];
    let demo = [&["demo", "--no-traffic", "--charging-url", &charging_url], &store[..], &QUICK_DOUBT].concat();
    let verify = [&["verify"], &store[..]].concat();

    let mut server = Server::start(&demo).await;
    let partners = Partners::start(PARTNERS, seed, credentials(data_dir, "atm"), true);
    partners.go_to(&server.url).await;
    for round in 1..=rounds {
        partners.progress(60).await;
        // The moment is the point: anywhere within a batch, a commit, a refill or an answer.
        tokio::time::sleep(Duration::from_micros(random.next() % 400_000)).await;
        server.kill();
        partners.leave();
        server = Server::start(&demo).await;
        partners.go_to(&server.url).await;
        println!("round {round} of {rounds}: killed and started again");
    }
    partners.progress(30).await;
    let live = taabia_must(&verify).await;
    assert!(live.contains("The books are right"), "on a live store: {live}");
    partners.settle(&charging_url).await;
    assert!(server.is_running());
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
    let stopped = taabia_must(&verify).await;
    assert!(stopped.contains("The books are right"), "on a stopped store: {stopped}");
    charging.shutdown().await;
}

processes_on_both!(killed_in_a_loop);

/// A run over every outlet, many times over, while the server is killed again and again: each line exactly once.
async fn a_run_survives(data_dir: &std::path::Path, database: &str) {
    const LINES: usize = 4_000;
    let random = SeededRandomness::new(setting("TAABIA_CRASH_SEED", RealClock.now().unix_ms().unsigned_abs()));
    let folder = data_dir.display().to_string();
    let store = ["--data-dir", &folder, "--database-url", database];
    // Small steps, so that an end falls into the middle.
    let steps = ["--set", "allocation.in_flight=32", "--set", "allocation.take_over_after_ms=200"];
    let demo =
        [&["demo", "--no-traffic", "--charging", "in-process", "--listen", "127.0.0.1:0"], &store[..], &steps[..]]
            .concat();
    let mut server = Server::start(&demo).await;
    let maker = Api::enter_as(&server.url, &credentials(data_dir, "operator_maker")).await;
    let checker = Api::enter_as(&server.url, &credentials(data_dir, "operator_checker")).await;
    let issue =
        json!({ "external_id": "i", "amount": "1000000.00", "currency": "MAD", "reason": "more", "document": "PO" });
    let issue = maker.post("/v1/issues", &issue).await.unwrap().body["id"].as_str().unwrap().to_owned();
    let decision = json!({ "decision": "approve", "reason": "agreed" });
    let approved = checker.post(&format!("/v1/issues/{issue}/approval"), &decision).await.unwrap();
    assert_eq!(approved.body["status"], "approved", "{approved:?}");
    let outlets = credentials(data_dir, "operator_maker").resellers;
    let lines: Vec<_> =
        (0..LINES).map(|line| json!({ "reseller_id": outlets[line % outlets.len()], "amount": "1.00" })).collect();
    let run = json!({ "external_id": "r", "currency": "MAD", "terms": "on_account", "reason": "more", "lines": lines });
    let started = maker.post("/v1/allocation-runs", &run).await.unwrap();
    assert_eq!(started.status, 202, "{started:?}");
    let place = format!("/v1/allocation-runs/{}", started.body["id"].as_str().unwrap());
    let mut seen_running = 0;
    let done = loop {
        tokio::time::sleep(Duration::from_micros(random.next() % 600_000)).await;
        server.kill();
        server = Server::start(&demo).await;
        let maker = Api::enter_as(&server.url, &credentials(data_dir, "operator_maker")).await;
        let state = maker.get(&place).await.unwrap().body;
        if state["status"] == "running" && seen_running < 3 {
            seen_running += 1;
            let before = state["done"].as_i64().unwrap();
            until("the run to go on", async || {
                let now = maker.get(&place).await.unwrap().body;
                (now["done"].as_i64().unwrap() > before || now["final"] == true).then_some(())
            })
            .await;
            continue;
        }
        break until("the run to end", async || {
            let now = maker.get(&place).await.unwrap().body;
            (now["final"] == true).then_some(now)
        })
        .await;
    };
    assert!(seen_running > 0, "it was never killed in the middle");
    assert_eq!((&done["status"], &done["done"], &done["refused"]), (&json!("completed"), &json!(LINES), &json!(0)));
    assert_eq!(done["amount_done"], format!("{LINES}.00"));
    // What each outlet got by it, from its balance: the opening and a dirham per line.
    let auditor = Api::enter_as(&server.url, &credentials(data_dir, "auditor")).await;
    for (index, outlet) in outlets.iter().enumerate().step_by(37) {
        let lines = LINES / outlets.len() + usize::from(index < LINES % outlets.len());
        let balance = auditor.get(&format!("/v1/resellers/{outlet}/balance")).await.unwrap().body;
        assert_eq!(balance["posted"], format!("{}.00", 200_000_000 + lines), "{outlet}");
    }
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
    let verified = taabia_must(&[&["verify"], &store[..]].concat()).await;
    assert!(verified.contains("The books are right"), "{verified}");
}

processes_on_both!(a_run_survives);
