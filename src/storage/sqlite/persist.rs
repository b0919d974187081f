//! Writes a batch: one statement per table.

use serde::Serialize;
use sqlx::SqliteConnection;

use super::error::{claim_error, store_error};
use super::{json, sql};
use crate::ports::StoreError;
use crate::storage::batch::{Batch, check_found};
use crate::storage::key_rows::ClaimRow;

pub(super) async fn persist(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    // A reseller's place in the tree comes first: its foreign keys are checked at the end of each statement.
    write(connection, sql::NETWORK_REGISTRATIONS, &batch.registrations).await?;
    if !batch.registrations.is_empty() {
        let query = sqlx::query(sql::NETWORK_ANCESTORS).bind(json::array(&batch.lines.within)?);
        let query = query.bind(json::array(&batch.lines.hung)?);
        query.execute(&mut *connection).await.map_err(store_error)?;
    }
    write(connection, sql::NETWORK_NEW_RESELLERS, &batch.new_resellers).await?;
    write(connection, sql::NETWORK_ACCOUNTS, &batch.new_accounts).await?;
    change(connection, "reseller_state", sql::NETWORK_RESELLERS, &batch.resellers).await?;
    change(connection, "reseller", sql::NETWORK_STANDINGS, &batch.resellers).await?;
    write_places(connection, batch).await?;

    write(connection, sql::NEW_RECORDS, &batch.new_records).await?;
    change(connection, "record", sql::CHANGED_RECORDS, &batch.changed_records).await?;
    write(connection, sql::PERSIST_STAFF_ACTIONS, &batch.staff_actions).await?;
    write(connection, sql::PERSIST_EVIDENCE, &batch.evidence).await?;

    change(connection, "shard", sql::PERSIST_HEADS, &batch.heads).await?;
    write(connection, sql::PERSIST_ENTRIES, &batch.entries).await?;
    write(connection, sql::PERSIST_POSTINGS, &batch.postings()).await?;
    claim(connection, &batch.claims).await?;
    write(connection, sql::PERSIST_NEW_OPERATIONS, &batch.new_operations).await?;
    change(connection, "operation", sql::PERSIST_OPERATIONS, &batch.moved_operations).await?;
    change(connection, "operation", sql::FILL_OPERATIONS, &batch.filled_operations).await?;
    write(connection, sql::STOCK_PROPOSALS, &batch.proposals).await?;
    change(connection, "four_eyes", sql::STOCK_RULINGS, &batch.rulings).await?;
    write(connection, sql::STOCK_ALLOCATIONS, &batch.allocations).await?;
    write(connection, sql::STOCK_RUNS, &batch.runs).await?;
    write(connection, sql::STOCK_RUN_LINES, &batch.run_lines).await?;
    change(connection, "run", sql::STOCK_FINISHED_RUNS, &batch.finished_runs).await?;
    write(connection, sql::TOPUP_STATES, &batch.topup_states).await?;
    write(connection, sql::TOPUPS_OPENED, &batch.open_topups).await?;
    write(connection, sql::TOPUPS_CLOSED, &batch.closed_topups).await?;
    write(connection, sql::SETTLEMENT_LINES, &batch.settlement_lines).await?;
    write(connection, sql::PERSIST_PLACED_HOLDS, &batch.placed_holds).await?;
    change(connection, "hold", sql::PERSIST_REMOVED_HOLDS, &batch.removed_holds).await?;
    change(connection, "account", sql::PERSIST_ACCOUNTS, &batch.accounts).await
}

/// Claims the keys of new operations.
async fn claim(connection: &mut SqliteConnection, claims: &[ClaimRow]) -> Result<(), StoreError> {
    if claims.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(sql::PERSIST_CLAIMS).bind(json::array(claims)?);
    query.execute(connection).await.map(|_| ()).map_err(claim_error)
}

/// Rare: somebody gets another name, or moves.
async fn write_places(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    change(connection, "reseller", sql::NETWORK_PLACES, &batch.places).await?;
    for movement in &batch.moves {
        let detach = sqlx::query(sql::NETWORK_DETACH).bind(movement.reseller.uuid());
        detach.execute(&mut *connection).await.map_err(store_error)?;
        if let Some(to) = movement.to {
            let attach = sqlx::query(sql::NETWORK_ATTACH).bind(movement.reseller.uuid()).bind(to.uuid());
            attach.execute(&mut *connection).await.map_err(store_error)?;
        }
    }
    Ok(())
}

/// Rows affected.
async fn write<T: Serialize + Sync>(
    connection: &mut SqliteConnection,
    statement: &'static str,
    rows: &[T],
) -> Result<u64, StoreError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let written = sqlx::query(statement).bind(json::array(rows)?).execute(connection).await.map_err(store_error)?;
    Ok(written.rows_affected())
}

/// Writes to rows that must be there.
async fn change<T: Serialize + Sync>(
    connection: &mut SqliteConnection,
    table: &str,
    statement: &'static str,
    rows: &[T],
) -> Result<(), StoreError> {
    check_found(table, rows.len(), write(connection, statement, rows).await?)
}
