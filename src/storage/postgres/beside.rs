//! What stands beside operations in the tables of their kinds.

use sqlx::PgConnection;
use uuid::Uuid;

use super::session::answered;
use super::sql;
use crate::ports::StoreError;
use crate::storage::four_eyes_row::{FourEyesRow, attach, with_four_eyes};
use crate::storage::operation_row::OperationRow;

/// Completes operations that were read; nothing is asked when none needs it.
pub(super) async fn complete(
    connection: &mut PgConnection,
    rows: impl Iterator<Item = &mut OperationRow>,
) -> Result<(), StoreError> {
    let operations = with_four_eyes(rows);
    if operations.is_empty() {
        return Ok(());
    }
    let (shards, ids): (Vec<i16>, Vec<Uuid>) = operations.iter().map(|row| (row.shard, row.id)).unzip();
    let query = sqlx::query_as::<_, FourEyesRow>(sql::LOAD_FOUR_EYES).bind(shards).bind(ids);
    attach(operations, &answered(query.fetch_all(connection)).await?);
    Ok(())
}
