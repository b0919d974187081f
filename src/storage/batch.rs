//! All that a batch writes, as rows per table, whatever shards they are of.

use serde::Serialize;
use uuid::Uuid;

use super::allocation_rows::{AllocationRow, LineRow, RunRow};
use super::evidence_rows::EvidenceRow;
use super::four_eyes_row::FourEyesRow;
use super::key_rows::ClaimRow;
use super::operation_row::OperationRow;
use super::places::{Lines, PlaceRow};
use super::record_row::RecordRow;
use super::rows::{
    AccountRow, EntryRow, HoldRow, MovedHead, PostingRow, RegistrationRow, ResellerRow, hex_bytes, shard_number,
};
use super::settlement_row::SettlementLineRow;
use super::staff_rows::StaffActionRow;
use super::topup_row::{OpenTopupRow, TopupRow};
use crate::domain::{Decline, Operation};
use crate::ledger::{Changes, Move};
use crate::ports::StoreError;

/// The key of a hold that is removed.
#[derive(Serialize)]
pub(super) struct RemovedHold {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub operation: Uuid,
}

/// What an outcome changes of an operation.
#[derive(Serialize, sqlx::Type)]
#[sqlx(type_name = "moved_operation")]
pub(super) struct MovedOperation {
    pub shard: i16,
    #[serde(serialize_with = "hex_bytes")]
    pub id: Uuid,
    pub status: i16,
    pub decline: Option<String>,
    pub updated_at: i64,
    pub last_sequence: i64,
}

impl From<&Operation> for MovedOperation {
    fn from(operation: &Operation) -> Self {
        Self {
            shard: shard_number(operation.id.shard()),
            id: operation.id.uuid(),
            status: operation.status.code(),
            decline: operation.decline.map(|decline| decline.code().into()),
            updated_at: operation.updated_at.unix_ms(),
            last_sequence: operation.last_sequence,
        }
    }
}

#[derive(Default)]
pub(super) struct Batch {
    pub heads: Vec<MovedHead>,
    pub entries: Vec<EntryRow>,
    pub claims: Vec<ClaimRow>,
    pub new_operations: Vec<OperationRow>,
    pub moved_operations: Vec<MovedOperation>,
    /// Tombstones that got the content of the late request for their key, recharges that were sent on or taken back, and
    /// reversals.
    pub filled_operations: Vec<OperationRow>,
    pub proposals: Vec<FourEyesRow>,
    pub rulings: Vec<FourEyesRow>,
    pub allocations: Vec<AllocationRow>,
    pub runs: Vec<RunRow>,
    pub finished_runs: Vec<RunRow>,
    pub run_lines: Vec<LineRow>,
    pub topup_states: Vec<TopupRow>,
    pub open_topups: Vec<OpenTopupRow>,
    pub closed_topups: Vec<OpenTopupRow>,
    pub settlement_lines: Vec<SettlementLineRow>,
    pub placed_holds: Vec<HoldRow>,
    pub removed_holds: Vec<RemovedHold>,
    pub new_accounts: Vec<AccountRow>,
    pub accounts: Vec<AccountRow>,
    pub new_resellers: Vec<ResellerRow>,
    pub resellers: Vec<ResellerRow>,
    pub registrations: Vec<PlaceRow>,
    /// Of the registrations, up to the top of the network.
    pub lines: Lines,
    /// Places that changed.
    pub places: Vec<RegistrationRow>,
    /// In their order.
    pub moves: Vec<Move>,
    pub new_records: Vec<RecordRow>,
    pub changed_records: Vec<RecordRow>,
    pub staff_actions: Vec<StaffActionRow>,
    pub evidence: Vec<EvidenceRow>,
}

impl Batch {
    /// # Errors
    /// [`StoreError::Refused`] when a row belongs to another shard than the changes it came with.
    pub(super) fn of(changes: &[Changes]) -> Result<Self, StoreError> {
        let mut batch = Self::default();
        for changes in changes {
            batch.add(changes)?;
        }
        batch.lines = Lines::of(&batch.registrations)?;
        batch.moves.sort_unstable_by_key(|movement| movement.order);
        Ok(batch)
    }

    /// The lines of its entries, where each is a row.
    pub(super) fn postings(&self) -> Vec<PostingRow> {
        self.entries.iter().flat_map(PostingRow::all_of).collect()
    }

    /// Whether it holds nothing but what every recharge and every top-up writes. Names all that a batch may hold, so that what is new
    /// is thought of here.
    pub(super) fn is_of_books_only(&self) -> bool {
        let Self {
            heads: _,
            entries: _,
            claims: _,
            new_operations: _,
            moved_operations: _,
            filled_operations,
            proposals,
            rulings,
            allocations,
            runs,
            finished_runs,
            run_lines,
            topup_states: _,
            open_topups: _,
            closed_topups: _,
            settlement_lines,
            placed_holds: _,
            removed_holds: _,
            new_accounts,
            accounts: _,
            new_resellers,
            resellers,
            registrations,
            lines: _,
            places,
            moves,
            new_records,
            changed_records,
            staff_actions,
            evidence,
        } = self;
        filled_operations.is_empty()
            && proposals.is_empty()
            && rulings.is_empty()
            && allocations.is_empty()
            && runs.is_empty()
            && finished_runs.is_empty()
            && run_lines.is_empty()
            && settlement_lines.is_empty()
            && new_accounts.is_empty()
            && new_resellers.is_empty()
            && resellers.is_empty()
            && registrations.is_empty()
            && places.is_empty()
            && moves.is_empty()
            && staff_actions.is_empty()
            && evidence.is_empty()
            && new_records.is_empty()
            && changed_records.is_empty()
    }

