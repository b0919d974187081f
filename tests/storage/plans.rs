//! Every statement is one that its database understands, and those of the posters go by indexes.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr, SqliteConnection, Statement};
use taabia::storage::{postgres, sqlite};

use crate::support::database::Database;

/// Sent as they are, several statements in one message, which cannot be prepared.
const NOT_PREPARED: [&str; 3] = ["poster_settings", "read_settings", "grant"];

/// What posters run in their transactions.
const POSTERS: &[&str] = &[
    "lock",
    "load_system_accounts",
    "load_resellers",
    "load_reseller_accounts",
    "load_operations",
    "load_recent",
    "load_tally",
    "load_four_eyes",
    "stock_rulings",
    "load_sales",
    "holders",
    "leaf",
    "persist+persist_end",
    "persist+persist_topups+persist_end",
    "fill_operations",
    "network_accounts",
    "network_new_resellers",
    "network_resellers",
    "network_registrations",
    "load_accounts",
    "load_ancestries",
    "load_records",
    "load_records_between",
    "new_records",
    "changed_records",
    "persist_staff_actions",
    "persist_evidence",
    "network_ancestors",
    "network_places",
    "network_standings",
    "network_detach",
    "network_attach",
    "tree_codes",
    "tree_lines",
    "tree_below",
];

#[tokio::test]
async fn every_statement_prepares_on_its_database() {
    let db = Database::postgres().await;
    let mut connection = PgConnection::connect(&db.url).await.unwrap();
    for (name, statement) in postgres::sql::ALL {
        if !NOT_PREPARED.contains(name) {
            let prepared = (&mut connection).prepare((*statement).into_sql_str()).await;
            assert!(prepared.is_ok(), "postgres/sql/{name}.sql: {:?}", prepared.err());
        }
    }
    let db = Database::sqlite().await;
    let mut connection = SqliteConnection::connect(&db.url).await.unwrap();
    for (name, statement) in sqlite::sql::ALL {
        let prepared = (&mut connection).prepare((*statement).into_sql_str()).await;
        assert!(prepared.is_ok(), "sqlite/sql/{name}.sql: {:?}", prepared.err());
    }
}

#[test]
fn every_statement_says_what_it_is_for() {
    for (dialect, statements) in [("postgres", postgres::sql::ALL), ("sqlite", sqlite::sql::ALL)] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage").join(dialect).join("sql");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let files: BTreeSet<String> = files.map(|file| file.file_stem().unwrap().to_str().unwrap().into()).collect();
        let named: BTreeSet<String> = statements.iter().flat_map(|(name, _)| name.split('+').map(Into::into)).collect();
        assert_eq!(files, named, "{dialect}: every file is a statement with a name, or part of one");
        for (name, statement) in statements {
            assert!(statement.starts_with("-- "), "{dialect}/sql/{name}.sql begins with a comment");
            let says_rows = statement.contains("Rows: ") || NOT_PREPARED.contains(name);
            assert!(says_rows, "{dialect}/sql/{name}.sql says which rows it gives");
        }
    }
}

/// Named queries over tables that grow.
const READS: &[&str] = &[
    "operation",
    "operation_by_key",
    "recharges_of_resellers",
    "recharges_below",
    "recharges_of_msisdn_of_resellers",
    "recharges_of_msisdn_below",
    "recharges_declined_of_resellers",
    "recharges_declined_below",
    "recharges_open_of_resellers",
    "recharges_open_below",
    "stock",
    "due",
    "transfers_of_reseller",
    "transfers_below",
    "transfers_overdue",
    "ancestors",
    "subtree",
    "record",
    "records",
    "account",
    "accrued",
    "staff_actions",
    "member",
    "members_by_code",
    "members_below",
    "members_of_parent",
    "subtree_totals",
    "statement_place",
    "statement_last_before",
    "statement_written",
    "statement_tail",
    "statement_written_newest",
    "statement_written_oldest",
    "statement_tail_newest",
    "statement_tail_oldest",
    "movements_write",
    "run_lines",
    "run_progress",
    "run_receivers",
    "run_stocks",
];

