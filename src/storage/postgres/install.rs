//! Installing the schema, and the role that serves.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::error::store_error;
use super::{MIGRATIONS, connect, parse, sql};
use crate::domain::AccountNumber;
use crate::ports::StoreError;
use crate::storage::InstallOptions;
use crate::storage::install::{InstallationRow, migrate_error};
use crate::storage::rows::shard_number;

/// See [`crate::storage::migrate`].
///
/// # Errors
/// As there.
pub async fn migrate(url: &str, options: InstallOptions) -> Result<(), StoreError> {
    let options = options.checked()?;
    let mut connection = connect(&parse(url)?).await?;
    MIGRATIONS.run(&mut connection).await.map_err(|error| migrate_error(error, store_error))?;
    install(&mut connection, options).await?;
    connection.close().await.map_err(store_error)
}

/// Writes what an installation begins with; of what is there already, nothing changes.
async fn install(connection: &mut PgConnection, options: InstallOptions) -> Result<(), StoreError> {
    let mut transaction = connection.begin().await.map_err(store_error)?;
    let count = i16::try_from(options.shards).expect("at most 256 shards");
    let created_at_ms = options.created_at.unix_ms();
    sqlx::query(sql::INSTALL)
        .bind(count)
        .bind(options.currency.code())
        .bind(created_at_ms)
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
    let row: InstallationRow =
        sqlx::query_as(sql::INSTALLATION).fetch_one(&mut *transaction).await.map_err(store_error)?;
    row.agrees_with(options)?;
    sqlx::query(sql::INSTALL_SHARDS)
        .bind(count)
        .bind(created_at_ms)
        .bind(AccountNumber::FIRST_OWN.0)
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
    let accounts: Vec<_> = options.system_accounts().collect();
    sqlx::query(sql::INSTALL_SYSTEM_ACCOUNTS)
        .bind(accounts.iter().map(|(shard, ..)| shard_number(*shard)).collect::<Vec<_>>())
        .bind(accounts.iter().map(|(_, number, _)| number.0).collect::<Vec<_>>())
        .bind(accounts.iter().map(|(.., class)| class.code()).collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
    transaction.commit().await.map_err(store_error)
}

/// See [`crate::storage::grant_to`].
///
/// # Errors
/// As there.
pub async fn grant_to(url: &str, role: &str) -> Result<(), StoreError> {
    if role.is_empty() || role.contains('\0') {
        return Err(StoreError::Refused("expected the name of a role".into()));
    }
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    let statements = sql::GRANT.replace("\"application\"", &quoted);
    let mut connection = connect(&parse(url)?).await?;
    // Only the role's name is put in, as a quoted identifier. Several statements in one message are one transaction.
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.map_err(store_error)?;
    connection.close().await.map_err(store_error)
}
