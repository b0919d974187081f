//! Completes operations that were read by what stands beside them.

use sqlx::SqliteConnection;

use super::error::store_error;
use super::{json, sql};
use crate::ports::StoreError;
use crate::storage::beside::{Incomplete, attach, attach_topups, keys};
use crate::storage::operation_row::StoredOperation;
use crate::storage::topup_row::TopupKey;

/// Nothing is asked when none needs it.
pub(super) async fn complete(
    connection: &mut SqliteConnection,
    rows: impl Iterator<Item = &mut StoredOperation>,
) -> Result<(), StoreError> {
    let incomplete = Incomplete::of(rows);
    if !incomplete.four_eyes.is_empty() {
        let query = sqlx::query_as(sql::LOAD_FOUR_EYES).bind(json::operation_keys(keys(&incomplete.four_eyes))?);
        let found = query.fetch_all(&mut *connection).await.map_err(store_error)?;
        attach(incomplete.four_eyes, found, |beside, row| beside.four_eyes = Some(row));
    }
    if !incomplete.allocations.is_empty() {
        let query = sqlx::query_as(sql::LOAD_ALLOCATIONS).bind(json::operation_keys(keys(&incomplete.allocations))?);
        let found = query.fetch_all(&mut *connection).await.map_err(store_error)?;
        attach(incomplete.allocations, found, |beside, row| beside.allocation = Some(row));
    }
    if !incomplete.runs.is_empty() {
        let query = sqlx::query_as(sql::LOAD_RUNS).bind(json::operation_keys(keys(&incomplete.runs))?);
        let found = query.fetch_all(&mut *connection).await.map_err(store_error)?;
        attach(incomplete.runs, found, |beside, row| beside.run = Some(row));
    }
    if !incomplete.topups.is_empty() {
        let states: Vec<_> = incomplete.topups.iter().map(|row| TopupKey::of(row)).collect();
        let query = sqlx::query_as(sql::LOAD_TOPUPS).bind(json::array(&states)?);
        attach_topups(incomplete.topups, query.fetch_all(&mut *connection).await.map_err(store_error)?);
    }
    Ok(())
}
