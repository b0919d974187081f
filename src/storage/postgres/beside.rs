//! Completes operations that were read by what stands beside them.

use sqlx::PgConnection;
use uuid::Uuid;

use super::session::answered;
use super::sql;
use crate::ports::StoreError;
use crate::storage::beside::{Incomplete, attach, attach_topups, keys};
use crate::storage::operation_row::StoredOperation;

/// Nothing is asked when none needs it.
pub(super) async fn complete(
    connection: &mut PgConnection,
    rows: impl Iterator<Item = &mut StoredOperation>,
) -> Result<(), StoreError> {
    let incomplete = Incomplete::of(rows);
    if !incomplete.four_eyes.is_empty() {
        let (shards, ids): (Vec<i16>, Vec<Uuid>) = keys(&incomplete.four_eyes).unzip();
        let query = sqlx::query_as(sql::LOAD_FOUR_EYES).bind(shards).bind(ids);
        let found = answered(query.fetch_all(&mut *connection)).await?;
        attach(incomplete.four_eyes, found, |beside, row| beside.four_eyes = Some(row));
    }
    if !incomplete.allocations.is_empty() {
        let (shards, ids): (Vec<i16>, Vec<Uuid>) = keys(&incomplete.allocations).unzip();
        let query = sqlx::query_as(sql::LOAD_ALLOCATIONS).bind(shards).bind(ids);
        let found = answered(query.fetch_all(&mut *connection)).await?;
        attach(incomplete.allocations, found, |beside, row| beside.allocation = Some(row));
    }
    if !incomplete.runs.is_empty() {
        let (shards, ids): (Vec<i16>, Vec<Uuid>) = keys(&incomplete.runs).unzip();
        let query = sqlx::query_as(sql::LOAD_RUNS).bind(shards).bind(ids);
        let found = answered(query.fetch_all(&mut *connection)).await?;
        attach(incomplete.runs, found, |beside, row| beside.run = Some(row));
    }
    if !incomplete.topups.is_empty() {
        let (shards, ids): (Vec<i16>, Vec<Uuid>) = keys(&incomplete.topups).unzip();
        let sequences: Vec<i64> = incomplete.topups.iter().map(|row| row.row.last_sequence).collect();
        let query = sqlx::query_as(sql::LOAD_TOPUPS).bind(shards).bind(ids).bind(sequences);
        attach_topups(incomplete.topups, answered(query.fetch_all(&mut *connection)).await?);
    }
    Ok(())
}
