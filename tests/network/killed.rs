//! An import that is killed in the middle goes on where it stood: each row once.

use std::path::Path;

use taabia::simulator::network_file::NetworkFile;
use taabia::storage::Storage;

use crate::support::database::on_both;
use crate::support::must_verify;
use crate::support::program::{spawn, taabia, text, until};

const FILE: NetworkFile = NetworkFile { outlets: 6_000, distributors: 5, seed: 7 };

fn write_file(path: &Path) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    FILE.write(&mut out).unwrap();
}

/// How many rows of the file are in the network.
async fn found(storage: &Storage) -> i64 {
    let mut sum = 0;
    for distributor in ["CAS-D01", "RSK-D02", "MAR-D03", "FES-D04", "TTA-D05"] {
        if let Some(place) = storage.registry.reseller_by_code(distributor).await.unwrap() {
            let totals = storage.network.totals(place.id).await.unwrap();
            sum += totals.iter().map(|total| total.resellers).sum::<i64>();
        }
    }
    sum
}

/// The last line of an import that must end well.
async fn import(arguments: &[&str]) -> String {
    let output = taabia(arguments).await;
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    said.lines().last().unwrap().to_owned()
}

on_both! {
    async fn an_import_is_killed_and_started_again(db: &Database) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("network.csv");
        write_file(&file);
        let arguments = ["network", "import", file.to_str().unwrap(), "--database-url", &db.url];
        let rows = i64::try_from(FILE.rows()).unwrap();

        let mut first = spawn(&arguments);
        until("the first rows", async || (found(&db.storage).await > 500).then_some(())).await;
        first.kill().unwrap();
        first.wait().unwrap();
        let before = until("the killed transaction to end", async || Some(found(&db.storage).await)).await;
        assert!(before < rows, "it was killed in the middle");

        let last = import(&arguments).await;
        let unchanged: i64 = last.split(", ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(unchanged >= before, "{last}");
        assert_eq!(last, format!("{rows} rows: {} opened, {unchanged} unchanged, 0 refused", rows - unchanged));
        assert_eq!(found(&db.storage).await, rows);
        must_verify(&*db.storage.audit).await;
        let entries = db.storage.audit.snapshot().await.unwrap().heads.iter().map(|head| head.sequence).sum::<i64>();
        assert_eq!(entries, rows, "one entry for each");
        assert_eq!(import(&arguments).await, format!("{rows} rows: 0 opened, {rows} unchanged, 0 refused"));
    }

    async fn refused_rows_are_told_and_the_exit_says_so(db: &Database) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("network.csv");
        std::fs::write(&file, "code;name;level;parent_code\nD;توزيع;distributor;\nO;=1+1;outlet;D\n").unwrap();
        let output = taabia(&["network", "import", file.to_str().unwrap(), "--database-url", &db.url]).await;
        let said = text(&output.stdout);
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(lines[0].starts_with("line 3, column name: begins with ="), "{said}");
        assert_eq!(lines[1], "2 rows: 1 opened, 0 unchanged, 1 refused");
    }
}

#[tokio::test]
async fn the_generator_writes_what_the_import_reads() {
    let written =
        crate::support::program::taabia_must(&["simulate", "network", "--outlets", "60", "--seed", "3"]).await;
    let mut expected = Vec::new();
    NetworkFile { outlets: 60, distributors: 12, seed: 3 }.write(&mut expected).unwrap();
    assert_eq!(written.as_bytes(), expected);
}
