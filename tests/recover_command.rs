//! A store that comes back from a backup: what was sold after it is known outside only, and nothing is sold until the
//! books agree again. By the commands, over the API, on both databases.

use std::path::Path;

use serde_json::{Value, json};
use taabia::domain::BusinessDay;
use taabia::ports::Clock;

use crate::support::RealClock;
use crate::support::database::{copy_of, empty_postgres};
use crate::support::partners::{QUICK_DOUBT, simulator};
use crate::support::program::{Api, Server, credentials, http_client, order, taabia, taabia_must, text};

/// A command that must end with 1; what it printed.
async fn not_yet(arguments: &[&str]) -> String {
    let output = taabia(arguments).await;
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {} {}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

async fn stop(mut server: Server) {
    server.terminate();
    assert!(server.ended().await.success(), "{}", server.log());
}

struct Shop {
    api: Api,
    outlets: Vec<String>,
}

impl Shop {
    async fn enter(server: &Server, folder: &Path) -> Self {
        let atm = credentials(folder, "atm");
        Self { api: Api::enter_as(&server.url, &atm).await, outlets: atm.resellers }
    }

    async fn sell(&self, key: &str, last_digits: u32, amount: &str) -> (u16, Value) {
        let order = order(key, &self.outlets[0], &format!("+2126123456{last_digits:02}"), amount);
        let reply = self.api.post("/v1/recharges", &order).await.unwrap();
        (reply.status, reply.body)
    }
}

/// What the charging system has beyond the books, written off by two persons.
async fn write_off_all(server: &Server, folder: &Path) -> usize {
    let maker = Api::enter_as(&server.url, &credentials(folder, "operator_maker")).await;
    let checker = Api::enter_as(&server.url, &credentials(folder, "operator_checker")).await;
    let items = maker.get("/v1/settlement-items").await.unwrap().body["items"].as_array().unwrap().clone();
    for (number, item) in items.iter().enumerate() {
        let asked = json!({
            "external_id": format!("lost-{number}"), "item_id": item["id"], "resolution": "write_off",
            "reason": "sold after the backup", "document": "INC-7",
        });
        let asked = maker.post("/v1/resolutions", &asked).await.unwrap();
        assert_eq!(asked.status, 201, "{asked:?}");
        let place = format!("/v1/resolutions/{}/approval", asked.body["id"].as_str().unwrap());
        let approved = checker.post(&place, &json!({ "decision": "approve", "reason": "seen" })).await.unwrap();
        assert_eq!(approved.body["status"], "approved", "{approved:?}");
    }
    items.len()
}

async fn restored(folder: &Path, database: &str, backup: impl AsyncFnOnce() -> String) {
    let charging = simulator(&folder.join("charging")).await;
    let charging_url = format!("http://{}", charging.addr());
    let data_dir = folder.display().to_string();
    let store =
        |database: &str| vec!["--data-dir".to_owned(), data_dir.clone(), "--database-url".into(), database.into()];
    let line = |command: &[&str], database: &str| -> Vec<String> {
        command.iter().map(ToString::to_string).chain(store(database)).collect()
    };
    let start = async |database: &str| {
        let command = [&["demo", "--no-traffic", "--charging-url", &charging_url][..], &QUICK_DOUBT].concat();
        let arguments = line(&command, database);
        Server::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    let server = start(database).await;
    let shop = Shop::enter(&server, folder).await;
    for key in ["a", "b"] {
        assert_eq!(shop.sell(key, 10, "20.00").await.1["status"], "completed");
    }
    stop(server).await;
    let backup = backup().await;
    let server = start(database).await;
    let shop = Shop::enter(&server, folder).await;
    assert_eq!(shop.sell("lost", 11, "30.00").await.1["status"], "completed");
    drop(server);

    // What is there now is the backup.
    let refer = |arguments: &'static [&'static str]| line(arguments, &backup);
    let call = async |arguments: &'static [&'static str]| {
        let arguments = refer(arguments);
        taabia_must(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    let wait = async |arguments: &[&str]| {
        let arguments = line(arguments, &backup);
        not_yet(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    wait(&["recover", "status"]).await;
    let begun = call(&["recover", "begin", "--reason", "the disk was lost"]).await;
    assert!(begun.starts_with("sales are refused since "), "{begun}");
    assert!(call(&["recover", "begin"]).await.contains("already"));
    let server = start(&backup).await;
    let shop = Shop::enter(&server, folder).await;
    let (status, refused) = shop.sell("new", 12, "10.00").await;
    assert_eq!((status, &refused["code"], &refused["retry"]), (503, &json!("recovering"), &json!("same_id")));
    let ready = http_client().get(format!("{}/readyz", server.url)).send().await.unwrap().text().await.unwrap();
    assert!(ready.contains("\nsales refused since "), "{ready}");
    let balance = format!("/v1/resellers/{}/balance", shop.outlets[0]);
    assert_eq!(shop.api.get(&balance).await.unwrap().status, 200);
    stop(server).await;

    let listed = wait(&["recover", "status"]).await;
    assert!(listed.contains("charging system: nothing was imported"), "{listed}");
    assert!(wait(&["recover", "finish"]).await.contains("sales stay refused"));
    let mut import = vec!["recover".to_owned(), "import".into()];
    for back in [1, 0] {
        let day = BusinessDay::of(RealClock.now().plus_ms(-86_400_000 * back), &jiff::tz::TimeZone::UTC);
        let record = http_client().get(format!("{charging_url}/records/{day}.csv")).send().await.unwrap();
        let path = folder.join(format!("{day}.csv"));
        std::fs::write(&path, record.bytes().await.unwrap()).unwrap();
        import.extend(["--record".into(), path.display().to_string()]);
    }
    let import: Vec<&str> = import.iter().map(String::as_str).collect();
    let imported = wait(&import).await;
    assert!(imported.contains("missing here"), "{imported}");
    let listed = wait(&["recover", "finish"]).await;
    assert!(listed.contains("1 lines differ and are not resolved"), "{listed}");

    let server = start(&backup).await;
    assert_eq!(write_off_all(&server, folder).await, 1);
    stop(server).await;
    wait(&["recover", "finish", "--without", "nobody"]).await;
    let agreed = call(&["recover", "status"]).await;
    assert!(agreed.contains("nothing is outstanding"), "{agreed}");
    let ended = call(&["recover", "finish", "--reason", "no card was charged"]).await;
    assert!(ended.contains("sales are let through"), "{ended}");

    let server = start(&backup).await;
    let shop = Shop::enter(&server, folder).await;
    assert_eq!(shop.sell("new", 12, "10.00").await.1["status"], "completed");
    let auditor = Api::enter_as(&server.url, &credentials(folder, "auditor")).await;
    let actions = auditor.get("/v1/audit?limit=200").await.unwrap().body.to_string();
    for reason in ["the disk was lost", "no card was charged"] {
        assert!(actions.contains(reason), "{actions}");
    }
    stop(server).await;
    assert!(call(&["verify"]).await.contains("The books are right"));
    charging.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_store_sells_when_the_books_agree_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let (store, backup) = (folder.path().join("taabia.db"), folder.path().join("backup.db"));
    let url = |path: &Path| format!("sqlite://{}", path.display());
    let copy = async || {
        // The latest commits may still be in the log beside it.
        for beside in ["", "-wal"] {
            let named = |path: &Path| format!("{}{beside}", path.display());
            if Path::new(&named(&store)).exists() {
                std::fs::copy(named(&store), named(&backup)).unwrap();
            }
        }
        url(&backup)
    };
    restored(folder.path(), &url(&store), copy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_store_sells_when_the_books_agree_on_postgres() {
    let folder = tempfile::tempdir().unwrap();
    let database = empty_postgres().await;
    restored(folder.path(), &database, async || copy_of(&database).await).await;
}
