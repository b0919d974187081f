//! The command line as an operator meets it: processes, exit codes, messages, files.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::{Connection, Executor, SqliteConnection};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::Instant;

use taabia::simulator::charging::{Config as SimulatorConfig, Server as Simulator};

use crate::support::database::empty_postgres;
use crate::support::program::{
    Api, Credentials, Server, credentials, demo_json, order, taabia, taabia_must, text, until,
};

/// Registers a test for a place on SQLite and one on PostgreSQL.
macro_rules! on_both_databases {
    ($name:ident, $test:expr) => {
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                ($test)(Place::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                ($test)(Place::postgres().await).await;
            }
        }
    };
}

/// A data directory and a store, neither used yet.
struct Place {
    folder: TempDir,
    data_dir: String,
    database: String,
}

impl Place {
    fn of(database: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { data_dir: folder.path().display().to_string(), database: database(folder.path()), folder }
    }

    fn sqlite() -> Self {
        Self::of(|folder| format!("sqlite://{}", folder.join("taabia.db").display()))
    }

    async fn postgres() -> Self {
        let database = empty_postgres().await;
        Self::of(|_| database)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command on this place.
    fn line<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        [command, &["--data-dir", &self.data_dir, "--database-url", &self.database]].concat()
    }

    fn server<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        [&self.line(command)[..], &["--listen=127.0.0.1:0", "--set=shutdown.unready_ms=100"]].concat()
    }

    fn demo(&self) -> Vec<&str> {
        self.server(&["demo", "--no-traffic", "--charging=in-process"])
    }
}

/// A command that must fail, with a message that says all of this.
async fn must_fail(line: &[&str], says: &[&str]) {
    let output = taabia(line).await;
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{line:?}: {message}");
    for part in says {
        assert!(message.contains(part), "{line:?} does not say {part:?}: {message}");
    }
}

