//! What stands beside operations in the tables of their kinds.
//!
//! It is loaded after the operations' rows: what was written with such a row is there by then, and what came later is
//! recognised by the row's status.

use std::collections::HashMap;

use uuid::Uuid;

use super::allocation_rows::{AllocationRow, RunRow};
use super::four_eyes_row::FourEyesRow;
use super::operation_row::StoredOperation;
use super::topup_row::TopupRow;
use crate::domain::OperationKind;

/// The row of another table that completes an operation.
#[derive(Default)]
pub(super) struct Beside {
    pub four_eyes: Option<FourEyesRow>,
    pub allocation: Option<AllocationRow>,
    pub run: Option<RunRow>,
    pub topup: Option<TopupRow>,
}

/// Operations that are incomplete, by the table that completes them.
#[derive(Default)]
pub(super) struct Incomplete<'a> {
    pub four_eyes: Vec<&'a mut StoredOperation>,
    pub allocations: Vec<&'a mut StoredOperation>,
    pub runs: Vec<&'a mut StoredOperation>,
    pub topups: Vec<&'a mut StoredOperation>,
}

impl<'a> Incomplete<'a> {
    pub(super) fn of(stored: impl Iterator<Item = &'a mut StoredOperation>) -> Self {
        let mut incomplete = Self::default();
        for row in stored {
            match OperationKind::from_code(row.row.kind) {
                Some(
                    OperationKind::Issue
                    | OperationKind::Destruction
                    | OperationKind::Adjustment
                    | OperationKind::LimitRaise
                    | OperationKind::Resolution
                    | OperationKind::Statement,
                ) => {
                    incomplete.four_eyes.push(row);
                }
                Some(OperationKind::Allocation) => incomplete.allocations.push(row),
                Some(OperationKind::AllocationRun) => incomplete.runs.push(row),
                Some(OperationKind::Topup | OperationKind::TopupRefund | OperationKind::Reversal) => {
                    incomplete.topups.push(row);
                }
                Some(
                    OperationKind::Recharge
                    | OperationKind::Transfer
                    | OperationKind::Return
                    | OperationKind::CommissionPayout,
                )
                | None => {}
            }
        }
        incomplete
    }

    pub(super) fn is_empty(&self) -> bool {
        self.four_eyes.is_empty() && self.allocations.is_empty() && self.runs.is_empty() && self.topups.is_empty()
    }
}

/// A row that is found by the operation's own key.
pub(super) trait Keyed {
    fn key(&self) -> (i16, Uuid);
}

macro_rules! keyed {
    ($($row:ident),+) => {$(
        impl Keyed for $row {
            fn key(&self) -> (i16, Uuid) {
                (self.shard, self.id)
            }
        }
    )+};
}
keyed!(FourEyesRow, AllocationRow, RunRow);

impl Keyed for StoredOperation {
    fn key(&self) -> (i16, Uuid) {
        (self.row.shard, self.row.id)
    }
}

/// The keys of operations.
pub(super) fn keys(rows: &[&mut StoredOperation]) -> impl Iterator<Item = (i16, Uuid)> {
    rows.iter().map(|row| row.key())
}

/// Top-ups have a state per step: the one of the operation's row is meant.
pub(super) fn attach_topups(rows: Vec<&mut StoredOperation>, found: Vec<TopupRow>) {
    let found: HashMap<_, _> = found.into_iter().map(|row| ((row.shard, row.id, row.sequence), row)).collect();
    for row in rows {
        let key = (row.row.shard, row.row.id, row.row.last_sequence);
        row.beside.topup = found.get(&key).cloned();
    }
}

/// Puts each row that was found to its operation. In a page of the journal one operation may stand several times.
pub(super) fn attach<R: Keyed + Clone>(rows: Vec<&mut StoredOperation>, found: Vec<R>, put: impl Fn(&mut Beside, R)) {
    let found: HashMap<_, _> = found.into_iter().map(|row| (row.key(), row)).collect();
    for row in rows {
        if let Some(own) = found.get(&row.key()) {
            put(&mut row.beside, own.clone());
        }
    }
}