/// With the settings of the connections a generic plan for empty tables must be the plan for full ones. The table
/// of holds stays small, so the queries that begin with it may read it whole.
#[tokio::test]
async fn no_plan_scans_a_table_of_the_books() {
    let db = Database::postgres().await;
    for (settings, names) in [("poster_settings", POSTERS), ("read_settings", READS)] {
        let mut connection = PgConnection::connect(&db.url).await.unwrap();
        sqlx::raw_sql(statement(settings)).execute(&mut connection).await.unwrap();
        for name in names {
            let plan = generic_plan(&mut connection, statement(name)).await.replace("Seq Scan on hold", "");
            for bad in ["Seq Scan", "Hash Join", "Merge Join", "Bitmap"] {
                assert!(!plan.contains(bad), "{name} plans a {bad}:\n{plan}");
            }
            let probes = plan.lines().filter(|line| line.contains("Index Cond")).all(|line| {
                // An index is entered by its first column.
                ["shard", "ancestor", "descendant", "id =", "code =", "parent ="]
                    .iter()
                    .any(|first| line.contains(first))
            });
            assert!(probes, "{name} walks an index whole:\n{plan}");
        }
    }
}

fn statement(name: &str) -> &'static str {
    postgres::sql::ALL.iter().find(|(of, _)| *of == name).expect("the statement exists").1
}

async fn generic_plan(connection: &mut PgConnection, statement: &'static str) -> String {
    let prepared = (&mut *connection).prepare(statement.into_sql_str()).await.unwrap();
    let count = match prepared.parameters() {
        Some(sqlx::Either::Left(types)) => types.len(),
        Some(sqlx::Either::Right(count)) => count,
        None => 0,
    };
    connection.execute(AssertSqlSafe(format!("PREPARE planned AS {statement}"))).await.unwrap();
    let explain = format!("EXPLAIN EXECUTE planned ({})", vec!["NULL"; count].join(", "));
    let query = sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false);
    let lines: Vec<String> = query.fetch_all(&mut *connection).await.unwrap();
    connection.execute("DEALLOCATE planned").await.unwrap();
    lines.join("\n")
}

/// What every batch writes finds its rows by primary key, also when the plan was made just after installation, with
/// tables that were never analysed or were found empty: such a plan is kept for a while.
#[tokio::test]
async fn a_batch_finds_its_rows_by_primary_key_from_the_first_day() {
    let db = Database::postgres().await;
    for analysed in [false, true] {
        let mut connection = PgConnection::connect(&db.url).await.unwrap();
        if analysed {
            connection.execute("ANALYZE").await.unwrap();
        }
        sqlx::raw_sql(statement("poster_settings")).execute(&mut connection).await.unwrap();
        for name in ["persist+persist_end", "persist+persist_topups+persist_end", "load_operations"] {
            let plan = generic_plan(&mut connection, statement(name)).await;
            let by_key = plan.contains("using operation_pkey on operation") && plan.contains("using hold_pkey on hold");
            let other = ["operation_reseller", "operation_msisdn", "operation_declined"]
                .iter()
                .any(|index| plan.contains(index));
            assert!(by_key && !other, "analysed {analysed}, {name}:\n{plan}");
        }
    }
}

/// A run reads its lines and their allocations one by one, also right after it was written, when the planner knows
/// nothing of it: by the run alone each page would cost as many rows as the run has lines, times its own.
#[tokio::test]
async fn a_run_finds_each_allocation_by_its_line() {
    let db = Database::postgres().await;
    for analysed in [false, true] {
        let mut connection = PgConnection::connect(&db.url).await.unwrap();
        if analysed {
            connection.execute("ANALYZE").await.unwrap();
        }
        sqlx::raw_sql(statement("read_settings")).execute(&mut connection).await.unwrap();
        for (name, conditions) in [
            ("run_lines", &["(shard = l.shard) AND (run = l.run) AND (line = l.number)", "(id = t.id)"][..]),
            ("run_progress", &["(shard = a.shard) AND (id = a.id)"]),
            ("run_receivers", &["(code = wanted", "(id = wanted", "(descendant = "]),
        ] {
            let plan = generic_plan(&mut connection, statement(name)).await;
            for condition in conditions {
                assert!(plan.contains(condition), "analysed {analysed}, {name} without {condition}:\n{plan}");
            }
        }
    }
}

