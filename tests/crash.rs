//! `kill -9` of the server under load, again and again: nothing acknowledged is lost, nothing happens twice, and
//! our books are the charging system's. `TAABIA_CRASH_ROUNDS` kills more often; the seed is printed.

use std::time::Duration;

use taabia::ports::Clock;

use crate::support::database::empty_postgres;
use crate::support::partners::{Partners, QUICK_DOUBT, simulator};
use crate::support::program::{Server, credentials, taabia_must};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_a_loop_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("taabia.db").display());
    killed_in_a_loop(folder.path(), &database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_a_loop_on_postgres() {
    let folder = tempfile::tempdir().unwrap();
    killed_in_a_loop(folder.path(), &empty_postgres().await).await;
}
