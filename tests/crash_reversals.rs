//! `kill -9` while recharges are taken back: after the reservation, during the call, before the answer. Every advice is
//! repeated until it is acknowledged, takes effect once, and our books are the charging system's.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use taabia::ports::Clock;

use crate::support::partners::{QUICK_DOUBT, applied, simulator};
use crate::support::program::{Api, Credentials, Server, credentials, order, processes_on_both, taabia_must, until};
use crate::support::{RealClock, SeededRandomness, setting};

/// Endings that are approved at once, slowly, and with a server error although it took effect.
const ENDINGS: [u64; 8] = [10, 20, 6, 5, 30, 6, 5, 40];
const KILLS: usize = 3;

/// Sends until there is an answer that is final.
async fn acknowledged(server: &str, credentials: &Credentials, path: &str, body: &Value) -> Value {
    until("an answer that is final", async || {
        let api = Api::enter_as(server, credentials).await;
        let reply = api.post(path, body).await.ok()?;
        Some(reply.body).filter(|body| body["final"] == true)
    })
    .await
}

async fn killed_while_taking_back(data_dir: &std::path::Path, database: &str) {
    let seed = setting("TAABIA_CRASH_SEED", RealClock.now().unix_ms().unsigned_abs());
    println!("TAABIA_CRASH_SEED={seed}");
    let random = SeededRandomness::new(seed);
    let charging = simulator(&data_dir.join("charging")).await;
    let charging_url = format!("http://{}", charging.addr());
    let folder = data_dir.display().to_string();
    let store = ["--data-dir", &folder, "--database-url", database];
    // What was paid out stays with the outlet until it earns again: nothing is, so that its balance is as before.
    let rare = ["--set=commission.payout_every_s=0"];
    let demo = [&["demo", "--no-traffic", "--charging-url", &charging_url], &store[..], &QUICK_DOUBT, &rare].concat();
    let mut server = Server::start(&demo).await;
    let atm = credentials(data_dir, "atm");
    let outlet = &atm.resellers[0];
    let balance = async |url: &str| {
        let api = Api::enter_as(url, &atm).await;
        api.get(&format!("/v1/resellers/{outlet}/balance")).await.unwrap().body["available"].clone()
    };
    let before = balance(&server.url).await;
    let sold = ENDINGS.iter().enumerate().map(|(number, ending)| {
        let msisdn = format!("+2126{number:06}{ending:02}");
        let body = order(&format!("sold-{number}"), outlet, &msisdn, "20.00");
        let (url, atm) = (&server.url, &atm);
        async move { acknowledged(url, atm, "/v1/recharges", &body).await }
    });
    let sold = join_all(sold).await;
    assert!(sold.iter().all(|it| it["status"] == "completed"), "{sold:?}");
    assert_eq!(applied(&charging_url).await, json!({ "count": ENDINGS.len(), "total_minor": 2_000 * ENDINGS.len() }));

    let advice = |number: usize| {
        json!({ "external_id": format!("back-{number}"), "original_external_id": format!("sold-{number}"),
            "reseller_id": outlet, "reason": "0420" })
    };
    for _ in 0..KILLS {
        let api = Api::enter_as(&server.url, &atm).await;
        let calls = (0..ENDINGS.len()).map(|number| {
            let (api, body) = (api.clone(), advice(number));
            tokio::spawn(async move { api.post("/v1/recharges/reversal", &body).await })
        });
        let calls: Vec<_> = calls.collect();
        // The moment is the point: anywhere within a reservation, a call or a commit.
        tokio::time::sleep(Duration::from_micros(random.next() % 300_000)).await;
        server.kill();
        join_all(calls).await;
        server = Server::start(&demo).await;
    }
    let (url, atm) = (&server.url, &atm);
    let back = (0..ENDINGS.len())
        .map(|number| async move { acknowledged(url, atm, "/v1/recharges/reversal", &advice(number)).await });
    let back = join_all(back).await;
    for (recharge, reversal) in sold.iter().zip(&back) {
        assert_eq!(
            (&reversal["status"], &reversal["recharge_id"]),
            (&json!("completed"), &recharge["id"]),
            "{reversal}"
        );
        assert_eq!(reversal["amount"], "20.00");
    }
    assert_eq!(balance(url).await, before, "each once");
    assert_eq!(applied(&charging_url).await, json!({ "count": ENDINGS.len(), "total_minor": 0 }));
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
    let verified = taabia_must(&[&["verify"], &store[..]].concat()).await;
    assert!(verified.contains("The books are right"), "{verified}");
    charging.shutdown().await;
}

processes_on_both!(killed_while_taking_back);
