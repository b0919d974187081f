//! The store of the books. Coarse on purpose: posters lock, load, claim, persist and commit; everything
//! else is a named query.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::encoding::Hash;
use crate::domain::{
    Account, AccountNumber, Ancestry, BusinessDay, EntryKind, EvidenceItem, ExternalId, Hold, Msisdn, Operation,
    OperationId, PartnerId, Record, RecordId, RecordKey, RecordKind, RecordWant, Reseller, ResellerId, Shard,
    StaffAction, Status, Timestamp,
};
use crate::ledger::limits::{Tally, TallyKey};
use crate::ledger::tree::{TreeFound, TreeWants};
use crate::ledger::{Changes, Head, SimilarKey};

/// Why the store did not do what was asked. The texts are for the log, never for a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached or the connection broke. Nothing of the transaction was written.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// Serialisation failure, deadlock, lock timeout, busy: the same transaction may succeed when tried again.
    #[error("the transaction lost against another: {0}")]
    Conflict(String),
    /// The store refused what was written: a constraint, a value out of range.
    #[error("the store refused the statement: {0}")]
    Refused(String),
    /// COMMIT was sent and its answer never came: written or not, only the store knows.
    #[error("the outcome of the commit is unknown: {0}")]
    CommitUnknown(String),
    /// An idempotency key that the batch took for new is taken. Nothing was written.
    #[error("an idempotency key is taken: {0}")]
    KeyTaken(String),
    /// A shard no longer stands as the decisions found it. Nothing was written.
    #[error("a shard has changed: {0}")]
    Stale(String),
    /// What was read is not what was ever written.
    #[error("a stored row cannot be read: {0}")]
    Corrupt(String),
}

/// An idempotency key of a shard, as the store keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardKey {
    pub shard: Shard,
    pub key: [u8; 16],
}

/// An idempotency key with the operation that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub shard: Shard,
    pub key: [u8; 16],
    pub operation: OperationId,
}

/// A question of the similar-recharge guard: was this sold after `since`, and when last?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecentRecharge {
    pub shard: Shard,
    pub reseller: ResellerId,
    pub msisdn: Msisdn,
    pub amount_minor: i64,
    pub since: Timestamp,
}

/// What a new memory of a shard asks for the similar-recharge guard: all that was sold after `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SalesSince {
    pub shard: Shard,
    pub since: Timestamp,
    /// More than this are not worth reading.
    pub limit: u32,
}

/// The sales of a shard, or `None` when they are more than the limit.
pub type Sales = Option<Vec<(SimilarKey, Timestamp)>>;

/// A question about what was sold, of the limits that count it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyQuestion {
    pub shard: Shard,
    pub key: TallyKey,
    /// First days of the periods.
    pub day: BusinessDay,
    pub month: BusinessDay,
    /// When they begin; nothing is later than their end.
    pub day_begins: Timestamp,
    pub month_begins: Timestamp,
}

/// What a batch needs to read.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    /// Shards whose system accounts are not in memory.
    pub system_accounts: Vec<Shard>,
    /// Each with all its accounts in that shard, also where it does not live.
    pub resellers: Vec<(Shard, ResellerId)>,
    /// Each with its hold, if one is open.
    pub operations: Vec<OperationId>,
    pub recent: Vec<RecentRecharge>,
    pub records: Vec<(Shard, RecordWant)>,
    /// Who stands above them, as decisions of this shard read it.
    pub ancestries: Vec<(Shard, ResellerId)>,
    /// Accounts by their number.
    pub accounts: Vec<(Shard, AccountNumber)>,
    pub sales: Vec<SalesSince>,
    pub tallies: Vec<TallyQuestion>,
    pub settled: SettledWants,
    /// Operations of which it is needed what was received about them.
    pub evidence: Vec<OperationId>,
    /// Good only under the lock of the operator's shard.
    pub tree: TreeWants,
}

/// Keys of lines of settlement files, and top-ups whose payment is settled. All stand in the operator's shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettledWants {
    pub keys: Vec<[u8; 16]>,
    pub payments: Vec<OperationId>,
}

impl SettledWants {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.payments.is_empty()
    }
}

