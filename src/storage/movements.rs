//! The rows of statements, and what both dialects do alike to read them.

use uuid::Uuid;

use super::audit_rows::OptionalOperation;
use super::operation_row::StoredOperation;
use super::rows::{corrupt, read_asset, read_at, read_entry_kind, read_shard};
use crate::domain::{AccountNumber, Operation, Posting, Record, RecordKind, ResellerId, Shard};
use crate::ledger::stock_watch;
use crate::ports::{
    AuditedMovement, Flows, LogPlace, Movement, MovementPlace, MovementQuery, StoreError, WatchedStock,
};

/// Under which name the movements read the log.
pub(super) const SUBSCRIBER: &str = "statements";

#[derive(sqlx::FromRow)]
pub(super) struct PlaceRow {
    sequence: i64,
    recorded_at: i64,
    written: i64,
}

impl From<PlaceRow> for LogPlace {
    fn from(row: PlaceRow) -> Self {
        Self { head: row.sequence, recorded_at: read_at(row.recorded_at), written: row.written }
    }
}

/// The last movement of an account that is written out.
#[derive(sqlx::FromRow)]
pub(super) struct WrittenRow {
    credited_minor: i64,
    sold_minor: i64,
    /// The one it states.
    balance: i64,
}

/// What moved since: credited, debited and sold.
pub(super) type TailRow = (i64, i64, i64);

/// Puts both together; the accounts of `is_credit_normal` grow by credits.
pub(super) fn read_flows(written: Option<WrittenRow>, tail: Option<TailRow>, is_credit_normal: bool) -> Flows {
    let mut flows = written.map_or_else(Flows::default, |row| {
        let debited_minor =
            if is_credit_normal { row.credited_minor - row.balance } else { row.credited_minor + row.balance };
        Flows { credited_minor: row.credited_minor, debited_minor, sold_minor: row.sold_minor }
    });
    if let Some((credited_minor, debited_minor, sold_minor)) = tail {
        flows.credited_minor += credited_minor;
        flows.debited_minor += debited_minor;
        flows.sold_minor += sold_minor;
    }
    flows
}

#[derive(sqlx::FromRow)]
pub(super) struct MovementRow {
    entry_sequence: i64,
    posting_line: i16,
    entry_kind: i16,
    subject: Uuid,
    recorded_at: i64,
    debit: i64,
    credit: i64,
    asset: i64,
    posted_minor: i64,
    debit_after: i64,
    credit_after: i64,
    #[sqlx(flatten)]
    operation: OptionalOperation,
}

impl MovementRow {
    pub(super) fn operation_mut(&mut self) -> Option<&mut StoredOperation> {
        self.operation.0.as_mut()
    }

    pub(super) fn read(self) -> Result<Movement, StoreError> {
        Ok(Movement {
            place: MovementPlace { sequence: self.entry_sequence, line: self.posting_line },
            kind: read_entry_kind(self.entry_kind)?,
            subject: self.subject,
            recorded_at: read_at(self.recorded_at),
            posting: Posting {
                debit: AccountNumber(self.debit),
                credit: AccountNumber(self.credit),
                asset: read_asset(self.asset)?,
                amount_minor: self.posted_minor,
                debit_after: self.debit_after,
                credit_after: self.credit_after,
            },
            operation: self.operation.0.map(Operation::try_from).transpose()?,
        })
    }
}

/// Where a page is read.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Written,
    Tail,
}

/// The parts of a page in the order in which they are read; a part that can hold nothing is left out.
pub(super) fn parts(query: &MovementQuery, written: i64) -> Vec<(Source, MovementPlace, MovementPlace)> {
    let edge = MovementPlace::behind(written);
    let old = (Source::Written, query.after, query.before.min(MovementPlace { sequence: written + 1, line: 0 }));
    let new = (Source::Tail, query.after.max(edge), query.before);
    let parts = if query.oldest_first { [old, new] } else { [new, old] };
    parts.into_iter().filter(|(_, after, before)| after < before).collect()
}

#[derive(sqlx::FromRow)]
pub(super) struct AuditedMovementRow {
    account: i64,
    sequence: i64,
    line: i16,
    credited_minor: i64,
    sold_minor: i64,
    debit: Option<i64>,
    credit: Option<i64>,
    amount_minor: Option<i64>,
}

impl From<AuditedMovementRow> for AuditedMovement {
    fn from(row: AuditedMovementRow) -> Self {
        let posting = match (row.debit, row.credit, row.amount_minor) {
            (Some(debit), Some(credit), Some(amount)) => Some((AccountNumber(debit), AccountNumber(credit), amount)),
            _ => None,
        };
        Self {
            account: AccountNumber(row.account),
            place: MovementPlace { sequence: row.sequence, line: row.line },
            credited_minor: row.credited_minor,
            sold_minor: row.sold_minor,
            posting,
        }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct WatchedRow {
    owner: Uuid,
    watch: String,
    available: i64,
    alert: i64,
    was_low: bool,
}

impl WatchedRow {
    pub(super) fn read(self) -> Result<WatchedStock, StoreError> {
        let reseller = ResellerId::from_uuid(self.owner);
        let key = stock_watch::key(RecordKind::StockWatch, reseller);
        // The version is not looked at.
        let record = Record::read(key, 1, &self.watch).map_err(|_| corrupt("record.content"))?;
        let watch = *record.body().ok_or_else(|| corrupt("record.content"))?;
        let (available_minor, alert, was_low) = (self.available, self.alert, self.was_low);
        Ok(WatchedStock { reseller, watch, available_minor, alert, was_low })
    }
}

pub(super) fn read_cursors(rows: Vec<(i16, i64)>) -> Result<Vec<(Shard, i64)>, StoreError> {
    rows.into_iter().map(|(shard, sequence)| Ok((read_shard(shard)?, sequence))).collect()
}

pub(super) fn no_such_shard(shard: Shard) -> StoreError {
    StoreError::Refused(format!("there is no shard {shard}"))
}