    fn add(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let shard = changes.head.shard;
        let mut operations = changes.new_operations.iter().chain(&changes.updated_operations);
        if let Some(stray) = operations.find(|operation| operation.id.shard() != shard) {
            return Err(StoreError::Refused(format!(
                "operation {} among the changes of shard {shard}",
                stray.id.uuid()
            )));
        }
        if let Some(stray) = changes.entries.iter().map(|it| &it.entry).find(|entry| entry.shard != shard) {
            return Err(StoreError::Refused(format!("entry {} among the changes of shard {shard}", stray.sequence)));
        }
        self.heads.push(MovedHead::from(changes));
        self.entries.extend(changes.entries.iter().map(EntryRow::from));
        self.claims.extend(changes.new_operations.iter().map(ClaimRow::from));
        self.new_operations.extend(changes.new_operations.iter().map(OperationRow::from));
        self.proposals.extend(changes.new_operations.iter().filter_map(FourEyesRow::of));
        let ruled = changes.updated_operations.iter().filter_map(FourEyesRow::of);
        self.rulings.extend(ruled.filter(|row| row.checker.is_some()));
        self.allocations.extend(changes.new_operations.iter().filter_map(AllocationRow::of));
        self.runs.extend(changes.new_operations.iter().filter_map(RunRow::of));
        self.finished_runs.extend(changes.updated_operations.iter().filter_map(RunRow::of));
        let written = changes.new_operations.iter().chain(&changes.updated_operations);
        for operation in written {
            let Some(row) = TopupRow::of(operation) else { continue };
            self.topup_states.push(row);
            let list = if operation.is_looked_after() { &mut self.open_topups } else { &mut self.closed_topups };
            list.push(OpenTopupRow::of(operation));
        }
        for lines in &changes.settled_lines {
            self.settlement_lines.extend(SettlementLineRow::all_of(shard, lines));
        }
        for (run, lines) in &changes.new_lines {
            self.run_lines.extend(lines.iter().map(|line| LineRow::of(shard, *run, line)));
        }
        let (filled, moved): (Vec<_>, Vec<_>) =
            changes.updated_operations.iter().partition(|operation| is_filled(operation));
        self.filled_operations.extend(filled.into_iter().map(OperationRow::from));
        self.moved_operations.extend(moved.into_iter().map(MovedOperation::from));
        self.placed_holds.extend(changes.placed_holds.iter().map(|hold| HoldRow::of(shard, hold)));
        let removed = changes.removed_holds.iter();
        self.removed_holds.extend(removed.map(|id| RemovedHold { shard: shard_number(shard), operation: id.uuid() }));
        self.new_accounts.extend(changes.new_accounts.iter().map(|account| AccountRow::of(shard, account)));
        self.accounts.extend(changes.updated_accounts.iter().map(|account| AccountRow::of(shard, account)));
        self.new_resellers.extend(changes.new_resellers.iter().map(|reseller| ResellerRow::of(shard, reseller)));
        self.resellers.extend(changes.updated_resellers.iter().map(|reseller| ResellerRow::of(shard, reseller)));
        self.staff_actions.extend(changes.entries.iter().filter_map(|it| StaffActionRow::of(&it.entry)));
        self.evidence.extend(changes.entries.iter().filter_map(|it| EvidenceRow::of(&it.entry)));
        self.registrations.extend(PlaceRow::all_of(changes));
        self.places.extend(changes.places.iter().map(RegistrationRow::from));
        self.moves.extend(&changes.moves);
        self.new_records.extend(changes.new_records.iter().map(|record| RecordRow::of(shard, record)));
        self.changed_records.extend(changes.updated_records.iter().map(|record| RecordRow::of(shard, record)));
        Ok(())
    }
}

/// Whether more of it changes than its state: what is voided, once, when the late request comes; what was sent on to
/// another charging system, what was taken back, and reversals, which are rare.
fn is_filled(operation: &Operation) -> bool {
    operation.decline == Some(Decline::Voided)
        || operation.reversal().is_some()
        || operation.recharge().is_some_and(|recharge| recharge.asked.was_sent_on() || recharge.reversed_minor > 0)
}

/// Compares how many rows were found with how many were meant.
///
/// # Errors
/// [`StoreError::Refused`]: the caller believed in rows that are not there, or in another version of them.
pub(super) fn check_found(what: &str, meant: usize, found: u64) -> Result<(), StoreError> {
    if u64::try_from(meant) == Ok(found) {
        Ok(())
    } else {
        Err(StoreError::Refused(format!("{what}: {meant} rows meant, {found} found as they were believed to be")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_row_is_noticed() {
        assert_eq!(check_found("hold", 2, 2), Ok(()));
        assert!(matches!(check_found("hold", 2, 1), Err(StoreError::Refused(_))));
    }
}