impl Wants {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.system_accounts.is_empty()
            && self.resellers.is_empty()
            && self.operations.is_empty()
            && self.recent.is_empty()
            && self.records.is_empty()
            && self.ancestries.is_empty()
            && self.accounts.is_empty()
            && self.sales.is_empty()
            && self.tallies.is_empty()
            && self.settled.is_empty()
            && self.evidence.is_empty()
            && self.tree.is_empty()
    }
}

/// What was found. What does not exist is simply absent.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub accounts: Vec<(Shard, Account)>,
    pub resellers: Vec<(Shard, Reseller)>,
    pub operations: Vec<(Operation, Option<Hold>)>,
    /// For each question that has an answer: the creation of the latest such recharge that was not declined.
    pub recent: Vec<(RecentRecharge, Timestamp)>,
    pub records: Vec<(Shard, Record)>,
    pub ancestries: Vec<(Shard, Ancestry)>,
    /// An answer to each question.
    pub sales: Vec<(SalesSince, Sales)>,
    pub tallies: Vec<(Shard, TallyKey, Tally)>,
    /// Those of the wanted that are settled.
    pub settled: SettledWants,
    pub evidence: Vec<RecordedEvidence>,
    pub tree: TreeFound,
}

/// A connection of its own for one poster. After an error other than [`StoreError::Refused`] and
/// [`StoreError::Conflict`] it must be dropped, which closes it: it never returns to a pool.
#[async_trait]
pub trait Session: Send {
    /// Begins a transaction and locks the shards' rows, ascending, as a statement of its own.
    async fn lock(&mut self, shards: &[Shard]) -> Result<Vec<Head>, StoreError>;

    async fn load(&mut self, wants: &Wants) -> Result<Loaded, StoreError>;

    /// Who holds the keys; those that nobody holds are absent.
    async fn holders(&mut self, keys: &[ShardKey]) -> Result<Vec<Claim>, StoreError>;

    /// Writes what was decided, and claims the key of every new operation for it.
    ///
    /// # Errors
    /// [`StoreError::KeyTaken`] when one of them is taken.
    async fn persist(&mut self, changes: &[Changes]) -> Result<(), StoreError>;

    async fn commit(&mut self) -> Result<(), StoreError>;

    /// Lock, persist and commit in one step, for a batch that was decided by memory alone.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when a shard does not stand as `changes` found it; otherwise as each of the three.
    async fn post(&mut self, changes: &[Changes]) -> Result<(), StoreError> {
        post_in_steps(self, changes).await
    }

    async fn rollback(&mut self) -> Result<(), StoreError>;

    /// The stored leaf of an entry, read under the lock: how an unknown commit is resolved.
    async fn leaf(&mut self, shard: Shard, sequence: i64) -> Result<Option<Hash>, StoreError>;
}

/// [`Session::post`] by its parts.
///
/// # Errors
/// As that.
pub async fn post_in_steps<S: Session + ?Sized>(session: &mut S, changes: &[Changes]) -> Result<(), StoreError> {
    let shards: Vec<Shard> = changes.iter().map(|changes| changes.head.shard).collect();
    let heads = session.lock(&shards).await?;
    if !heads.iter().eq(changes.iter().map(|changes| &changes.before)) {
        session.rollback().await?;
        return Err(StoreError::Stale(format!("one of {shards:?}")));
    }
    let persisted = session.persist(changes).await;
    if let Err(StoreError::Refused(_) | StoreError::KeyTaken(_) | StoreError::Conflict(_)) = &persisted {
        // As after one statement that was refused: nothing stays open.
        session.rollback().await?;
    }
    persisted?;
    session.commit().await
}

/// Which resellers' recharges a list may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// These and no others: few enough to look each up.
    Resellers(Vec<(Shard, ResellerId)>),
    /// All below these roots, the roots included.
    Subtrees(Vec<ResellerId>),
}

/// A page of recharges, newest first.
#[derive(Clone, Debug)]
pub struct RechargeQuery {
    pub scope: Scope,
    pub msisdn: Option<Msisdn>,
    pub status: Option<Status>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub to: Option<Timestamp>,
    /// Only what comes after this one in the list.
    pub after: Option<OperationId>,
    pub limit: u32,
}

/// A page of the records of a kind that stand in one shard, by owner and id.
#[derive(Clone, Debug)]
pub struct RecordQuery {
    pub shard: Shard,
    pub kind: RecordKind,
    /// Only those of one owner.
    pub owner: Option<ResellerId>,
    /// Only what comes after this one in the list.
    pub after: Option<(ResellerId, RecordId)>,
    pub limit: u32,
}

