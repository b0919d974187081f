//! PostgreSQL: the production store. Any number of nodes and posters; the rows of the shards are their locks.

mod audit;
mod beside;
mod care;
mod cases;
mod error;
mod install;
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

use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

pub use install::{grant_to, migrate};

use self::error::store_error;
use self::session::PostgresSession;
use super::OpenOptions;
use super::install::{InstallationRow, check_schema, schema_is_missing};
use crate::domain::Currency;
use crate::ports::{Session, Store, StoreError};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a connection may take to open, or a read to get one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Posters beyond the cores gain nothing, and each shard has one at a time.
const MAX_POSTERS: usize = 64;

/// The store on PostgreSQL.
pub struct PostgresStore {
    options: PgConnectOptions,
    reads: PgPool,
    /// For verification, whose folds take as long as they take; opened when first used.
    audits: PgPool,
    shards: u16,
    currency: Currency,
}

impl PostgresStore {
    /// # Errors
    /// [`StoreError::Refused`] when the schema is missing or of another version, [`StoreError::Unavailable`]
    /// when the server cannot be reached.
    pub async fn open(url: &str, options: OpenOptions) -> Result<Self, StoreError> {
        let connect = parse(url)?;
        let reads = PgPoolOptions::new()
            .max_connections(options.read_connections.max(1))
            .acquire_timeout(CONNECT_TIMEOUT)
            .after_connect(|connection, _| {
                Box::pin(async move { sqlx::raw_sql(sql::READ_SETTINGS).execute(connection).await.map(|_| ()) })
            })
            .connect_lazy_with(connect.clone());
        let audits =
            PgPoolOptions::new().max_connections(2).acquire_timeout(CONNECT_TIMEOUT).connect_lazy_with(connect.clone());
        let (shards, currency) = installation(&reads).await?;
        Ok(Self { options: connect, reads, audits, shards, currency })
    }

    /// The currency the books are kept in.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }
}

fn parse(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options: PgConnectOptions = url.parse().map_err(store_error)?;
    Ok(options.application_name("taabia"))
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    match tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await {
        Ok(connected) => connected.map_err(store_error),
        Err(_) => Err(StoreError::Unavailable("no connection within 5 s".into())),
    }
}

/// Shards and currency of the installation, once its schema proved to be the one this program knows.
async fn installation(pool: &PgPool) -> Result<(u16, Currency), StoreError> {
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
impl Store for PostgresStore {
    fn dialect(&self) -> &'static str {
        "postgresql"
    }

    fn shards(&self) -> u16 {
        self.shards
    }

    fn max_posters(&self) -> usize {
        MAX_POSTERS
    }

    async fn session(&self) -> Result<Box<dyn Session>, StoreError> {
        let mut connection = connect(&self.options).await?;
        sqlx::raw_sql(sql::POSTER_SETTINGS).execute(&mut connection).await.map_err(store_error)?;
        let prepare = AssertSqlSafe(format!("PREPARE lock_shards (smallint[]) AS {}", sql::LOCK));
        sqlx::raw_sql(prepare).execute(&mut connection).await.map_err(store_error)?;
        Ok(Box::new(PostgresSession::new(connection)))
    }
}
