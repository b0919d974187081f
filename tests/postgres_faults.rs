//! Lines to PostgreSQL that break, backends that are ended, servers that are restarted: nothing is lost or
//! doubled, callers get a clean refusal, and everything goes on without a restart of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};
use taabia::domain::Status;
use taabia::engine::EngineConfig;
use taabia::ledger::{Evidence, Outcome, Request};
use taabia::ports::LedgerError;
use tokio::time::Instant;

use crate::support::database::{Database, empty_postgres, open};
use crate::support::partners::{Partners, QUICK_DOUBT, is_clean_refusal, simulator};
use crate::support::postgres::{Cluster, Ending};
use crate::support::program::{Api, Server, credentials, order, taabia_must, until};
use crate::support::proxy::{CommitFault, Proxy};
use crate::support::world::{Books, World};
use crate::support::{books_of, setting};

const STOCK: i64 = 100_000_000;

/// An engine on a database behind a line that breaks.
struct Behind {
    database: Database,
    proxy: Proxy,
    world: Arc<World>,
}

impl Behind {
    async fn proxy(config: EngineConfig) -> Self {
        let database = Database::postgres().await;
        let proxy = Proxy::to(&database.url).await;
        let storage = open(&proxy.url).await.unwrap();
        let books = Books {
            store: storage.store,
            registry: storage.registry,
            network: storage.network,
            audit: storage.audit,
            movements: storage.movements,
        };
        let world = Arc::new(World::with(books, config).await);
        for name in NAMES {
            world.reseller(name, STOCK).await;
        }
        Self { database, proxy, world }
    }

    /// Ends the engine; the books must stand, as seen without the line, and nothing ever deadlocked.
    async fn close(self) {
        self.world.nodes[0].close().await;
        crate::support::must_verify(&*books_of(&self.database).audit).await;
        let mut connection = PgConnection::connect(&self.database.url).await.unwrap();
        let deadlocks: i64 =
            sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
                .fetch_one(&mut connection)
                .await
                .unwrap();
        assert_eq!(deadlocks, 0, "SQLSTATE 40P01");
    }
}

const NAMES: [&str; 4] = ["R0", "R1", "R2", "R3"];

/// Sends until the answer says something; how often it did not is counted.
async fn insist(world: &World, request: Request, refused: &AtomicU64) -> Outcome {
    loop {
        match world.execute(request.clone()).await {
            Ok(outcome) => return outcome,
            Err(LedgerError::Unavailable { .. } | LedgerError::Overloaded { .. }) => {
                refused.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{request:?}: {error}"),
        }
    }
}

/// Recharges from every reseller until told to stop; then each is completed once.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<i64>>,
}

