//! `kill -9` in the middle of payouts of commission and of transfers that wait for acceptance: each once, and the books
//! stand. (Allocation runs: `crash` and `allocate_command`.)

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use taabia::domain::catalogue::{Import, PayIn, RuleKind};
use taabia::domain::{OperationKind, Status, Timestamp};
use taabia::ledger::Evidence;

use crate::catalogue::{import, product};
use crate::commission::rule;
use crate::support::database::{Database, on_both};
use crate::support::program::{Api, PATIENCE, Server, spawn, taabia_must, until};
use crate::support::world::World;
use crate::support::{books_of, must_verify};

/// One number out of the database, as its owner would ask for it.
async fn number(db: &Database, query: String) -> i64 {
    let query = AssertSqlSafe(query);
    if db.is_postgres() {
        sqlx::query_scalar(query).fetch_one(&mut PgConnection::connect(&db.url).await.unwrap()).await.unwrap()
    } else {
        sqlx::query_scalar(query).fetch_one(&mut SqliteConnection::connect(&db.url).await.unwrap()).await.unwrap()
    }
}

/// Accounts in which commission has accrued, and how much.
async fn accrued(db: &Database) -> (i64, i64) {
    let of = |what: &str| format!("SELECT CAST({what} AS bigint) FROM account WHERE class IN (61, 64) AND posted <> 0");
    (number(db, of("count(*)")).await, number(db, of("coalesce(sum(posted), 0)")).await)
}

/// Payouts that took effect, and their sum.
async fn paid(db: &Database) -> (i64, i64) {
    let (kind, status) = (OperationKind::CommissionPayout.code(), Status::Completed.code());
    let of =
        |what: &str| format!("SELECT CAST({what} AS bigint) FROM operation WHERE kind = {kind} AND status = {status}");
    (number(db, of("count(*)")).await, number(db, of("coalesce(sum(amount_minor), 0)")).await)
}

const OUTLETS: i64 = 240;

/// Outlets below a wholesaler below a distributor; each sold once, and all of them earned by it.
async fn earned(world: &World) {
    world.reseller("D", 0).await;
    world.reseller_below("D", "W", 0).await;
    world
        .must(import(Import {
            products: vec![product("airtime", &[(500, 50_000)], Timestamp::EPOCH)],
            rules: vec![
                rule("outlet", RuleKind::Commission, "outlet", "3", Some(PayIn::Stock)),
                rule("above", RuleKind::Override, "outlet", "0.5", Some(PayIn::Money)),
            ],
            reversals: Vec::new(),
            withdrawn_rules: Vec::new(),
        }))
        .await;
    world.clock.advance_ms(1);
    for outlet in 0..OUTLETS {
        let name = format!("O{outlet}");
        world.reseller_below("W", &name, 100_000).await;
        let sold = world.recharge(&name, &name, 1_000 + 100 * (outlet % 7)).await;
        world.must(World::resolve(sold.id, Evidence::Applied)).await;
    }
}

