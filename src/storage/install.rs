//! What an installation begins with, and whether a schema is the one this program knows.

use sqlx::migrate::{MigrateError, Migrator};

use super::rows::corrupt;
use crate::domain::{AccountClass, AccountNumber, Currency, Shard, Timestamp};
use crate::ports::StoreError;

/// What is fixed when a database is installed.
#[derive(Clone, Copy, Debug)]
pub struct InstallOptions {
    /// From 1 to [`Shard::MAX_COUNT`]; never changes afterwards.
    pub shards: u16,
    /// Currency of the books; never changes afterwards.
    pub currency: Currency,
    pub created_at: Timestamp,
}

impl InstallOptions {
    pub(super) fn checked(self) -> Result<Self, StoreError> {
        if (1..=Shard::MAX_COUNT).contains(&self.shards) {
            Ok(self)
        } else {
            Err(StoreError::Refused(format!("expected 1 to {} shards, not {}", Shard::MAX_COUNT, self.shards)))
        }
    }

    /// Shard, number and class of every account that stands without a reseller.
    pub(super) fn system_accounts(self) -> impl Iterator<Item = (Shard, AccountNumber, AccountClass)> {
        Shard::all(self.shards).flat_map(|shard| {
            AccountClass::system_classes(shard).map(move |class| (shard, class.system_account(), class))
        })
    }
}

/// The row of the table `installation`.
#[derive(sqlx::FromRow)]
pub(super) struct InstallationRow {
    shards: i16,
    currency: String,
}

impl InstallationRow {
    /// # Errors
    /// [`StoreError::Refused`] when the installation was made with other options.
    pub(super) fn agrees_with(&self, options: InstallOptions) -> Result<(), StoreError> {
        let (shards, currency) = self.read()?;
        if shards != options.shards {
            return Err(StoreError::Refused(format!(
                "the database is installed with {shards} shards, not {}; the count cannot change",
                options.shards
            )));
        }
        if currency != options.currency {
            return Err(StoreError::Refused(format!(
                "the books of this database are kept in {currency}, not {}; the currency cannot change",
                options.currency
            )));
        }
        Ok(())
    }

    pub(super) fn read(&self) -> Result<(u16, Currency), StoreError> {
        let shards = u16::try_from(self.shards).map_err(|_| corrupt("installation.shards"))?;
        let currency = self.currency.parse().map_err(|_| corrupt("installation.currency"))?;
        Ok((shards, currency))
    }
}

/// A migration as the database remembers it.
#[derive(sqlx::FromRow)]
pub(super) struct AppliedRow {
    version: i64,
    success: bool,
    checksum: Vec<u8>,
}

pub(super) fn schema_is_missing() -> StoreError {
    StoreError::Refused("the database holds no Taabia schema: run `taabia migrate` first".into())
}

/// What a failed migration means; `of_database` knows the errors of the dialect.
pub(super) fn migrate_error(error: MigrateError, of_database: fn(sqlx::Error) -> StoreError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => of_database(error),
        MigrateError::VersionMissing(version) => {
            StoreError::Refused(format!("the schema is newer than this program: it has migration {version}"))
        }
        other => StoreError::Refused(other.to_string()),
    }
}

/// Compares what was applied, ascending by version, with what this program knows.
pub(super) fn check_schema(known: &Migrator, applied: &[AppliedRow]) -> Result<(), StoreError> {
    let refused = |text: String| Err(StoreError::Refused(text));
    for migration in known.iter() {
        match applied.iter().find(|row| row.version == migration.version) {
            None => {
                return refused(format!(
                    "the schema lacks migration {}: run `taabia migrate` first",
                    migration.version
                ));
            }
            Some(row) if !row.success => {
                return refused(format!("migration {} was applied only in part", migration.version));
            }
            Some(row) if row.checksum.as_slice() != migration.checksum.as_ref() => {
                return refused(format!("migration {} was applied in another form", migration.version));
            }
            Some(_) => {}
        }
    }
    match applied.iter().find(|row| !known.version_exists(row.version)) {
        Some(row) => refused(format!("the schema is newer than this program: it has migration {}", row.version)),
        None => Ok(()),
    }
}