impl Load {
    fn start(world: &Arc<World>) -> Self {
        let (stop, done, refused) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Arc::default());
        let tasks = (0..16).map(|number| {
            let (world, stop, done, refused) = (world.clone(), stop.clone(), done.clone(), Arc::clone(&refused));
            tokio::spawn(async move {
                let mut count = 0;
                while !stop.load(Ordering::SeqCst) {
                    let name = NAMES[number % NAMES.len()];
                    let reserve = Request::Reserve(world.reserve(name, &format!("load-{number}-{count}"), 500));
                    let reserved = insist(&world, reserve.clone(), &refused).await.operation().unwrap().clone();
                    // A resolution waits for the store; it is never refused.
                    let settled = world.must(World::resolve(reserved.id, Evidence::Applied)).await;
                    assert_eq!(settled.operation().unwrap().status, Status::Completed);
                    let again = insist(&world, reserve, &refused).await;
                    assert!(matches!(&again, Outcome::Replayed(again) if again.id == reserved.id), "{again:?}");
                    count += 1;
                    done.fetch_add(1, Ordering::SeqCst);
                }
                count
            })
        });
        let tasks = tasks.collect();
        Self { stop, done, refused, tasks }
    }

    async fn progress(&self, more: u64) {
        let goal = self.done.load(Ordering::SeqCst) + more;
        until("recharges", async || (self.done.load(Ordering::SeqCst) >= goal).then_some(())).await;
    }

    /// Every recharge took effect once.
    async fn end(self, world: &World) {
        self.stop.store(true, Ordering::SeqCst);
        let mut sold = [0; NAMES.len()];
        for (number, task) in self.tasks.into_iter().enumerate() {
            sold[number % NAMES.len()] += 500 * task.await.unwrap();
        }
        for (name, sold) in NAMES.iter().zip(sold) {
            let stock = world.stock(name).await;
            assert_eq!((stock.posted, stock.held), (STOCK - sold, 0), "{name}");
        }
        println!("{} recharges, {} refused", self.done.load(Ordering::SeqCst), self.refused.load(Ordering::SeqCst));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_line_is_cut_takes_effect_once() {
    let behind = Behind::proxy(EngineConfig::default()).await;
    let world = &behind.world;
    let faults = [CommitFault::CutBefore, CommitFault::CutAnswer, CommitFault::CutAtOnce];
    for (round, fault) in faults.into_iter().enumerate() {
        let (before, key) = (world.stock("R0").await, format!("k{round}"));
        behind.proxy.arm([fault]);
        let reserve = Request::Reserve(world.reserve("R0", &key, 1_000));
        let reserved = world.must(reserve.clone()).await;
        assert!(matches!(&reserved, Outcome::Decided(_)), "{fault:?}: {reserved:?}");
        assert_eq!(behind.proxy.armed(), 0, "{fault:?} struck");
        let id = reserved.operation().unwrap().id;
        behind.proxy.arm([fault, fault]);
        let settled = world.must(World::resolve(id, Evidence::Applied)).await;
        assert_eq!(settled.operation().unwrap().status, Status::Completed, "{fault:?}");
        behind.proxy.disarm();
        let again = world.must(reserve).await;
        assert!(matches!(&again, Outcome::Replayed(again) if again.id == id), "{fault:?}: {again:?}");
        let after = world.stock("R0").await;
        assert_eq!((after.posted, after.held), (before.posted - 1_000, 0), "{fault:?}");
    }
    behind.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_cut_under_load_lose_and_double_nothing() {
    let behind = Behind::proxy(EngineConfig { max_batch: 16, ..EngineConfig::default() }).await;
    let load = Load::start(&behind.world);
    let faults = [CommitFault::CutBefore, CommitFault::CutAnswer, CommitFault::CutAtOnce];
    for round in 0..8 {
        load.progress(10).await;
        behind.proxy.arm(faults.into_iter().cycle().skip(round).take(4));
    }
    until("the last fault", async || (behind.proxy.armed() == 0).then_some(())).await;
    load.end(&behind.world).await;
    behind.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_backends_and_cut_lines_under_load() {
    let behind = Behind::proxy(EngineConfig::default()).await;
    let load = Load::start(&behind.world);
    let mut owner = PgConnection::connect(&behind.database.url).await.unwrap();
    let mut ended = 0;
    for round in 0..8 {
        load.progress(20).await;
        if round % 4 == 3 {
            behind.proxy.cut();
            continue;
        }
        let backends = owner
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'taabia'",
            )
            .await;
        ended += backends.unwrap().rows_affected();
    }
    load.progress(20).await;
    assert!(ended > 0, "some backends were there to be ended");
    load.end(&behind.world).await;
    behind.close().await;
}

/// The line goes silent and stays open, once in the middle of nothing and once before COMMIT is answered. Nobody
/// resets anything: the posters must give up by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_went_silent_holds_a_poster_for_seconds_only() {
    let behind = Behind::proxy(EngineConfig { posters: 1, ..EngineConfig::default() }).await;
    let world = &behind.world;
    behind.proxy.arm([CommitFault::Silence]);
    let begun = Instant::now();
    let reserved = world.must(Request::Reserve(world.reserve("R0", "silent", 1_000))).await;
    assert!(matches!(&reserved, Outcome::Decided(_)), "{reserved:?}");
    println!("an unanswered commit was resolved after {:?}", begun.elapsed());
    behind.proxy.silence();
    let begun = Instant::now();
    let settled = world.must(World::resolve(reserved.operation().unwrap().id, Evidence::Applied)).await;
    assert_eq!(settled.operation().unwrap().status, Status::Completed);
    println!("a silent line was given up after {:?}", begun.elapsed());
    // Each silent connection of the reads' pool is given up in the same way.
    let (shard, id) = (world.shard("R0"), world.id("R0"));
    let stock = until("reads", async || world.books.store.stock(shard, id).await.ok()).await.unwrap();
    assert_eq!((stock.posted, stock.held), (STOCK - 1_000, 0));
    behind.close().await;
}

/// While the database is out of reach, every call is refused as the contract says and soon; afterwards the same
/// process goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_out_of_reach_is_a_clean_503() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::to(&empty_postgres().await).await;
    let data_dir = folder.path().display().to_string();
    let arguments = ["demo", "--no-traffic", "--charging=in-process", "--data-dir", &data_dir];
    let demo = [&arguments[..], &["--database-url", &proxy.url], &QUICK_DOUBT].concat();
    let mut server = Server::start(&demo).await;
    let atm = credentials(folder.path(), "atm");
    let api = Api::enter_as(&server.url, &atm).await;
    let reseller = &atm.resellers[0];
    let sold = api.post("/v1/recharges", &order("before", reseller, "+212612345678", "20.00")).await.unwrap();
    assert_eq!((sold.status, &sold.body["status"]), (201, &"completed".into()), "{sold:?}");

    proxy.down();
    let balance = format!("/v1/resellers/{reseller}/balance");
    let known = format!("/v1/recharges/{}", sold.body["id"].as_str().unwrap());
    let body = order("meanwhile", reseller, "+212612345679", "20.00");
    // Longer than anything that is remembered about resellers lets a request get ahead without the store.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(12) {
        let asked = Instant::now();
        let replies = tokio::join!(api.post("/v1/recharges", &body), api.get(&balance), api.get(&known));
        for reply in [replies.0, replies.1, replies.2] {
            let reply = reply.unwrap();
            assert!(is_clean_refusal(&reply), "{reply:?}");
        }
        // Ours answer within seconds; the rest is for a busy machine.
        assert!(asked.elapsed() < Duration::from_secs(15), "refused after {:?}", asked.elapsed());
    }
    assert_eq!(api.get("/livez").await.unwrap().status, 200);
    assert!(is_clean_refusal(&api.get("/readyz").await.unwrap()));

    proxy.up();
    until("readiness", async || (api.get("/readyz").await.unwrap().status == 200).then_some(())).await;
    let sold = until("a recharge", async || {
        let reply = api.post("/v1/recharges", &body).await.unwrap();
        (reply.status != 503).then_some(reply)
    })
    .await;
    assert_eq!((sold.status, &sold.body["status"]), (201, &"completed".into()), "nothing was stored before: {sold:?}");
    assert!(server.is_running());
    let verified = taabia_must(&["verify", "--data-dir", &data_dir, "--database-url", &proxy.url]).await;
    assert!(verified.contains("The books are right"), "{verified}");
}