/// A staff action with the place of its entry in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAction {
    pub shard: Shard,
    pub sequence: i64,
    pub action: Arc<StaffAction>,
}

/// A page of staff actions, newest first: those about resellers below the roots, and those about no single one.
#[derive(Clone, Debug)]
pub struct StaffActionQuery {
    pub roots: Vec<ResellerId>,
    pub reseller: Option<ResellerId>,
    pub actor: Option<String>,
    pub kind: Option<EntryKind>,
    /// Recorded at or after.
    pub from: Option<Timestamp>,
    /// Recorded before.
    pub to: Option<Timestamp>,
    /// Only what comes after this one in the list.
    pub after: Option<(Timestamp, Shard, i64)>,
    pub limit: u32,
}

/// An item of evidence with the sequence of its entry in the journal of its operation's shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvidence {
    pub sequence: i64,
    pub item: Arc<EvidenceItem>,
}

/// Named queries; each sees what was committed before it began.
#[async_trait]
pub trait Reads: Send + Sync {
    async fn operation(&self, id: OperationId) -> Result<Option<Operation>, StoreError>;

    /// The operation that holds the key (`partner`, `reseller`, `external_id`); the key lives in `shard`.
    async fn operation_by_key(
        &self,
        shard: Shard,
        partner: PartnerId,
        reseller: ResellerId,
        external_id: &ExternalId,
    ) -> Result<Option<Operation>, StoreError>;

    /// Recharges, tombstones included, ordered by id from the newest.
    async fn recharges(&self, query: &RechargeQuery) -> Result<Vec<Operation>, StoreError>;

    /// What decisions read of a reseller.
    async fn reseller_state(&self, shard: Shard, reseller: ResellerId) -> Result<Option<Reseller>, StoreError>;

    /// The stock account of a reseller.
    async fn stock(&self, shard: Shard, reseller: ResellerId) -> Result<Option<Account>, StoreError>;

    /// Operations whose hold is due at or before `due_by`, ordered by due time and id, beginning after `after`.
    async fn due(
        &self,
        due_by: Timestamp,
        after: Option<(Timestamp, OperationId)>,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError>;

    /// How many operations are in doubt (their hold is due at or before `due_by`), and when the oldest
    /// of them was placed.
    async fn doubt(&self, due_by: Timestamp) -> Result<(i64, Option<Timestamp>), StoreError>;

    /// A record as it stands in `shard`: its home, or any that has a copy.
    async fn record(&self, shard: Shard, key: &RecordKey) -> Result<Option<Record>, StoreError>;

    async fn records(&self, query: &RecordQuery) -> Result<Vec<Record>, StoreError>;

    /// Accounts of the shard on which commission waits for its payout, by number, beginning after `after`.
    async fn accrued(&self, shard: Shard, after: AccountNumber, limit: u32) -> Result<Vec<Account>, StoreError>;

    /// An account by its number.
    async fn account(&self, shard: Shard, number: AccountNumber) -> Result<Option<Account>, StoreError>;
    /// What two persons stated, or are to state, about recharges: the ids, the oldest first.
    async fn statements(&self, recharges: &[OperationId]) -> Result<Vec<OperationId>, StoreError>;

    /// A page of the recharges that some evidence contradicts, the oldest first, beginning after `after`.
    async fn contradicted(&self, after: Option<OperationId>, limit: u32) -> Result<Vec<OperationId>, StoreError>;

    /// What was received about operations, by operation and in its order.
    async fn evidence(&self, operations: &[OperationId]) -> Result<Vec<RecordedEvidence>, StoreError>;

    async fn staff_actions(&self, query: &StaffActionQuery) -> Result<Vec<RecordedAction>, StoreError>;

    /// Whether the store takes writes and its schema is the one this program knows.
    async fn check(&self) -> Result<(), StoreError>;
}

/// The store of the books.
#[async_trait]
pub trait Store: Reads + super::TransferReads {
    /// `sqlite` or `postgresql`.
    fn dialect(&self) -> &'static str;

    /// How many shards the installation has.
    fn shards(&self) -> u16;

    /// How many posters can work at once: one where the store has one writer.
    fn max_posters(&self) -> usize;

    /// Opens a connection for a poster.
    async fn session(&self) -> Result<Box<dyn Session>, StoreError>;
}
