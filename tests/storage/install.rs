//! Installing, opening, and who may serve.

use sqlx::{Connection, Executor, PgConnection};
use taabia::domain::{Currency, Timestamp};
use taabia::ports::StoreError;
use taabia::storage::{self, InstallOptions};

use super::samples::{append, head, posting, shard, write};
use crate::support::database::{Database, SHARDS, empty_postgres, install_options, on_both, open};

fn refused<T>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Refused(text)) => text,
        Err(other) => panic!("expected a refusal, not {other:?}"),
        Ok(_) => panic!("expected a refusal"),
    }
}

on_both! {
    async fn installing_twice_changes_nothing(db: &Database) {
        write(db, shard(1), |_| {}).await;
        let later = InstallOptions { created_at: Timestamp::EPOCH, ..install_options() };
        storage::migrate(&db.url, later).await.unwrap();
        assert_eq!(head(db, shard(1)).await.version, 1);
        assert_eq!(db.storage.store.shards(), SHARDS);
        assert_eq!(db.storage.currency, Currency::MAD);
        db.storage.store.check().await.unwrap();
    }

    async fn what_was_fixed_stays(db: &Database) {
        let more = InstallOptions { shards: SHARDS + 1, ..install_options() };
        assert!(refused(storage::migrate(&db.url, more).await).contains("4 shards, not 5"));
        let other = InstallOptions { currency: Currency::XOF, ..install_options() };
        assert!(refused(storage::migrate(&db.url, other).await).contains("MAD, not XOF"));
        let none = InstallOptions { shards: 0, ..install_options() };
        refused(storage::migrate(&db.url, none).await);
    }

    async fn a_schema_of_another_version_is_refused(db: &Database) {
        db.by_hand("DELETE FROM _sqlx_migrations WHERE version = 3").await.unwrap();
        assert!(refused(open(&db.url).await).contains("lacks migration 3"));
        assert!(refused(db.storage.store.check().await).contains("migration 3"));
    }

    async fn a_newer_schema_is_refused(db: &Database) {
        db.by_hand(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             SELECT 999, 'later', true, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .await
        .unwrap();
        assert!(refused(open(&db.url).await).contains("newer"));
        assert!(refused(storage::migrate(&db.url, install_options()).await).contains("newer"));
    }
}

#[tokio::test]
async fn a_database_without_a_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite://{}", folder.path().join("none.db").display());
    for url in [missing, empty_postgres().await] {
        assert!(refused(open(&url).await).contains("run `taabia migrate`"), "{url}");
    }
    for url in ["mysql://localhost/x", "books.db", "sqlite::memory:", "sqlite://"] {
        refused(open(url).await);
    }
}

#[tokio::test]
async fn an_unreachable_server_is_unavailable() {
    let closed = "postgres://postgres@127.0.0.1:1/none";
    assert!(matches!(open(closed).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_server_is_reached_over_its_socket() {
    let db = Database::postgres().await;
    let mut connection = PgConnection::connect(&db.url).await.unwrap();
    let (folder, port, name): (String, String, String) = sqlx::query_as(
        "SELECT current_setting('unix_socket_directories'), current_setting('port'), current_database()::text",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    let storage = open(&format!("postgres:///{name}?host={folder}&port={port}&user=postgres")).await.unwrap();
    storage.store.check().await.unwrap();
}

#[tokio::test]
async fn one_process_serves_a_file() {
    let db = Database::sqlite().await;
    let mut first = db.storage.clone();
    first.lock_for_serving().unwrap();
    let mut second = open(&db.url).await.unwrap();
    assert!(refused(second.lock_for_serving()).contains("another process"));
    second.store.check().await.unwrap();
    let mut postgres = Database::postgres().await;
    postgres.storage.lock_for_serving().unwrap();
}

/// On PostgreSQL the lines of an entry moved into the row of the entry.
#[tokio::test]
async fn an_older_journal_keeps_its_lines() {
    let url = empty_postgres().await;
    let mut owner = PgConnection::connect(&url).await.unwrap();
    owner.execute(include_str!("../../migrations/postgres/0001_books.sql")).await.unwrap();
    let journal = "INSERT INTO entry SELECT 1, n, 4, gen_random_uuid(), sha256('d'), 'a', n, sha256('l') FROM generate_series(1, 9) n;
        INSERT INTO posting SELECT 1, n, line, n, n + line, 1, 10 * n, n - line, -n
        FROM generate_series(2, 9) n CROSS JOIN generate_series(1, n % 5) line";
    owner.execute(journal).await.unwrap();
    let lines = "SELECT string_agg((shard, sequence, line, debit, credit, asset, amount_minor, debit_after, credit_after)::text, ';'
        ORDER BY sequence, line) FROM posting";
    let before: String = sqlx::query_scalar(lines).fetch_one(&mut owner).await.unwrap();
    owner.execute(include_str!("../../migrations/postgres/0087_entry_lines.sql")).await.unwrap();
    let after: String = sqlx::query_scalar(lines).fetch_one(&mut owner).await.unwrap();
    assert_eq!((before.split(';').count(), before), (19, after));
    assert!(owner.execute("UPDATE entry SET lines = NULL").await.is_err(), "the journal is append-only again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_that_serves_appends_and_no_more() {
    let db = Database::postgres().await;
    let mut owner = PgConnection::connect(&db.url).await.unwrap();
    // Roles belong to the cluster, which the tests of a run share.
    let role = "taabia test \"app\"";
    owner.execute("SELECT pg_advisory_lock(4711)").await.unwrap();
    if !exists(&mut owner, role).await {
        owner.execute("CREATE ROLE \"taabia test \"\"app\"\"\" LOGIN").await.unwrap();
    }
    owner.execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
    storage::grant_to(&db.url, role).await.unwrap();
    storage::grant_to(&db.url, role).await.unwrap();
    refused(storage::grant_to(&db.url, "no such role").await);

    let url = db.url.replace("postgres@", "taabia%20test%20%22app%22@");
    assert_ne!(url, db.url);
    let served = Database::at(url).await;
    write(&served, shard(1), |changes| {
        append(changes, taabia::domain::EntryKind::StockIssued, uuid::Uuid::nil(), [1; 32], vec![posting(1, 2, 3)]);
    })
    .await;
    served.storage.store.check().await.unwrap();
    served.storage.registry.clients().await.unwrap();
    assert_eq!(served.storage.audit.entries(shard(1), 0, 9, 9).await.unwrap().len(), 1);
    for statement in [
        "UPDATE entry SET actor = 'x'",
        "TRUNCATE entry",
        "ALTER TABLE entry DISABLE TRIGGER ALL",
        "DROP VIEW posting",
        "DELETE FROM operation",
        "DELETE FROM claim",
        "UPDATE installation SET shards = 1",
        "DELETE FROM _sqlx_migrations",
    ] {
        let error = served.by_hand(statement).await.unwrap_err();
        let code = error.as_database_error().and_then(|error| error.code().map(String::from));
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
    }
}

async fn exists(owner: &mut PgConnection, role: &str) -> bool {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)").bind(role);
    query.fetch_one(owner).await.unwrap()
}