/// PostgreSQL itself restarts under load, orderly and as if it had crashed, with real fsync.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_server_restarts_under_load() {
    let mut cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let url = cluster.url_of("postgres");
    until("the cluster", async || PgConnection::connect(&url).await.ok()).await;
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().display().to_string();
    let charging = simulator(&folder.path().join("charging")).await;
    let charging_url = format!("http://{}", charging.addr());
    let store = ["--data-dir", &data_dir, "--database-url", &url];
    let demo = [&["demo", "--no-traffic", "--charging-url", &charging_url], &store[..], &QUICK_DOUBT].concat();
    let mut server = Server::start(&demo).await;
    let partners = Partners::start(16, 5, credentials(folder.path(), "atm"), false);
    partners.go_to(&server.url).await;
    let endings = [Ending::Fast, Ending::Immediate].into_iter().cycle();
    for ending in endings.take(usize::try_from(setting("TAABIA_RESTART_ROUNDS", 4)).unwrap()) {
        partners.progress(60).await;
        cluster.restart(ending);
    }
    partners.progress(60).await;
    assert!(partners.refused() > 0, "somebody noticed");
    partners.settle(&charging_url).await;
    assert!(server.is_running());
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
    taabia_must(&[&["verify"], &store[..]].concat()).await;
    for log in [cluster.log(), server.log()] {
        assert!(!log.contains("deadlock") && !log.contains("40P01"), "{log}");
    }
    charging.shutdown().await;
}
