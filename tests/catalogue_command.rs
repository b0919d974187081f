//! `taabia catalogue import` as an operator meets it.

use std::path::Path;

use serde_json::Value;

use crate::support::database::empty_postgres;
use crate::support::program::{Api, Server, credentials, order, processes_on_both, taabia, taabia_must, text};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/catalogue.morocco.toml");

async fn imports_what_fits_once(folder: &Path, database: &str) {
    let data_dir = folder.display().to_string();
    let line = |command: &[&str]| -> Vec<String> {
        let place = ["--data-dir", &data_dir, "--database-url", database];
        command.iter().chain(&place).map(|word| (*word).to_owned()).collect()
    };
    let run = async |command: &[&str]| {
        let line = line(command);
        taabia_must(&line.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    let fail = async |command: &[&str]| {
        let line = line(command);
        let output = taabia(&line.iter().map(String::as_str).collect::<Vec<_>>()).await;
        assert_eq!(output.status.code(), Some(1), "{line:?}");
        text(&output.stderr)
    };
    let rules = folder.join("rules.csv").display().to_string();
    let refused = fail(&["catalogue", "import", SAMPLE]).await;
    assert!(refused.contains("run `taabia migrate` first"), "{refused}");
    run(&["migrate"]).await;
    let dry = run(&["catalogue", "import", "--dry-run", SAMPLE]).await;
    assert!(dry.contains("10 products and 9 rules") && dry.contains("nothing was written"), "{dry}");
    assert!(run(&["catalogue", "import", SAMPLE]).await.starts_with("version 1: 10 products, 9 rules"));
    assert!(run(&["catalogue", "import", SAMPLE]).await.contains("stands like that already: version 1"));

    std::fs::write(&rules, "rule,kind,level,rate,pay_in\noutlet,commission,outlet,2,gold\n").unwrap();
    let refused = fail(&["catalogue", "import", &rules]).await;
    assert!(refused.contains("rules.csv, line 2, column pay_in: expected stock or money"), "{refused}");
    std::fs::write(&rules, "rule,kind,level,rate,pay_in\nother,commission,outlet,2,money\n").unwrap();
    let refused = fail(&["catalogue", "import", &rules]).await;
    assert!(refused.contains("rules outlet and other: both fit one deal"), "{refused}");
    std::fs::write(&rules, "rule,kind,level,rate,pay_in\noutlet,commission,outlet,5,money\n").unwrap();
    assert!(run(&["catalogue", "import", &rules]).await.starts_with("version 2: 10 products, 10 rules"));
    assert!(fail(&["catalogue", "import", "nowhere.toml"]).await.contains("nowhere.toml"));
    assert!(fail(&["catalogue", "import", "catalogue.txt"]).await.contains("ends in .toml or .csv"));
    assert!(run(&["verify"]).await.contains("The books are right"));
}

processes_on_both!(imports_what_fits_once);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_sells_by_what_is_imported_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data_dir, database) = (folder.path().display().to_string(), empty_postgres().await);
    let place = ["--data-dir", &data_dir, "--database-url", &database];
    let demo = ["demo", "--no-traffic", "--charging=in-process", "--listen=127.0.0.1:0"];
    let server = Server::start(&[&demo[..], &place].concat()).await;
    let atm = credentials(folder.path(), "atm");
    let api = Api::enter_as(&server.url, &atm).await;
    let sell = async |key: &str, number: &str| -> Value {
        let body = order(key, &atm.resellers[0], number, "20.00");
        api.post("/v1/recharges", &body).await.unwrap().body
    };
    assert_eq!(sell("a", "+212612345678").await["commission"], "0.40");
    let file = folder.path().join("rules.toml");
    std::fs::write(
        &file,
        "[[rule]]\ncode=\"outlet\"\nkind=\"commission\"\nlevel=\"outlet\"\nrate=\"5\"\npay_in=\"money\"\n",
    )
    .unwrap();
    let file = file.display().to_string();
    taabia_must(&[&["catalogue", "import", &file], &place[..]].concat()).await;
    assert_eq!(sell("b", "+212612345670").await["commission"], "1.00");
    let mut pass = order("c", &atm.resellers[0], "+212612345671", "20.00");
    pass["product"] = "*6".into();
    let declined = api.post("/v1/recharges", &pass).await.unwrap().body;
    assert_eq!(declined["decline"]["code"], "amount_out_of_range");
    // Started again, the demo leaves what the operator imported.
    drop(server);
    let server = Server::start(&[&demo[..], &place].concat()).await;
    let api = Api::enter_as(&server.url, &atm).await;
    assert_eq!(api.get("/v1/products").await.unwrap().body["version"], 2);
    assert!(taabia_must(&[&["verify"], &place[..]].concat()).await.contains("The books are right"));
}
