//! The books, the registry and the audit reads on SQLite and on PostgreSQL. The only room that knows SQL:
//! it stands in `.sql` files per dialect, and the URL decides which dialect is used.
//!
//! - [`open`] gives the ports of an installed database, [`migrate`] installs it or brings it up to date.
//! - Posters work on sessions, each a connection of its own that is closed when it is dropped; everything
//!   else reads from a bounded pool of other connections.
//! - `rows` is where the nouns of the domain become columns and back; `statements` names every statement.

pub mod postgres;
pub mod sqlite;

mod allocation_rows;
mod audit_rows;
mod batch;
mod beside;
mod bounds;
mod care_rows;
mod clients;
mod evidence_rows;
mod four_eyes_row;
mod install;
mod key_rows;
mod members;
mod movements;
mod notification_row;
mod operation_row;
mod places;
mod record_row;
mod rows;
mod settlement_row;
mod staff_rows;
mod statements;
mod tally_row;
mod topup_row;
mod webhook_rows;

use std::sync::Arc;

pub use install::InstallOptions;

use crate::domain::Currency;
use crate::ports::{
    AuditReader, CareReads, CaseStore, Movements, NetworkReads, NotificationLog, Registry, SettlementReads, StockReads,
    Store, StoreError, TopupReads, WebhookOutbox,
};

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Connections for reads at most, beside the posters' own.
    pub read_connections: u32,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { read_connections: 8 }
    }
}

/// An installed database behind the ports.
#[derive(Clone)]
pub struct Storage {
    pub store: Arc<dyn Store>,
    pub registry: Arc<dyn Registry>,
    pub network: Arc<dyn NetworkReads>,
    pub audit: Arc<dyn AuditReader>,
    pub stock: Arc<dyn StockReads>,
    pub topups: Arc<dyn TopupReads>,
    pub notifications: Arc<dyn NotificationLog>,
    pub settlement: Arc<dyn SettlementReads>,
    pub movements: Arc<dyn Movements>,
    pub webhooks: Arc<dyn WebhookOutbox>,
    pub care: Arc<dyn CareReads>,
    pub cases: Arc<dyn CaseStore>,
    /// The currency the books are kept in.
    pub currency: Currency,
    serving: Option<sqlite::ServeLock>,
}

impl Storage {
    /// Makes this process the one that serves the database, until the last clone of this value is gone.
    /// On SQLite a second process is refused; PostgreSQL serves any number.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when another process serves the file.
    pub fn lock_for_serving(&mut self) -> Result<(), StoreError> {
        if let Some(lock) = &self.serving { lock.take() } else { Ok(()) }
    }
}

/// Which database a URL names.
enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    fn of(url: &str) -> Result<Self, StoreError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            _ => Err(StoreError::Refused("expected a database URL that begins with sqlite:// or postgres://".into())),
        }
    }
}

/// Opens an installed database.
///
/// # Errors
/// [`StoreError::Refused`] when the schema is missing or of another version than this program's,
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn open(url: &str, options: OpenOptions) -> Result<Storage, StoreError> {
    match Dialect::of(url)? {
        Dialect::Sqlite => {
            let store = Arc::new(sqlite::SqliteStore::open(url, options).await?);
            let (currency, serving) = (store.currency(), Some(store.serve_lock()));
            let (registry, network, movements) = (store.clone(), store.clone(), store.clone());
            Ok(Storage {
                store: store.clone(),
                registry,
                network,
                audit: store.clone(),
                stock: store.clone(),
                topups: store.clone(),
                settlement: store.clone(),
                notifications: store.clone(),
                webhooks: store.clone(),
                care: store.clone(),
                cases: store,
                movements,
                currency,
                serving,
            })
        }
        Dialect::Postgres => {
            let store = Arc::new(postgres::PostgresStore::open(url, options).await?);
            let currency = store.currency();
            let (registry, network, movements) = (store.clone(), store.clone(), store.clone());
            Ok(Storage {
                store: store.clone(),
                registry,
                network,
                audit: store.clone(),
                stock: store.clone(),
                topups: store.clone(),
                settlement: store.clone(),
                notifications: store.clone(),
                webhooks: store.clone(),
                care: store.clone(),
                cases: store,
                movements,
                currency,
                serving: None,
            })
        }
    }
}

/// Installs the schema or brings it up to date, and writes the rows an installation begins with. Doing it
/// again changes nothing.
///
/// # Errors
/// [`StoreError::Refused`] when the database is an installation with another shard count or currency, or
/// its schema is newer than this program.
pub async fn migrate(url: &str, options: InstallOptions) -> Result<(), StoreError> {
    match Dialect::of(url)? {
        Dialect::Sqlite => sqlite::migrate(url, options).await,
        Dialect::Postgres => postgres::migrate(url, options).await,
    }
}

/// Grants a role of PostgreSQL what serving needs and no more: it can append to the journal, not change it,
/// and it does not own the tables. `url` is that of the owner.
///
/// # Errors
/// [`StoreError::Refused`] on SQLite, which has no roles, and when the role does not exist.
pub async fn grant_to(url: &str, role: &str) -> Result<(), StoreError> {
    match Dialect::of(url)? {
        Dialect::Sqlite => Err(StoreError::Refused("SQLite has no roles to grant to".into())),
        Dialect::Postgres => postgres::grant_to(url, role).await,
    }
}
