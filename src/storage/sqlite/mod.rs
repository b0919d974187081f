//! SQLite: the embedded default. One writer, so one poster; reads come from other connections, which in WAL mode
//! neither wait for the writer nor make it wait.

mod audit;
mod beside;
mod care;
mod cases;
mod error;
mod install;
mod json;
mod lock;
mod movements;
mod network;
mod notifications;
mod persist;
mod reads;
mod registry;
mod session;
mod settlement;
pub mod sql;
mod stock;
mod topups;
mod transfers;
mod tree;
mod webhooks;

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection, SqlitePool};

pub use install::migrate;
pub use lock::ServeLock;

use self::error::store_error;
use self::session::SqliteSession;
use super::OpenOptions;
use super::install::{InstallationRow, check_schema, schema_is_missing};
use crate::domain::Currency;
use crate::ports::{Session, Store, StoreError};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a write waits for another writer, such as a new client's registration for a batch.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The store on SQLite.
pub struct SqliteStore {
    options: SqliteConnectOptions,
    reads: SqlitePool,
    shards: u16,
    currency: Currency,
}

impl SqliteStore {
    /// # Errors
    /// [`StoreError::Refused`] when the schema is missing or of another version, [`StoreError::Unavailable`]
    /// when the file cannot be opened.
    pub async fn open(url: &str, options: OpenOptions) -> Result<Self, StoreError> {
        let connect = parse(url)?;
        if !connect.get_filename().exists() {
            return Err(schema_is_missing());
        }
        let reads = SqlitePoolOptions::new()
            .max_connections(options.read_connections.max(1))
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_lazy_with(connect.clone().read_only(true));
        let (shards, currency) = installation(&reads).await?;
        Ok(Self { options: writer(connect), reads, shards, currency })
    }

    /// The currency the books are kept in.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The lock by which one process serves this file.
    #[must_use]
    pub fn serve_lock(&self) -> ServeLock {
        ServeLock::beside(self.options.get_filename())
    }

    async fn connect_writer(&self) -> Result<SqliteConnection, StoreError> {
        SqliteConnection::connect_with(&self.options).await.map_err(store_error)
    }
}

/// A file; a database in memory would be another one for every connection.
fn parse(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    if in_memory || url.trim_start_matches("sqlite:").trim_matches('/').is_empty() {
        return Err(StoreError::Refused("expected the URL of a file such as sqlite://taabia.db".into()));
    }
    let options = SqliteConnectOptions::from_str(url).map_err(store_error)?;
    Ok(options.foreign_keys(true).busy_timeout(BUSY_TIMEOUT))
}

/// Settings of a connection that writes. `FULL` syncs the log at every commit and costs nothing against `NORMAL`
/// in group commit; rare checkpoints write a page that many commits touched once.
fn writer(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "20000")
        .pragma("cache_size", "-65536")
}

/// Shards and currency of the installation, once its schema proved to be the one this program knows.
async fn installation(pool: &SqlitePool) -> Result<(u16, Currency), StoreError> {
    let has_schema: bool = sqlx::query_scalar(sql::HAS_SCHEMA).fetch_one(pool).await.map_err(store_error)?;
    if !has_schema {
        return Err(schema_is_missing());
    }
    let applied = sqlx::query_as(sql::APPLIED_MIGRATIONS).fetch_all(pool).await.map_err(store_error)?;
    check_schema(&MIGRATIONS, &applied)?;
    let row: Option<InstallationRow> =
        sqlx::query_as(sql::INSTALLATION).fetch_optional(pool).await.map_err(store_error)?;
    row.ok_or_else(schema_is_missing)?.read()
}

#[async_trait]
impl Store for SqliteStore {
    fn dialect(&self) -> &'static str {
        "sqlite"
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn max_posters(&self) -> usize {
        1
    }

    async fn session(&self) -> Result<Box<dyn Session>, StoreError> {
        Ok(Box::new(SqliteSession::new(self.connect_writer().await?)))
    }
}
