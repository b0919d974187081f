//! All that a database holds, so that a test can say that nothing was written.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::database::Database;

/// The rows of each table as texts, in order.
pub type Contents = BTreeMap<String, Vec<String>>;

/// Every table with every row.
pub async fn contents(db: &Database) -> Contents {
    if db.is_postgres() { of_postgres(&db.url).await } else { of_sqlite(&db.url).await }
}

async fn of_postgres(url: &str) -> Contents {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let tables =
        "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace = 'public'::regnamespace";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    let mut found = Contents::new();
    for table in tables {
        let rows = AssertSqlSafe(format!("SELECT t::text FROM \"{table}\" t ORDER BY 1"));
        let rows = sqlx::query_scalar(rows).fetch_all(&mut connection).await.unwrap();
        found.insert(table, rows);
    }
    found
}

async fn of_sqlite(url: &str) -> Contents {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    let mut found = Contents::new();
    for table in tables {
        let columns = sqlx::query_scalar("SELECT name FROM pragma_table_info(?1)").bind(&table);
        let columns: Vec<String> = columns.fetch_all(&mut connection).await.unwrap();
        let columns: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
        let rows = AssertSqlSafe(format!("SELECT {} FROM \"{table}\" ORDER BY 1", columns.join(" || ',' || ")));
        let rows = sqlx::query_scalar(rows).fetch_all(&mut connection).await.unwrap();
        found.insert(table, rows);
    }
    found
}
