//! Every statement is one that its database understands, and those of the posters go by indexes.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr, SqliteConnection, Statement};
use taabia::storage::{postgres, sqlite};

use crate::support::database::Database;

/// Sent as they are, several statements in one message, which cannot be prepared.
const NOT_PREPARED: [&str; 2] = ["poster_settings", "grant"];

/// What posters run in their transactions.
const POSTERS: [&str; 14] = [
    "lock",
    "load_system_accounts",
    "load_resellers",
    "load_reseller_accounts",
    "load_operations",
    "load_recent",
    "claim",
    "taken_claims",
    "leaf",
    "persist",
    "network_accounts",
    "network_new_resellers",
    "network_resellers",
    "network_registrations",
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
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(files, statements.len(), "{dialect}: every file is a statement with a name");
        for (name, statement) in statements {
            assert!(statement.starts_with("-- "), "{dialect}/sql/{name}.sql begins with a comment");
            let says_rows = statement.contains("Rows: ") || NOT_PREPARED.contains(name);
            assert!(says_rows, "{dialect}/sql/{name}.sql says which rows it gives");
        }
    }
}

/// With the posters' settings a generic plan for empty tables must be the plan for full ones.
#[tokio::test]
async fn posters_never_scan_a_table_of_the_books() {
    let db = Database::postgres().await;
    let mut connection = PgConnection::connect(&db.url).await.unwrap();
    let settings = postgres::sql::ALL.iter().find(|(name, _)| *name == "poster_settings").unwrap().1;
    sqlx::raw_sql(settings).execute(&mut connection).await.unwrap();
    for (name, statement) in postgres::sql::ALL.iter().filter(|(name, _)| POSTERS.contains(name)) {
        let parameters = (&mut connection).prepare((*statement).into_sql_str()).await.unwrap();
        let count = match parameters.parameters() {
            Some(sqlx::Either::Left(types)) => types.len(),
            Some(sqlx::Either::Right(count)) => count,
            None => 0,
        };
        connection.execute(AssertSqlSafe(format!("PREPARE planned AS {statement}"))).await.unwrap();
        let nulls = vec!["NULL"; count].join(", ");
        let explain = format!("EXPLAIN EXECUTE planned ({nulls})");
        let lines: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_all(&mut connection).await.unwrap();
        connection.execute("DEALLOCATE planned").await.unwrap();
        let plan = lines.join("\n");
        for bad in ["Seq Scan", "Hash Join", "Merge Join", "Bitmap"] {
            assert!(!plan.contains(bad), "{name} plans a {bad}:\n{plan}");
        }
    }
}

/// In SQLite the plan of a statement with parameters does not depend on the content of the tables.
#[tokio::test]
async fn the_poster_of_sqlite_never_scans_a_table_of_the_books() {
    let db = Database::sqlite().await;
    let mut connection = SqliteConnection::connect(&db.url).await.unwrap();
    let of_posters =
        |name: &str| POSTERS.contains(&name) || name.starts_with("persist_") || name.starts_with("network_");
    for (name, statement) in sqlite::sql::ALL.iter().filter(|(name, _)| of_posters(name)) {
        let plan = plan_of(&mut connection, statement).await;
        // What is wanted is scanned, and what a recursion found; never a table.
        let scans_table = plan.lines().filter(|line| line.starts_with("SCAN")).find(|line| {
            !["SCAN j ", "SCAN new", "SCAN climb", "SCAN CONSTANT", "SCAN (subquery"]
                .iter()
                .any(|fine| line.starts_with(fine))
        });
        assert_eq!(scans_table, None, "{name}:\n{plan}");
    }
}

/// The lists walk an index from its end and stop when the page is full.
#[tokio::test]
async fn lists_of_sqlite_do_not_sort_what_they_do_not_show() {
    let db = Database::sqlite().await;
    let mut connection = SqliteConnection::connect(&db.url).await.unwrap();
    for name in ["recharges_of_resellers", "recharges_below"] {
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