/// What was sold in a month is summed up from a range of one reseller's operations, on both databases.
#[tokio::test]
async fn a_month_is_counted_from_a_range_of_one_reseller() {
    let db = Database::postgres().await;
    let mut connection = PgConnection::connect(&db.url).await.unwrap();
    sqlx::raw_sql(statement("poster_settings")).execute(&mut connection).await.unwrap();
    let plan = generic_plan(&mut connection, statement("load_tally")).await;
    let range = plan.lines().find(|line| line.contains("Index Cond")).unwrap_or_default();
    assert!(plan.contains("using operation_reseller on operation"), "{plan}");
    assert!(["shard =", "reseller =", "id >="].iter().all(|part| range.contains(part)), "{plan}");
    let db = Database::sqlite().await;
    let mut connection = SqliteConnection::connect(&db.url).await.unwrap();
    let tally = sqlite::sql::ALL.iter().find(|(name, _)| *name == "load_tally").unwrap().1;
    let plan = plan_of(&mut connection, tally).await;
    assert_eq!(plan, "SEARCH o USING INDEX operation_reseller (shard=? AND reseller=? AND id>?)");
}

/// In SQLite the plan of a statement with parameters does not depend on the content of the tables.
#[tokio::test]
async fn the_poster_of_sqlite_never_scans_a_table_of_the_books() {
    let db = Database::sqlite().await;
    let mut connection = SqliteConnection::connect(&db.url).await.unwrap();
    // Registering resellers plans the check of foreign keys that point at them; it runs only for a child that
    // stands before its parent in the same batch.
    let of_posters = |name: &str| {
        name != "network_registrations"
            && (POSTERS.contains(&name) || name.starts_with("persist_") || name.starts_with("network_"))
    };
    for (name, statement) in sqlite::sql::ALL.iter().filter(|(name, _)| of_posters(name)) {
        let plan = plan_of(&mut connection, statement).await;
        // What is wanted is scanned, and what a recursion found; never a table.
        let scans_table = plan.lines().filter(|line| line.starts_with("SCAN")).find(|line| {
            !["SCAN j ", "SCAN json_each", "SCAN new", "SCAN climb", "SCAN CONSTANT", "SCAN (subquery"]
                .iter()
                .any(|fine| line.starts_with(fine))
        });
        assert_eq!(scans_table, None, "{name}:\n{plan}");
        // Entering a key by the shard alone is a scan of the shard, but for the shards' own rows; holds stay few.
        let small = |line: &str| line.starts_with("SEARCH shard ") || line.starts_with("SEARCH hold ");
        let walks_shard = |line: &str| line.ends_with("KEY (shard=?)") && !small(line);
        assert!(!plan.lines().any(walks_shard), "{name}:\n{plan}");
    }
}

/// The lists walk an index from its end and stop when the page is full.
#[tokio::test]
async fn lists_of_sqlite_do_not_sort_what_they_do_not_show() {
    let db = Database::sqlite().await;
    let mut connection = SqliteConnection::connect(&db.url).await.unwrap();
    for name in ["stock", "member", "members_by_code", "members_below", "members_of_parent", "subtree_totals"] {
        let statement = sqlite::sql::ALL.iter().find(|(of, _)| of == &name).unwrap().1;
        let plan = plan_of(&mut connection, statement).await;
        assert!(plan.lines().all(|line| !line.ends_with("KEY (shard=?)")), "{name}:\n{plan}");
        assert!(!plan.contains("FOR DISTINCT"), "{name}:\n{plan}");
    }
    for name in
        ["recharges_of_resellers", "recharges_below", "recharges_declined_of_resellers", "recharges_declined_below"]
    {
        let statement = sqlite::sql::ALL.iter().find(|(of, _)| of == &name).unwrap().1;
        let plan = plan_of(&mut connection, statement).await;
        assert!(!plan.contains("TEMP B-TREE"), "{name}:\n{plan}");
        assert!(plan.starts_with("SEARCH o "), "{name}:\n{plan}");
    }
}

async fn plan_of(connection: &mut SqliteConnection, statement: &str) -> String {
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let rows: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(AssertSqlSafe(explain)).persistent(false).fetch_all(connection).await.unwrap();
    rows.into_iter().map(|(.., detail)| detail).collect::<Vec<_>>().join("\n")
}