on_both! {
    async fn a_payout_is_killed_and_started_again(db: &Database) {
        let world = World::new(books_of(db)).await;
        earned(&world).await;
        world.close().await;
        let (accounts, amount) = accrued(db).await;
        assert!(accounts > OUTLETS && amount > 0, "{accounts} {amount}");
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().display().to_string();
        // One payout for each commit, so that an end falls between two.
        let line = [
            "serve", "--listen=127.0.0.1:0", "--set=charging.kind=in_process", "--set=commission.payout_every_s=86400",
            "--set=engine.max_batch=1", "--set=engine.posters=1", "--data-dir", &data_dir, "--database-url", &db.url,
        ];
        let mut killed = 0;
        for part in 1..=4 {
            let mut server = spawn(&line);
            until("some more payouts", async || (paid(db).await.0 >= part * accounts / 6).then_some(())).await;
            server.kill().unwrap();
            server.wait().unwrap();
            killed += usize::from(accrued(db).await.0 > 0);
            let (done, sum) = paid(db).await;
            assert!(done <= accounts && sum <= amount, "{done} {sum}");
        }
        assert!(killed > 0, "it was killed in the middle");
        let mut server = Server::start(&line).await;
        until("all payouts", async || (accrued(db).await == (0, 0)).then_some(())).await;
        server.terminate();
        assert!(server.ended().await.success(), "{}", server.log());
        assert_eq!(paid(db).await, (accounts, amount), "each once");
        must_verify(&*db.storage.audit).await;
    }

    async fn transfers_with_acceptance_survive(db: &Database) {
        let world = World::new(books_of(db)).await;
        world.reseller("P", 10_000_000).await;
        let names: Vec<String> = (0..PARTIES).map(|n| format!("C{n}")).collect();
        for name in &names {
            world.reseller_below("P", name, 0).await;
        }
        let (parent, children) = (world.id("P").to_string(), names.iter().map(|name| world.id(name).to_string()));
        let children: Vec<String> = children.collect();
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().display().to_string();
        let store = ["--data-dir", &data_dir, "--database-url", &db.url];
        let client = ["client", "add", "--name=p", "--partner=P", "--resellers=P", "--scopes=stock:read,stock:write"];
        let client = taabia_must(&[&client[..], &store].concat()).await;
        let field = |n: usize| client.split_whitespace().nth(n).unwrap().to_owned();
        // The same place after every start, so that the token stays good.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("--listen=127.0.0.1:{port}");
        let line = [&["serve", &listen, "--set=charging.kind=in_process"][..], &store].concat();

        let mut server = Server::start(&line).await;
        let api = Api::enter(&server.url, &field(1), &field(3)).await.unwrap();
        let (ending, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let party = |child: &String| Party { api: api.clone(), parent: parent.clone(), child: child.clone() };
        let work = children.iter().map(|child| tokio::spawn(party(child).work(ending.clone(), done.clone())));
        let work: Vec<_> = work.collect();
        for round in 1..=4 {
            until("some more transfers", async || (done.load(Ordering::Relaxed) >= round * 30).then_some(())).await;
            tokio::time::sleep(Duration::from_millis(7 * u64::try_from(round).unwrap())).await;
            server.kill();
            server = Server::start(&line).await;
        }
        until("some more transfers", async || (done.load(Ordering::Relaxed) >= 160).then_some(())).await;
        ending.store(true, Ordering::Relaxed);
        let mut sent = BTreeMap::new();
        for (name, work) in names.iter().zip(work) {
            sent.insert(name, work.await.unwrap());
        }
        server.terminate();
        assert!(server.ended().await.success(), "{}", server.log());
        let total: i64 = sent.values().sum();
        assert!(total > 0);
        for (name, amount) in sent {
            assert_eq!(world.posted(name).await, (amount, 0), "{name}");
        }
        assert_eq!(world.posted("P").await, (10_000_000 - total, 0), "nothing is left aside");
        world.close().await;
    }
}

const PARTIES: usize = 8;

/// Offers stock to a child and accepts it for the child, one after the other, whatever happens to the server.
struct Party {
    api: Api,
    parent: String,
    child: String,
}

impl Party {
    /// What the child accepted, in minor units.
    async fn work(self, ending: Arc<AtomicBool>, done: Arc<AtomicUsize>) -> i64 {
        let mut sent = 0;
        for number in 1.. {
            if ending.load(Ordering::Relaxed) {
                break;
            }
            let amount = 100 + number;
            let offer = json!({
                "external_id": format!("{}-{number}", &self.child[4..]), "from_reseller_id": self.parent,
                "to_reseller_id": self.child, "amount": format!("{}.{:02}", amount / 100, amount % 100),
                "currency": "MAD", "kind": "transfer", "acceptance": "required",
            });
            let offered = self.until_answered("/v1/transfers", &offer).await;
            let path = format!("/v1/transfers/{}/acceptance", offered["id"].as_str().unwrap());
            let accepted = self.until_answered(&path, &json!({ "decision": "accept" })).await;
            assert_eq!(accepted["status"], "completed", "{accepted}");
            sent += amount;
            done.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    /// The same request again and again until the server has an answer; it takes effect once.
    async fn until_answered(&self, path: &str, body: &Value) -> Value {
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.api.post(path, body).await {
                Ok(reply) if (200..300).contains(&reply.status) => return reply.body,
                Ok(reply) if reply.status < 500 => panic!("{path}: {reply:?}"),
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        panic!("still waiting for an answer of {path}");
    }
}
