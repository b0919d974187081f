//! Installing the schema.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::Serialize;
use sqlx::{Connection, SqliteConnection};

use super::error::store_error;
use super::{MIGRATIONS, json, parse, sql, writer};
use crate::domain::{AccountNumber, Shard};
use crate::ports::StoreError;
use crate::storage::InstallOptions;
use crate::storage::install::{InstallationRow, migrate_error};
use crate::storage::rows::shard_number;

#[derive(Serialize)]
struct SystemAccount {
    shard: i16,
    number: i64,
    class: i16,
}

/// See [`crate::storage::migrate`]. Creates the file.
///
/// # Errors
/// As there.
pub async fn migrate(url: &str, options: InstallOptions) -> Result<(), StoreError> {
    let options = options.checked()?;
    let connect = writer(parse(url)?);
    create(connect.get_filename())?;
    let mut connection = SqliteConnection::connect_with(&connect).await.map_err(store_error)?;
    MIGRATIONS.run(&mut connection).await.map_err(|error| migrate_error(error, store_error))?;
    install(&mut connection, options).await?;
    connection.close().await.map_err(store_error)
}

/// Subscribers' numbers are in the file: its owner alone may read it, and so the files beside it, whose modes
/// SQLite takes from it.
fn create(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Unavailable(format!("{}: {error}", path.display()))),
    }
}

/// Writes what an installation begins with; of what is there already, nothing changes.
async fn install(connection: &mut SqliteConnection, options: InstallOptions) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
    let created_at_ms = options.created_at.unix_ms();
    sqlx::query(sql::INSTALL)
        .bind(i64::from(options.shards))
        .bind(options.currency.code())
        .bind(created_at_ms)
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
    let row: InstallationRow =
        sqlx::query_as(sql::INSTALLATION).fetch_one(&mut *transaction).await.map_err(store_error)?;
    row.agrees_with(options)?;
    sqlx::query(sql::INSTALL_SHARDS)
        .bind(json::shards(Shard::all(options.shards))?)
        .bind(created_at_ms)
        .bind(AccountNumber::FIRST_OWN.0)
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
    let accounts: Vec<SystemAccount> = options
        .system_accounts()
        .map(|(shard, number, class)| SystemAccount {
            shard: shard_number(shard),
            number: number.0,
            class: class.code(),
        })
        .collect();
    sqlx::query(sql::INSTALL_SYSTEM_ACCOUNTS)
        .bind(json::array(&accounts)?)
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
    transaction.commit().await.map_err(store_error)
}
