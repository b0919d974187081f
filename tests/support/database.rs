//! An installed database of its own for a test, on either dialect.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use taabia::domain::{Currency, Timestamp};
use taabia::ports::StoreError;
use taabia::storage::{self, InstallOptions, OpenOptions, Storage};
use tempfile::TempDir;

use super::postgres;

/// Registers a scenario for both databases: `on_both! { async fn name(db: &Database) { … } }` becomes the tests
/// `name::on_sqlite` and `name::on_postgres`.
macro_rules! on_both {
    ($($(#[$about:meta])* async fn $name:ident($db:ident: &Database) $body:block)+) => {$(
        $(#[$about])*
        mod $name {
            use super::*;

            async fn scenario($db: &$crate::support::database::Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                scenario(&$crate::support::database::Database::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                scenario(&$crate::support::database::Database::postgres().await).await;
            }
        }
    )+};
}

pub(crate) use on_both;

/// Shards of the databases of tests: more than one, few enough to meet often.
pub const SHARDS: u16 = 4;

/// What the databases of tests are installed with.
pub fn install_options() -> InstallOptions {
    let created_at = Timestamp::parse("2026-11-22T06:00:00Z").expect("an RFC 3339 time");
    InstallOptions { shards: SHARDS, currency: Currency::MAD, created_at }
}

/// A database that exists as long as this value, on SQLite; on PostgreSQL as long as its cluster.
pub struct Database {
    pub url: String,
    pub storage: Storage,
    _folder: Option<TempDir>,
}

impl Database {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("books.db").display());
        storage::migrate(&url, install_options()).await.expect("a new file is installed");
        let storage = open(&url).await.expect("an installed file opens");
        Self { url, storage, _folder: Some(folder) }
    }

    pub async fn postgres() -> Self {
        Self::at(postgres_copy().await).await
    }

    /// An installed database by its URL.
    pub async fn at(url: String) -> Self {
        let storage = open(&url).await.expect("an installed database opens");
        Self { url, storage, _folder: None }
    }

    pub fn is_postgres(&self) -> bool {
        self.storage.store.dialect() == "postgresql"
    }

    /// Runs SQL as the owner of the tables would by hand, one statement.
    pub async fn by_hand(&self, statement: &'static str) -> Result<u64, sqlx::Error> {
        if self.is_postgres() {
            let mut connection = PgConnection::connect(&self.url).await?;
            Ok(connection.execute(statement).await?.rows_affected())
        } else {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await?;
            Ok(connection.execute(statement).await?.rows_affected())
        }
    }
}

pub async fn open(url: &str) -> Result<Storage, StoreError> {
    storage::open(url, OpenOptions { read_connections: 2 }).await
}

/// An empty database on the cluster.
pub async fn empty_postgres() -> String {
    let mut owner = maintenance().await;
    let name = fresh_name();
    run(&mut owner, format!("CREATE DATABASE {name}")).await;
    postgres::url_of(&name)
}

/// A copy of a database that nobody uses at the moment, as a backup is.
pub async fn copy_of(url: &str) -> String {
    let (name, original) = (fresh_name(), url.rsplit('/').next().unwrap().split('?').next().unwrap());
    run(&mut maintenance().await, format!("CREATE DATABASE {name} TEMPLATE {original}")).await;
    postgres::url_of(&name)
}

/// A copy of the template: migrations take longer than a copy.
async fn postgres_copy() -> String {
    let mut owner = maintenance().await;
    let template = template(&mut owner).await;
    let name = fresh_name();
    run(&mut owner, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    postgres::url_of(&name)
}

/// Installs the template once per cluster and per content of the migrations, whichever process is first.
async fn template(owner: &mut PgConnection) -> String {
    const LOCK: i64 = 0x7461_6162_6961;
    let name = format!("template_{SHARDS}_{}", migrations_hash());
    run(owner, format!("SELECT pg_advisory_lock({LOCK})")).await;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(&name)
        .fetch_one(&mut *owner)
        .await
        .expect("the catalogue answers");
    if !exists {
        // Under another name until it is whole.
        let draft = fresh_name();
        run(owner, format!("CREATE DATABASE {draft}")).await;
        storage::migrate(&postgres::url_of(&draft), install_options()).await.expect("a new database is installed");
        run(owner, format!("ALTER DATABASE {draft} RENAME TO {name}")).await;
    }
    run(owner, format!("SELECT pg_advisory_unlock({LOCK})")).await;
    name
}

fn migrations_hash() -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for migration in sqlx::migrate!("migrations/postgres").iter() {
        hash.update(&migration.checksum);
    }
    hex::encode(&hash.finalize()[..6])
}

fn fresh_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("t_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A connection to the cluster itself, once it takes connections.
async fn maintenance() -> PgConnection {
    let url = postgres::url_of("postgres");
    for _ in 0..200 {
        if let Ok(connection) = PgConnection::connect(&url).await {
            return connection;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the PostgreSQL cluster takes no connections");
}

async fn run(connection: &mut PgConnection, statement: String) {
    connection.execute(AssertSqlSafe(statement.clone())).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
