//! `taabia allocate run` as an operator meets it: from a file to a stocked network.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use sqlx::{Connection, PgConnection, SqliteConnection};
use taabia::domain::{AccountClass, RunTotals, Standing};
use taabia::simulator::network_file::NetworkFile;
use taabia::storage::Storage;

use crate::support::contents::contents;
use crate::support::database::{Database, on_both};
use crate::support::program::{Server, spawn, taabia, text, until};
use crate::support::world::World;
use crate::support::{books_of, must_verify};

const RUN: [&str; 2] = ["allocate", "run"];
const WHY: [&str; 4] = ["--terms", "consignment", "--reason", "opening stock"];

/// A run with these words before those that every run has.
async fn run(db: &Database, words: &[&str]) -> (Option<i32>, String, String) {
    let output = taabia(&[&RUN[..], words, &WHY, &["--database-url", &db.url]].concat()).await;
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Stock in the hands of resellers, and what the operator has.
async fn stocks(storage: &Storage) -> (i64, i64) {
    let snapshot = storage.audit.snapshot().await.unwrap();
    let sum = |class| snapshot.accounts.iter().filter(|(_, a)| a.class == class).map(|(_, a)| a.posted).sum();
    (sum(AccountClass::ResellerStock), sum(AccountClass::OperatorStock))
}

async fn count(db: &Database, query: &'static str) -> i64 {
    if db.is_postgres() {
        sqlx::query_scalar(query).fetch_one(&mut PgConnection::connect(&db.url).await.unwrap()).await.unwrap()
    } else {
        sqlx::query_scalar(query).fetch_one(&mut SqliteConnection::connect(&db.url).await.unwrap()).await.unwrap()
    }
}

/// Runs lines of the README in `folder` over this database.
fn shell(folder: &Path, script: &str, database: &str) -> Output {
    let script = format!("taabia() {{ \"$TAABIA\" \"$@\"; }}\n{script}");
    Command::new("sh")
        .args(["-euc", &script])
        .current_dir(folder)
        .env("TAABIA", env!("CARGO_BIN_EXE_taabia"))
        .env("TAABIA_DATABASE_URL", database)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

on_both! {
    async fn the_lines_of_the_readme_stock_a_generated_network(db: &Database) {
        let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
        let lines = readme.split("```").find(|block| block.contains("taabia simulate network --outlets")).unwrap();
        let lines = lines.trim_start_matches("sh").replace("50000", "60");
        assert_eq!(lines.lines().filter(|line| line.starts_with("taabia ")).count(), 3, "the file and two commands");
        let folder = tempfile::tempdir().unwrap();
        let rows = i64::try_from(NetworkFile { outlets: 60, distributors: 12, seed: 1 }.rows()).unwrap();

        // Without an issue there is nothing to hand out, and the command says so.
        let first = shell(folder.path(), &lines, &db.url);
        let said = text(&first.stdout);
        assert_eq!(first.status.code(), Some(1), "{said}{}", text(&first.stderr));
        assert!(said.contains(&format!("{rows} rows: {rows} opened, 0 unchanged, 0 refused")), "{said}");
        let missing = format!("the operator's stock is short by {}.00 MAD", rows * 500);
        assert!(said.contains(&missing) && said.contains("nothing was allocated"), "{said}");
        assert_eq!(stocks(&db.storage).await, (0, 0));

        World::new(books_of(db)).await.close().await;
        let (_, before) = stocks(&db.storage).await;
        for expected in ["0 opened", "0 opened"] {
            let done = shell(folder.path(), &lines, &db.url);
            let said = text(&done.stdout);
            assert_eq!(done.status.code(), Some(0), "{said}{}", text(&done.stderr));
            assert!(said.contains(expected), "{said}");
            let report = format!("{rows} lines: {rows} done with {}.00 MAD, 0 refused", rows * 500);
            assert!(said.contains(&report), "{said}");
            // The second time is the same run: nothing is done twice.
            assert_eq!(stocks(&db.storage).await, (rows * 50_000, before - rows * 50_000));
        }
        must_verify(&*db.storage.audit).await;
    }

    async fn bad_rows_are_told_and_nothing_is_allocated(db: &Database) {
        let world = World::new(books_of(db)).await;
        for name in ["O1", "O2", "O3"] {
            world.reseller(name, 0).await;
        }
        world.must(world.standing("O3", Standing::Suspended)).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.csv");
        let file = path.to_str().unwrap();
        let mut rows = "\u{feff}code;amount\r\nO1;500\r\nO2;=1+1\r\nO1;7\r\n=cmd;5\r\nمحل;5\r\n".as_bytes().to_vec();
        rows.extend_from_slice(b"caf\xe9;5\r\nO3;20.50\r\n");
        std::fs::write(&path, &rows).unwrap();
        let whole = contents(db).await;
        let (code, said, _) = run(db, &[file, "--external-id", "r1"]).await;
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!((code, lines.len()), (Some(1), 6), "{said}");
        for (line, expected) in lines.iter().zip([
            "line 3, column amount: ",
            "line 4, column code: line 2 has this code already",
            "line 5, column code: ",
            "line 6, column code: ",
            "line 7, column code: it is not UTF-8",
            "5 bad rows: nothing was allocated",
        ]) {
            assert!(line.starts_with(expected), "{line} is not {expected}");
        }
        // A code that nobody has is as bad; a suspended reseller is refused by the ledger only.
        std::fs::write(&path, "code,amount\nO1,500\nNOBODY,5\nO3,20.50\n").unwrap();
        let (code, said, _) = run(db, &[file, "--external-id", "r1"]).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.starts_with("line 3, column code: NOBODY: unknown_reseller\n1 bad rows: nothing"), "{said}");
        let (code, said, _) = run(db, &[file, "--external-id", "r1", "--dry-run"]).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("3 lines: 1 would be done with 500.00 MAD, 2 refused; nothing was written"), "{said}");
        assert!(contents(db).await == whole, "nothing was written");

        let (code, said, _) = run(db, &[file, "--external-id", "r1", "--skip-bad"]).await;
        assert_eq!(code, Some(1), "{said}");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[0], "line 3, column code: NOBODY: unknown_reseller");
        assert_eq!(lines[1], "line 4, column code: O3: reseller_suspended");
        assert!(lines[2].contains(": 3 lines: 1 done with 500.00 MAD, 2 refused"), "{said}");
        assert_eq!(stocks(&db.storage).await.0, 50_000);
        // The same name for another run is refused.
        std::fs::write(&path, "code,amount\nO1,501\n").unwrap();
        let (code, _, error) = run(db, &[file, "--external-id", "r1"]).await;
        assert_eq!(code, Some(1));
        assert!(error.contains("that of another run"), "{error}");
        assert_eq!(stocks(&db.storage).await.0, 50_000);
        // It stands on the log as what it was: an action of whoever sat at the command line, and why.
        let actions = "SELECT count(*) FROM staff_action WHERE actor = 'operator:command_line' AND reason = 'opening stock'";
        assert_eq!(count(db, actions).await, 1);
        world.close().await;
    }

    async fn a_dry_run_writes_nothing(db: &Database) {
        let world = World::new(books_of(db)).await;
        for name in ["O1", "O2"] {
            world.reseller(name, 100).await;
        }
        world.close().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.csv");
        let file = path.to_str().unwrap();
        std::fs::write(&path, "code,amount\nO1,500\nO2,20.50\n").unwrap();
        let whole = contents(db).await;
        assert!(whole.len() > 20 && whole["entry"].len() > 4 && whole["account"].len() > 4, "{:?}", whole.keys());
        for words in [&[file][..], &["--level", "outlet", "--top-up-to", "261.25"]] {
            let (code, said, error) = run(db, &[words, &["--external-id", "d", "--dry-run"]].concat()).await;
            assert_eq!(code, Some(0), "{said}{error}");
            assert!(said.contains("2 lines: 2 would be done with 520.50 MAD, 0 refused; nothing was written"), "{said}");
        }
        let now = contents(db).await;
        for (table, rows) in &whole {
            assert_eq!(&now[table], rows, "{table}");
        }
        assert_eq!(now.len(), whole.len());
        // Told apart from a run that does write.
        assert_eq!(run(db, &[file, "--external-id", "d"]).await.0, Some(0));
        assert_ne!(contents(db).await, now);
    }

    async fn a_rule_tops_a_level_up(db: &Database) {
        let world = World::new(books_of(db)).await;
        world.reseller("O1", 30_000).await;
        world.reseller("O2", 0).await;
        let (code, said, error) = run(db, &["--level", "outlet", "--top-up-to", "1000", "--external-id", "t"]).await;
        assert_eq!(code, Some(0), "{said}{error}");
        assert!(said.contains("2 lines: 2 done with 1700.00 MAD, 0 refused"), "{said}");
        let (code, said, error) = run(db, &["--level", "outlet", "--under", "O2", "--each", "5", "--external-id", "u"]).await;
        assert_eq!(code, Some(0), "{said}{error}");
        assert!(said.contains("1 lines: 1 done with 5.00 MAD"), "{said}");
        let (code, _, error) = run(db, &["--level", "outlet", "--under", "O9", "--each", "5", "--external-id", "v"]).await;
        assert_eq!(code, Some(1));
        assert!(error.contains("no reseller has the code O9"), "{error}");
        world.close().await;
    }

    async fn a_run_is_killed_and_started_again(db: &Database) {
        World::new(books_of(db)).await.close().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.csv");
        let network = NetworkFile { outlets: 6_000, distributors: 5, seed: 7 };
        network.write(&mut std::io::BufWriter::new(std::fs::File::create(&path).unwrap())).unwrap();
        let (rows, file) = (i64::try_from(network.rows()).unwrap(), path.to_str().unwrap());
        let imported = taabia(&["network", "import", file, "--database-url", &db.url]).await;
        assert!(imported.status.success(), "{}", text(&imported.stderr));
        let (given, before) = stocks(&db.storage).await;
        assert_eq!(given, 0);

        let words = [file, "--each", "3.50", "--external-id", "opening-run"];
        let line = [&RUN[..], &words, &WHY, &["--database-url", &db.url]].concat();
        let mut killed = 0;
        for part in 1..=3 {
            let mut process = spawn(&line);
            until("some more lines", async || {
                let ended = process.try_wait().unwrap().is_some();
                let done = progress(&db.storage).await.map_or(0, |totals| totals.done);
                (ended || done > part * rows / 6).then_some(())
            })
            .await;
            process.kill().unwrap();
            process.wait().unwrap();
            killed += usize::from(progress(&db.storage).await.is_some_and(|totals| totals.done < rows));
        }
        assert!(killed > 0, "it was killed in the middle");
        let (code, said, error) = run(db, &words).await;
        assert_eq!(code, Some(0), "{said}{error}");
        let amount = format!("{}.{:02}", rows * 350 / 100, rows * 350 % 100);
        assert!(said.contains(&format!("{rows} lines: {rows} done with {amount} MAD, 0 refused")), "{said}");
        assert_eq!(stocks(&db.storage).await, (rows * 350, before - rows * 350));
        assert_eq!(count(db, "SELECT count(*) FROM allocation WHERE run IS NOT NULL").await, rows, "each line once");
        assert_eq!(count(db, "SELECT count(DISTINCT line) FROM allocation").await, rows);
        assert_eq!(count(db, "SELECT count(*) FROM account WHERE class = 4 AND posted <> 350").await, 0);
        must_verify(&*db.storage.audit).await;
    }
}

