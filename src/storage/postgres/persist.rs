//! Writes a batch: one statement for what every recharge needs, and one per table for what opens or changes
//! accounts and resellers, which is rare.

use sqlx::PgConnection;

use super::session::answered;
use super::sql;
use crate::ports::StoreError;
use crate::storage::batch::{Batch, check_found};

/// Binds rows as one array per column, in the order of the expressions.
macro_rules! bind_columns {
    ($query:expr, $rows:expr, $row:ident: $($column:expr),+ $(,)?) => {
        $query$(.bind($rows.iter().map(|$row| $column).collect::<Vec<_>>()))+
    };
}

pub(super) async fn persist(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    write_network(connection, batch).await?;
    write_records(connection, batch).await?;
    write_books(connection, batch).await?;
    fill_operations(connection, batch).await?;
    write_stock(connection, batch).await
}

/// What needs two persons. Rare.
async fn write_stock(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    if !batch.proposals.is_empty() {
        let query = bind_columns!(sqlx::query(sql::STOCK_PROPOSALS), batch.proposals, row:
            row.shard, row.id, row.maker, row.reason.as_str(), row.document.as_str(), row.expires_at, row.reseller,
            row.direction.as_deref(), row.checker, row.ruling, row.ruling_reason.as_deref(), row.ruled_at);
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.rulings.is_empty() {
        let query = bind_columns!(sqlx::query(sql::STOCK_RULINGS), batch.rulings, row:
            row.shard, row.id, row.checker, row.ruling, row.ruling_reason.as_deref(), row.ruled_at);
        let written = answered(query.execute(&mut *connection)).await?;
        check_found("four_eyes", batch.rulings.len(), written.rows_affected())?;
    }
    write_allocations(connection, batch).await
}

async fn write_allocations(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    if !batch.allocations.is_empty() {
        let query = bind_columns!(sqlx::query(sql::STOCK_ALLOCATIONS), batch.allocations, row:
            row.shard, row.id, row.terms, row.reason.as_str(), row.asked_minor, row.is_top_up, row.net_minor,
            row.vat_minor, row.run, row.line);
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.runs.is_empty() {
        let query = bind_columns!(sqlx::query(sql::STOCK_RUNS), batch.runs, row:
            row.shard, row.id, row.terms, row.reason.as_str(), row.started_by, row.request.as_slice(), row.lines,
            row.lines_digest.as_slice(), row.done, row.refused, row.amount_minor);
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.lines.is_empty() {
        let query = bind_columns!(sqlx::query(sql::STOCK_RUN_LINES), batch.lines, row:
            row.shard, row.run, row.number, row.reseller, row.code.as_deref(), row.asked_minor, row.is_top_up);
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.finished_runs.is_empty() {
        let query = bind_columns!(sqlx::query(sql::STOCK_FINISHED_RUNS), batch.finished_runs, row:
            row.shard, row.id, row.done, row.refused, row.amount_minor);
        let written = answered(query.execute(&mut *connection)).await?;
        check_found("run", batch.finished_runs.len(), written.rows_affected())?;
    }
    Ok(())
}

/// Rare: configuration changes.
async fn write_records(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    if !batch.new_records.is_empty() {
        let query = bind_columns!(sqlx::query(sql::NEW_RECORDS), batch.new_records, row:
            row.shard, row.kind, row.owner, row.id.as_str(), row.version, row.content.as_str());
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.changed_records.is_empty() {
        let query = bind_columns!(sqlx::query(sql::CHANGED_RECORDS), batch.changed_records, row:
            row.shard, row.kind, row.owner, row.id.as_str(), row.version, row.content.as_str());
        let written = answered(query.execute(&mut *connection)).await?;
        check_found("record", batch.changed_records.len(), written.rows_affected())?;
    }
    Ok(())
}

/// Rare: a request that comes after its key was voided.
async fn fill_operations(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    if batch.filled_operations.is_empty() {
        return Ok(());
    }
    let query = bind_columns!(sqlx::query(sql::FILL_OPERATIONS), batch.filled_operations, row:
        row.shard, row.id, row.amount_minor, row.status, row.decline.as_deref(), row.balance_after, row.updated_at,
        row.last_sequence, row.counterparty, row.msisdn, row.msisdn_salt.as_deref(), row.product.as_deref(),
        row.channel, row.terminal.as_deref(), row.allow_repeat, row.charging_reference, row.submit_by);
    let written = answered(query.execute(connection)).await?;
    check_found("operation", batch.filled_operations.len(), written.rows_affected())
}

/// How many rows the parts of `persist.sql` found to change.
#[derive(sqlx::FromRow)]
struct Found {
    heads: i64,
    operations: i64,
    holds: i64,
    accounts: i64,
}

async fn write_books(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    let query = sqlx::query_as::<_, Found>(sql::PERSIST);
    let query = bind_columns!(query, batch.heads, row:
        row.shard, row.version, row.sequence, row.frontier.as_slice(), row.recorded_at, row.next_account);
    let query = bind_columns!(query, batch.entries, row:
        row.shard, row.sequence, row.kind, row.subject, row.digest.as_slice(), &*row.actor, row.recorded_at,
        row.leaf.as_slice());
    let query = bind_columns!(query, batch.postings, row:
        row.shard, row.sequence, row.line, row.debit, row.credit, row.asset, row.amount_minor, row.debit_after,
        row.credit_after);
    let query = bind_columns!(query, batch.new_operations, row:
        row.shard, row.id, row.kind, row.partner, row.reseller, row.external_id.as_str(), row.amount_minor,
        row.status, row.decline.as_deref(), row.balance_after, row.created_at, row.updated_at, row.last_sequence,
        row.counterparty, row.msisdn, row.msisdn_salt.as_deref(), row.product.as_deref(), row.channel,
        row.terminal.as_deref(), row.allow_repeat, row.charging_reference, row.submit_by);
    let query = bind_columns!(query, batch.moved_operations, row:
        row.shard, row.id, row.status, row.decline, row.updated_at, row.last_sequence);
    let query = bind_columns!(query, batch.placed_holds, row:
        row.shard, row.operation, row.account, row.amount_minor, row.placed_at, row.due_at);
    let query = bind_columns!(query, batch.removed_holds, row: row.shard, row.operation);
    let query = bind_columns!(query, batch.accounts, row:
        row.shard, row.number, row.posted, row.held, row.credit_limit, row.usage_day, row.usage_count,
        row.usage_amount_minor);
    let found = answered(query.fetch_one(&mut *connection)).await?;
    check_found("shard", batch.heads.len(), found.heads.unsigned_abs())?;
    check_found("operation", batch.moved_operations.len(), found.operations.unsigned_abs())?;
    check_found("hold", batch.removed_holds.len(), found.holds.unsigned_abs())?;
    check_found("account", batch.accounts.len(), found.accounts.unsigned_abs())
}

/// Registrations go first: a reseller's state and accounts follow its place in the tree.
async fn write_network(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    if !batch.registrations.is_empty() {
        let query = bind_columns!(sqlx::query(sql::NETWORK_REGISTRATIONS), batch.registrations, row:
            row.id, row.code.as_str(), row.name.as_str(), row.level.as_str(), row.parent, row.created_at);
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.new_resellers.is_empty() {
        let query = bind_columns!(sqlx::query(sql::NETWORK_NEW_RESELLERS), batch.new_resellers, row:
            row.shard, row.reseller, row.stock_account, row.standing.as_str(), row.per_operation_minor,
            row.per_day_count, row.per_day_minor);
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.resellers.is_empty() {
        let query = bind_columns!(sqlx::query(sql::NETWORK_RESELLERS), batch.resellers, row:
            row.shard, row.reseller, row.stock_account, row.standing.as_str(), row.per_operation_minor,
            row.per_day_count, row.per_day_minor);
        let written = answered(query.execute(&mut *connection)).await?;
        check_found("reseller_state", batch.resellers.len(), written.rows_affected())?;
    }
    if !batch.new_accounts.is_empty() {
        let query = bind_columns!(sqlx::query(sql::NETWORK_ACCOUNTS), batch.new_accounts, row:
            row.shard, row.number, row.class, row.owner, row.posted, row.held, row.credit_limit, row.usage_day,
            row.usage_count, row.usage_amount_minor);
        answered(query.execute(&mut *connection)).await?;
    }
    Ok(())
}