on_both_databases!(serving_needs_a_migrated_store_and_migrating_twice_is_once, async |place: Place| {
    let (status, message) = Server::try_start(&place.server(&["serve"])).await.err().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(message.contains("no Taabia schema: run `taabia migrate` first"), "{message}");
    must_fail(&place.line(&["verify"]), &["run `taabia migrate` first"]).await;
    must_fail(&place.line(&["client", "list"]), &["run `taabia migrate` first"]).await;
    for _ in 0..2 {
        let printed = taabia_must(&place.line(&["migrate"])).await;
        assert_eq!(printed, "the store is up to date\n");
    }
    must_fail(&place.line(&["migrate", "--set=shards=4"]), &["8 shards, not 4"]).await;
    let francs = ["migrate", "--set=currency=XOF", "--set=recharge.airtime_min=5", "--set=recharge.airtime_max=500"];
    must_fail(&place.line(&francs), &["MAD", "not XOF"]).await;
    assert!(taabia_must(&place.line(&["verify"])).await.contains("The books are right"));
    let mut server = Server::start(&place.server(&["serve"])).await;
    assert!(taabia_must(&place.line(&["migrate"])).await.contains("up to date"), "also under a running server");
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_the_same_file_is_refused() {
    let place = Place::sqlite();
    taabia_must(&place.line(&["migrate"])).await;
    let mut first = Server::start(&place.server(&["serve"])).await;
    for command in [&["serve"][..], &["demo", "--no-traffic"]] {
        let (status, message) = Server::try_start(&place.server(command)).await.err().unwrap();
        assert_eq!(status.code(), Some(1));
        assert!(message.contains("another process serves this database"), "{message}");
    }
    assert!(first.is_running());
    first.kill();
    Server::start(&place.server(&["serve"])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_one_postgres() {
    let place = Place::postgres().await;
    let first = Server::start(&place.demo()).await;
    let atm = credentials(place.path(), "atm");
    let second = Server::start(&place.server(&["serve", "--set=charging.kind=in_process"])).await;
    // Each is the issuer of its own tokens, as long as no common issuer is configured.
    let (here, there) = (Api::enter_as(&first.url, &atm).await, Api::enter_as(&second.url, &atm).await);
    let body = order("both", &atm.resellers[0], "+212612345678", "20.00");
    let sold = here.post("/v1/recharges", &body).await.unwrap();
    let replayed = there.post("/v1/recharges", &body).await.unwrap();
    assert_eq!((sold.status, replayed.status), (201, 200));
    assert_eq!(sold.body["id"], replayed.body["id"]);
}

on_both_databases!(a_demo_started_again_goes_on_where_it_stood, async |place: Place| {
    // What the sale earned would be paid out in between.
    let demo = place.demo();
    let demo = [&demo[..], &["--set=commission.payout_every_s=0"]].concat();
    let mut server = Server::start(&demo).await;
    let before = demo_json(place.path());
    let atm = credentials(place.path(), "atm");
    let api = Api::enter_as(&server.url, &atm).await;
    let body = order("once", &atm.resellers[0], "+212612345678", "20.00");
    let sold = api.post("/v1/recharges", &body).await.unwrap();
    assert_eq!((sold.status, &sold.body["status"]), (201, &"completed".into()), "{sold:?}");
    let path = format!("/v1/resellers/{}/balance", atm.resellers[0]);
    let balance = api.get(&path).await.unwrap().body;
    assert_eq!(balance["posted"], "199999980.00", "{balance}");
    server.kill();

    let server = Server::start(&demo).await;
    let after = demo_json(place.path());
    assert_eq!(before["clients"], after["clients"]);
    assert_eq!(after["api"], server.url);
    let api = Api::enter_as(&server.url, &atm).await;
    let now = api.get(&path).await.unwrap().body;
    assert_eq!((&now["posted"], &now["held"]), (&balance["posted"], &balance["held"]));
    let replayed = api.post("/v1/recharges", &body).await.unwrap();
    assert_eq!((replayed.status, &replayed.body), (200, &sold.body));
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn demo_json_is_as_the_contract_says() {
    let place = Place::sqlite();
    let server = Server::start(&place.server(&["demo", "--no-traffic"])).await;
    let demo = demo_json(place.path());
    let names = |object: &serde_json::Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&demo), ["acquirer_simulator", "api", "charging_simulator", "clients"]);
    assert_eq!(demo["api"], server.url);
    let simulator = format!("{}/applied/summary", demo["charging_simulator"].as_str().unwrap());
    let summary = crate::support::program::http_client().get(simulator).send().await.unwrap();
    assert_eq!(summary.json::<serde_json::Value>().await.unwrap(), serde_json::json!({"count": 0, "total_minor": 0}));
    let clients = demo["clients"].as_array().unwrap();
    let listed: Vec<_> = clients.iter().map(|client| client["name"].as_str().unwrap()).collect();
    let expected =
        ["atm", "bank_app", "pos", "reseller", "operator_maker", "operator_checker", "auditor", "care", "other_bank"];
    assert_eq!(listed, expected);
    for client in clients {
        assert_eq!(names(client), ["client_id", "client_secret", "name", "reseller_ids", "scopes"]);
        let one = credentials(place.path(), client["name"].as_str().unwrap());
        assert!(one.client_id.starts_with("cli_") && !client["scopes"].as_array().unwrap().is_empty());
        assert!(one.resellers.iter().all(|id| id.starts_with("rsl_")) && !one.resellers.is_empty());
        let whoami = Api::enter_as(&server.url, &one).await.get("/v1/whoami").await.unwrap();
        assert_eq!((whoami.status, &whoami.body["name"]), (200, &client["name"]));
    }
    let (atm, other) = (credentials(place.path(), "atm"), credentials(place.path(), "other_bank"));
    assert!(atm.resellers.len() >= 100);
    let of_operator = |name: &str| name.starts_with("operator") || ["auditor", "care"].contains(&name);
    let everybody_else = listed.iter().filter(|name| !of_operator(name));
    for name in everybody_else.filter(|name| **name != "other_bank") {
        let theirs = credentials(place.path(), name).resellers;
        assert!(other.resellers.iter().all(|id| !theirs.contains(id)), "{name}");
    }
    let api = Api::enter_as(&server.url, &atm).await;
    for outlet in [atm.resellers.first().unwrap(), atm.resellers.last().unwrap()] {
        let balance = api.get(&format!("/v1/resellers/{outlet}/balance")).await.unwrap().body;
        let available: f64 = balance["available"].as_str().unwrap().parse().unwrap();
        assert!(available >= 100_000_000.0, "{balance}");
    }
    let foreign = api.get(&format!("/v1/resellers/{}/balance", other.resellers[0])).await.unwrap();
    assert_eq!(foreign.status, 404);
    for secret in ["demo.json", "signing-key.pem"] {
        let mode = std::fs::metadata(place.path().join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    let log = server.log();
    assert!(!log.contains('\u{1b}'), "colours are for terminals: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_others_can_read_or_that_is_missing_is_refused() {
    let place = Place::sqlite();
    taabia_must(&place.line(&["migrate"])).await;
    let mut server = Server::start(&place.server(&["serve"])).await;
    server.kill();
    let key = place.path().join("signing-key.pem");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let (status, message) = Server::try_start(&place.server(&["serve"])).await.err().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(message.contains("signing-key.pem"), "{message}");
    // One that is named is expected to be there: nodes that made one each would refuse each other's tokens.
    let missing = format!("--set=access.signing_key_file={}", place.path().join("mounted.pem").display());
    let (status, message) = Server::try_start(&place.server(&["serve", &missing])).await.err().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(message.contains("mounted.pem"), "{message}");
}

on_both_databases!(sigterm_finishes_what_is_under_way, async |place: Place| {
    let slow = SimulatorConfig { slow: Duration::from_secs(2), ..SimulatorConfig::default() };
    let charging = Simulator::start(slow, TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap();
    let charging_url = format!("http://{}", charging.addr());
    let timings = ["--set=shutdown.unready_ms=1000", "--set=shutdown.drain_within_ms=60000"];
    let generous = ["--set=recharge.charging_deadline_ms=60000", "--set=recharge.answer_within_ms=60000"];
    let line = place.line(&["demo", "--no-traffic", "--listen=127.0.0.1:0", "--charging-url", &charging_url]);
    let mut server = Server::start(&[&line[..], &timings, &generous].concat()).await;
    let atm = credentials(place.path(), "atm");
    let api = Api::enter_as(&server.url, &atm).await;
    let reseller = atm.resellers[0].clone();
    let selling = tokio::spawn({
        let (api, reseller) = (api.clone(), reseller.clone());
        async move { api.post("/v1/recharges", &order("slow", &reseller, "+212612345606", "20.00")).await }
    });
    until("the refill under way", async || {
        let balance = api.get(&format!("/v1/resellers/{reseller}/balance")).await.unwrap();
        (balance.body["held"] == "20.00").then_some(())
    })
    .await;
    let asked = Instant::now();
    server.terminate();
    until("unreadiness", async || (api.get("/readyz").await.ok()?.status == 503).then_some(())).await;
    let sold = selling.await.unwrap().unwrap();
    assert_eq!((sold.status, &sold.body["status"]), (201, &"completed".into()), "{sold:?}");
    assert!(server.ended().await.success(), "{}", server.log());
    assert!(asked.elapsed() < Duration::from_mins(1), "ended after {:?}", asked.elapsed());
    assert!(api.get("/livez").await.is_err(), "nobody listens any more");
    assert!(taabia_must(&place.line(&["verify"])).await.contains("The books are right"));
    charging.shutdown().await;
});

on_both_databases!(sigterm_ends_within_its_bound_whatever_the_charging_system_does, async |place: Place| {
    let charging = Simulator::start(SimulatorConfig::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let charging = charging.await.unwrap();
    let charging_url = format!("http://{}", charging.addr());
    let timings = ["--set=shutdown.unready_ms=1", "--set=shutdown.drain_within_ms=500"];
    let patient = ["--set=recharge.charging_deadline_ms=3000000", "--set=recharge.answer_within_ms=3000000"];
    let line = place.line(&["demo", "--no-traffic", "--listen=127.0.0.1:0", "--charging-url", &charging_url]);
    let mut server = Server::start(&[&line[..], &timings, &patient].concat()).await;
    let atm = credentials(place.path(), "atm");
    let api = Api::enter_as(&server.url, &atm).await;
    let body = order("silent", &atm.resellers[0], "+212612345600", "20.00");
    let selling = tokio::spawn({
        let (api, body) = (api.clone(), body.clone());
        async move { api.post("/v1/recharges", &body).await }
    });
    until("the refill under way", async || {
        let balance = api.get(&format!("/v1/resellers/{}/balance", atm.resellers[0])).await.unwrap();
        (balance.body["held"] == "20.00").then_some(())
    })
    .await;
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
    assert!(selling.await.unwrap().is_err(), "it was cut off");

    // The operation goes on at the next start: it was applied, and nobody had told.
    let quick = ["--set=doubt.poll_interval_ms=50", "--set=doubt.backoff_initial_ms=50"];
    let server = Server::start(&[&line[..], &timings, &quick].concat()).await;
    let api = Api::enter_as(&server.url, &atm).await;
    let waiting = api.post("/v1/recharges", &body).await.unwrap();
    assert_eq!((waiting.status, &waiting.body["status"]), (200, &"submitted".into()), "its own deadline is far away");
    charging.shutdown().await;
});

on_both_databases!(clients_come_and_go_under_a_running_server, async |place: Place| {
    let demo = place.demo();
    let server = Server::start(&[&demo[..], &["--set=access.client_refresh_ms=500"]].concat()).await;
    let outlet = credentials(place.path(), "atm").resellers[0].clone();
    let scopes = "recharges:write,recharges:read,stock:read";
    let add = ["client", "add", "--name=kiosk", "--partner=Kiosk SA", "--scopes", scopes, "--resellers=D01-W01"];
    let secret = |printed: &str| {
        let field = |name: &str| printed.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        Credentials { client_id: field("client_id\t"), client_secret: field("client_secret\t"), resellers: vec![] }
    };
    let kiosk = secret(&taabia_must(&place.line(&add)).await);
    let api = Api::enter_as(&server.url, &kiosk).await;
    let sold = api.post("/v1/recharges", &order("k", &outlet, "+212612345678", "5.00")).await.unwrap();
    assert_eq!(sold.status, 201, "{sold:?}");

    let listed = taabia_must(&place.line(&["client", "list"])).await;
    let line = listed.lines().find(|line| line.starts_with(&kiosk.client_id)).unwrap();
    assert!(line.contains("kiosk") && line.contains("recharges:write") && line.ends_with("active"), "{line}");
    assert!(!listed.contains(&kiosk.client_secret) && !listed.contains("$argon2"));

    let rotated = secret(&taabia_must(&place.line(&["client", "rotate", &kiosk.client_id])).await);
    assert_eq!(rotated.client_id, kiosk.client_id);
    assert_ne!(rotated.client_secret, kiosk.client_secret);
    Api::enter_as(&server.url, &rotated).await;
    Api::enter_as(&server.url, &kiosk).await;

    let revoked = taabia_must(&place.line(&["client", "revoke", &kiosk.client_id])).await;
    assert!(revoked.contains("kiosk") || revoked.contains("revoked"), "{revoked}");
    let begun = Instant::now();
    until("the token's end", async || (api.get("/v1/whoami").await.unwrap().status == 401).then_some(())).await;
    assert!(begun.elapsed() < Duration::from_secs(20), "honoured after {:?}", begun.elapsed());
    for gone in [&kiosk, &rotated] {
        let refused = Api::enter(&server.url, &gone.client_id, &gone.client_secret).await.err().unwrap();
        assert_eq!((refused.status, &refused.body["error"]), (401, &"invalid_client".into()));
    }
    let listed = taabia_must(&place.line(&["client", "list"])).await;
    assert!(listed.lines().any(|line| line.starts_with(&kiosk.client_id) && line.contains("revoked 2")), "{listed}");
    must_fail(&place.line(&["client", "rotate", &kiosk.client_id]), &["no such client is known, or it is revoked"])
        .await;

    must_fail(&place.line(&["client", "revoke", "cli_nonsense"]), &["cli_"]).await;
    let nowhere = [&add[..6], &["--resellers=D99"]].concat();
    must_fail(&place.line(&nowhere), &["no reseller has the code D99"]).await;
    let unknown = ["client", "add", "--name=n", "--partner=p", "--scopes=recharges:steal", "--resellers=D01"];
    must_fail(&place.line(&unknown), &["recharges:steal", "expected one of", "recharges:write"]).await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_names_the_row_that_was_tampered_with() {
    let place = Place::sqlite();
    let mut server = Server::start(&place.demo()).await;
    let atm = credentials(place.path(), "atm");
    let api = Api::enter_as(&server.url, &atm).await;
    for n in 0..5 {
        let body = order(&format!("k{n}"), &atm.resellers[0], &format!("+21261234567{n}"), "20.00");
        assert_eq!(api.post("/v1/recharges", &body).await.unwrap().status, 201);
    }
    server.terminate();
    assert!(server.ended().await.success());
    let checkpoint = place.path().join("checkpoint.json").display().to_string();
    taabia_must(&place.line(&["verify", "--write-checkpoint", &checkpoint])).await;
    taabia_must(&place.line(&["verify", "--checkpoint", &checkpoint])).await;

    let mut by_hand = SqliteConnection::connect(&place.database).await.unwrap();
    let refused = by_hand.execute("UPDATE posting SET amount_minor = amount_minor + 1").await.unwrap_err();
    assert!(refused.to_string().contains("append-only"), "{refused}");
    for trigger in ["entry_refuses_update", "entry_refuses_delete", "posting_refuses_update", "posting_refuses_delete"]
    {
        by_hand.execute(sqlx::AssertSqlSafe(format!("DROP TRIGGER {trigger}"))).await.unwrap();
    }
    let last = "(shard, sequence) = (SELECT shard, sequence FROM posting ORDER BY shard DESC, sequence DESC LIMIT 1)";
    let operation = "id = (SELECT id FROM operation WHERE external_id = 'k3')";
    for (forward, back, names) in [
        (
            format!("UPDATE posting SET amount_minor = amount_minor + 1 WHERE {last} AND line = 1"),
            format!("UPDATE posting SET amount_minor = amount_minor - 1 WHERE {last} AND line = 1"),
            ["shard ", "entry "],
        ),
        (
            format!("UPDATE entry SET recorded_at = recorded_at - 1 WHERE {last}"),
            format!("UPDATE entry SET recorded_at = recorded_at + 1 WHERE {last}"),
            ["shard ", "entry "],
        ),
        (
            format!("UPDATE operation SET amount_minor = amount_minor + 1 WHERE {operation}"),
            format!("UPDATE operation SET amount_minor = amount_minor - 1 WHERE {operation}"),
            ["shard ", "entry "],
        ),
        (
            "UPDATE account SET posted = posted + 1 WHERE shard = 3 AND number = 1000".to_owned(),
            "UPDATE account SET posted = posted - 1 WHERE shard = 3 AND number = 1000".to_owned(),
            ["shard 3", "account 1000"],
        ),
    ] {
        let changed = by_hand.execute(sqlx::AssertSqlSafe(forward.clone())).await.unwrap();
        assert_eq!(changed.rows_affected(), 1, "{forward}");
        let says = [&["the books are NOT right: "][..], &names].concat();
        must_fail(&place.line(&["verify"]), &says).await;
        by_hand.execute(sqlx::AssertSqlSafe(back)).await.unwrap();
        taabia_must(&place.line(&["verify"])).await;
    }
    // The tail of the journal cut off.
    by_hand.execute(sqlx::AssertSqlSafe(format!("DELETE FROM entry WHERE {last}"))).await.unwrap();
    must_fail(&place.line(&["verify"]), &["the books are NOT right: ", "shard "]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_settings_are_named_with_what_was_expected() {
    let place = Place::sqlite();
    let file = place.path().join("taabia.toml");
    std::fs::write(&file, "[engine]\nmax_bach = 5\n").unwrap();
    let file = file.display().to_string();
    for (line, says) in [
        (vec!["serve", "--set=engine.max_batch=0"], ["engine.max_batch", "expected 1 to 4096, not 0"]),
        (vec!["serve", "--set=engine.turbo=1"], ["engine.turbo", "there is no such setting"]),
        (vec!["serve", "--set=time_zone=Africa/Atlantis"], ["time_zone", "expected an IANA time zone"]),
        (vec!["demo", "--set=charging.kind=pigeon"], ["charging.kind", "unknown variant `pigeon`"]),
        (vec!["demo", "--charging-url=localhost"], ["charging.url", "expected an http or https URL"]),
        (vec!["verify", "--config", &file], ["engine.max_bach", "unknown field"]),
        (vec!["migrate", "--config", "no/such.toml"], ["no/such.toml", "cannot read the configuration file"]),
        (vec!["migrate", "--database-url", "mysql://h/d"], ["database_url", "sqlite:// or postgres://"]),
    ] {
        must_fail(&[&line[..], &["--data-dir", &place.data_dir]].concat(), &says).await;
    }
    let usage = taabia(&["serve", "--listen=8080"]).await;
    assert_eq!(usage.status.code(), Some(2));
    assert!(text(&usage.stderr).contains("--listen"), "{}", text(&usage.stderr));
    assert!(!place.path().join("taabia.db").exists(), "nothing was made");
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = format!("--listen={}", taken.local_addr().unwrap());
    must_fail(&place.line(&["demo", "--no-traffic", &listen]), &[&listen["--listen=".len()..], "in use"]).await;
}
