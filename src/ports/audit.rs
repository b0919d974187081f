//! What the auditors' verification reads: heads and balances in one short snapshot, then pages up to them.

use async_trait::async_trait;

use super::movements::MovementPlace;
use super::registry::Client;
use super::stock::LineState;
use super::store::StoreError;
use crate::domain::encoding::Hash;
use crate::domain::{
    Account, AccountNumber, CaseNumbers, Entry, Hold, Operation, OperationId, Record, Reseller, ResellerId,
    SettledLine, SettlementId, Shard,
};
use crate::ledger::{Head, Registration};

/// Heads, balances, holds and resellers of one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Ascending by shard.
    pub heads: Vec<Head>,
    pub accounts: Vec<(Shard, Account)>,
    pub holds: Vec<(Shard, Hold)>,
    /// Each with its place in the network.
    pub resellers: Vec<(Shard, Reseller, Registration)>,
    pub records: Vec<(Shard, Record)>,
    /// A row of the registry that does not follow from the others.
    pub stray_place: Option<StrayPlace>,
}

/// What is wrong with the place of a reseller, in words an auditor understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayPlace {
    pub reseller: ResellerId,
    pub text: String,
}

/// An entry as it stands in the store, beside the leaf that was stored for it.
#[derive(Clone, Debug)]
pub struct AuditedEntry {
    pub entry: Entry,
    pub leaf: Hash,
    /// The row of the operation that the entry is about, as it stands now, when there is one in this shard.
    pub operation: Option<Operation>,
}

/// A movement as it was written out for statements, beside the posting it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditedMovement {
    pub account: AccountNumber,
    pub place: MovementPlace,
    pub credited_minor: i64,
    pub sold_minor: i64,
    /// Debit, credit and amount.
    pub posting: Option<(AccountNumber, AccountNumber, i64)>,
}

#[async_trait]
pub trait AuditReader: Send + Sync {
    async fn snapshot(&self) -> Result<Snapshot, StoreError>;

    /// The heads of the shards, ascending.
    async fn heads(&self) -> Result<Vec<Head>, StoreError>;

    /// Entries with a sequence above `after` and at most `up_to`, ascending.
    async fn entries(&self, shard: Shard, after: i64, up_to: i64, limit: u32) -> Result<Vec<AuditedEntry>, StoreError>;

    /// Operations whose last entry is at most `up_to`: how many rows there are.
    async fn count_operations(&self, shard: Shard, up_to: i64) -> Result<i64, StoreError>;

    /// An operation whose last entry is at most `up_to` and does not exist or is not about it: the first
    /// one found, as text. Asked only when the count is wrong.
    async fn stray_operation(&self, shard: Shard, up_to: i64) -> Result<Option<String>, StoreError>;

    /// A staff action without an entry: the first one found, as text.
    async fn stray_staff_action(&self, shard: Shard) -> Result<Option<String>, StoreError>;

    /// An item of evidence without an entry about its operation: the first one found, as text.
    async fn stray_evidence(&self, shard: Shard) -> Result<Option<String>, StoreError>;

    /// Runs of a shard in the order of their ids, beginning after `after`.
    async fn runs(&self, shard: Shard, after: OperationId, limit: u32) -> Result<Vec<OperationId>, StoreError>;

    /// Lines of a run by their number, beginning after `after`, each with its allocation.
    async fn lines_of_run(&self, run: OperationId, after: i64, limit: u32) -> Result<Vec<LineState>, StoreError>;

    /// Lines of a settlement file by their number, beginning after `after`.
    async fn settled_lines(&self, file: SettlementId, after: i64, limit: u32) -> Result<Vec<SettledLine>, StoreError>;

    /// Up to which entry the movements of each shard are written out; none where they are not kept.
    async fn written_movements(&self) -> Result<Vec<(Shard, i64)>, StoreError> {
        Ok(Vec::new())
    }

    /// Movements that were written out, by account and place, beginning behind `_after`.
    async fn movements(
        &self,
        _shard: Shard,
        _after: (AccountNumber, MovementPlace),
        _limit: u32,
    ) -> Result<Vec<AuditedMovement>, StoreError> {
        Ok(Vec::new())
    }

    /// The records of API clients, and after them the clients as the registry has them.
    async fn clients(&self) -> Result<(Vec<Record>, Vec<Client>), StoreError>;

    /// The numbers of cases, each with the digest that they are kept under.
    async fn case_numbers(&self, digests: &[Hash]) -> Result<Vec<(Hash, CaseNumbers)>, StoreError>;

    /// Postings without an entry, entries above `up_to` left out: the first one found, as text.
    async fn stray_posting(&self, shard: Shard, up_to: i64) -> Result<Option<String>, StoreError>;
}
