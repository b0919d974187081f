//! What stands beside operations in the tables of their kinds.

use sqlx::SqliteConnection;

use super::error::store_error;
use super::{json, sql};
use crate::ports::StoreError;
use crate::storage::four_eyes_row::{FourEyesRow, attach, with_four_eyes};
use crate::storage::operation_row::OperationRow;

/// Completes operations that were read; nothing is asked when none needs it.
pub(super) async fn complete(
    connection: &mut SqliteConnection,
    rows: impl Iterator<Item = &mut OperationRow>,
) -> Result<(), StoreError> {
    let operations = with_four_eyes(rows);
    if operations.is_empty() {
        return Ok(());
    }
    let keys = json::operation_keys(operations.iter().map(|row| (row.shard, row.id)))?;
    let query = sqlx::query_as::<_, FourEyesRow>(sql::LOAD_FOUR_EYES).bind(keys);
    attach(operations, &query.fetch_all(connection).await.map_err(store_error)?);
    Ok(())
}
