//! Writes a batch: one statement for what every recharge and every top-up needs, and one per table for what opens or
//! changes accounts and resellers, which is rare.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};
use uuid::Uuid;

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
    write_evidence(connection, batch).await?;
    fill_operations(connection, batch).await?;
    write_settlement(connection, batch).await?;
    write_stock(connection, batch).await
}

/// What needs two persons. Rare.
async fn write_stock(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    if !batch.proposals.is_empty() {
        let query = bind_columns!(sqlx::query(sql::STOCK_PROPOSALS), batch.proposals, row:
            row.shard, row.id, row.maker, row.reason.as_str(), row.document.as_str(), row.expires_at, row.reseller,
            row.direction.as_deref(), row.limits.as_deref(), row.resolution.as_deref(), row.recharge, row.stated.as_deref(),
            row.checker, row.ruling,
            row.ruling_reason.as_deref(), row.ruled_at);
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
            row.vat_minor, row.discount_minor, row.residue_minor, row.catalogue, row.run, row.line);
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.runs.is_empty() {
        let query = bind_columns!(sqlx::query(sql::STOCK_RUNS), batch.runs, row:
            row.shard, row.id, row.terms, row.reason.as_str(), row.started_by, row.request.as_slice(), row.lines,
            row.lines_digest.as_slice(), row.done, row.refused, row.amount_minor);
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.run_lines.is_empty() {
        let query = bind_columns!(sqlx::query(sql::STOCK_RUN_LINES), batch.run_lines, row:
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

/// Lines of settlement files.
async fn write_settlement(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    if !batch.settlement_lines.is_empty() {
        let query = sqlx::query(sql::SETTLEMENT_LINES).bind(&batch.settlement_lines);
        answered(query.execute(&mut *connection)).await?;
    }
    Ok(())
}

/// What was received about doubts.
async fn write_evidence(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    if !batch.evidence.is_empty() {
        let query = bind_columns!(sqlx::query(sql::PERSIST_EVIDENCE), batch.evidence, row:
            row.shard, row.operation, row.sequence, row.kind, row.system.as_str(), row.reference, row.says.as_str(),
            row.decline.as_deref(), row.observed_at, row.excerpt.as_str(), row.effect, row.submit_by, row.promised_at);
        answered(query.execute(connection)).await?;
    }
    Ok(())
}

/// Rare: configuration changes, and who caused them.
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
    if !batch.staff_actions.is_empty() {
        let query = bind_columns!(sqlx::query(sql::PERSIST_STAFF_ACTIONS), batch.staff_actions, row:
            row.shard, row.sequence, row.recorded_at, row.kind, row.subject, row.actor.as_str(), row.via,
            row.address.as_deref(), row.request.as_deref(), row.reason.as_deref(), row.reseller,
            row.before_json.as_deref(), row.after_json.as_str());
        answered(query.execute(&mut *connection)).await?;
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

async fn write_books(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    answered(books(batch).execute(connection)).await.map(|_| ())
}

/// What every recharge and every top-up needs, in one statement. `execute` waits until the server is ready again, so also
/// for the commit of a statement that is a transaction by itself.
pub(super) fn books(batch: &Batch) -> Query<'_, Postgres, PgArguments> {
    let (shards, removed): (Vec<i16>, Vec<Uuid>) =
        batch.removed_holds.iter().map(|hold| (hold.shard, hold.operation)).unzip();
    let statement = if batch.topup_states.is_empty() { sql::PERSIST } else { sql::PERSIST_WITH_TOPUPS };
    let query = sqlx::query(statement)
        .bind(&batch.heads)
        .bind(&batch.entries)
        .bind(&batch.new_operations)
        .bind(&batch.moved_operations)
        .bind(&batch.placed_holds)
        .bind(shards)
        .bind(removed)
        .bind(&batch.accounts)
        .bind(&batch.claims);
    if batch.topup_states.is_empty() {
        return query;
    }
    query.bind(&batch.topup_states).bind(&batch.open_topups).bind(&batch.closed_topups)
}

/// Rare: somebody gets another name, or moves.
async fn write_places(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    if !batch.places.is_empty() {
        let query = bind_columns!(sqlx::query(sql::NETWORK_PLACES), batch.places, row:
            row.id, row.code.as_str(), row.name.as_str(), row.level.as_str(), row.parent);
        let written = answered(query.execute(&mut *connection)).await?;
        check_found("reseller", batch.places.len(), written.rows_affected())?;
    }
    for movement in &batch.moves {
        let detach = sqlx::query(sql::NETWORK_DETACH).bind(movement.reseller.uuid());
        answered(detach.execute(&mut *connection)).await?;
        if let Some(to) = movement.to {
            let attach = sqlx::query(sql::NETWORK_ATTACH).bind(movement.reseller.uuid()).bind(to.uuid());
            answered(attach.execute(&mut *connection)).await?;
        }
    }
    Ok(())
}

/// Registrations go first: a reseller's state and accounts follow its place in the tree.
async fn write_network(connection: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    if !batch.registrations.is_empty() {
        let query = bind_columns!(sqlx::query(sql::NETWORK_REGISTRATIONS), batch.registrations, row:
            row.id, row.code.as_str(), row.name.as_str(), row.level.as_str(), row.parent, row.created_at, row.shard,
            row.stock_account, row.standing);
        answered(query.execute(&mut *connection)).await?;
        let query = bind_columns!(sqlx::query(sql::NETWORK_ANCESTORS), batch.lines.within, row:
            row.ancestor, row.descendant, row.depth);
        let query = bind_columns!(query, batch.lines.hung, row: row.ancestor, row.descendant, row.depth);
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.new_resellers.is_empty() {
        let query = bind_columns!(sqlx::query(sql::NETWORK_NEW_RESELLERS), batch.new_resellers, row:
            row.shard, row.reseller, row.stock_account, row.standing.as_str(), row.per_operation_minor,
            row.per_day_count, row.per_day_minor, row.parent, row.level.as_str(), row.place.as_slice(), row.version);
        answered(query.execute(&mut *connection)).await?;
    }
    if !batch.resellers.is_empty() {
        let query = bind_columns!(sqlx::query(sql::NETWORK_RESELLERS), batch.resellers, row:
            row.shard, row.reseller, row.stock_account, row.standing.as_str(), row.per_operation_minor,
            row.per_day_count, row.per_day_minor, row.parent, row.level.as_str(), row.place.as_slice(), row.version);
        let written = answered(query.execute(&mut *connection)).await?;
        check_found("reseller_state", batch.resellers.len(), written.rows_affected())?;
        let query = bind_columns!(sqlx::query(sql::NETWORK_STANDINGS), batch.resellers, row:
            row.reseller, row.standing.as_str());
        let written = answered(query.execute(&mut *connection)).await?;
        check_found("reseller", batch.resellers.len(), written.rows_affected())?;
    }
    write_places(connection, batch).await?;
    if !batch.new_accounts.is_empty() {
        let query = bind_columns!(sqlx::query(sql::NETWORK_ACCOUNTS), batch.new_accounts, row:
            row.shard, row.number, row.class, row.owner, row.posted, row.held, row.credit_limit, row.usage_day,
            row.usage_count, row.usage_amount_minor);
        answered(query.execute(&mut *connection)).await?;
    }
    Ok(())
}