/// How far the run is that goes on; `None` when there is none.
async fn progress(storage: &Storage) -> Option<RunTotals> {
    let run = *storage.stock.running_runs().await.unwrap().first()?;
    Some(storage.stock.run_progress(run).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_beside_a_running_node() {
    let db = Database::postgres().await;
    World::new(books_of(&db)).await.close().await;
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().display().to_string();
    let serve =
        ["serve", "--listen=127.0.0.1:0", "--set=charging.kind=in_process", "--set=allocation.take_over_after_ms=50"];
    let server = Server::start(&[&serve[..], &["--data-dir", &data_dir, "--database-url", &db.url]].concat()).await;
    let path = folder.path().join("network.csv");
    let network = NetworkFile { outlets: 2_000, distributors: 5, seed: 7 };
    network.write(&mut std::fs::File::create(&path).unwrap()).unwrap();
    let (rows, file) = (i64::try_from(network.rows()).unwrap(), path.to_str().unwrap());
    assert!(taabia(&["network", "import", file, "--database-url", &db.url]).await.status.success());
    let (code, said, error) = run(&db, &[file, "--each", "2", "--external-id", "opening-run"]).await;
    assert_eq!(code, Some(0), "{said}{error}");
    assert!(said.contains(&format!("{rows} done with {}.00 MAD, 0 refused", rows * 2)), "{said}");
    assert_eq!(stocks(&db.storage).await.0, rows * 200);
    drop(server);
    must_verify(&*db.storage.audit).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_served_is_left_alone() {
    let db = Database::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().display().to_string();
    let serve = ["serve", "--listen=127.0.0.1:0", "--set=charging.kind=in_process"];
    let _server = Server::start(&[&serve[..], &["--data-dir", &data_dir, "--database-url", &db.url]].concat()).await;
    let (code, _, error) = run(&db, &["--level", "outlet", "--each", "5", "--external-id", "x"]).await;
    assert_eq!(code, Some(1));
    assert!(error.contains("another process serves this database"), "{error}");
}
