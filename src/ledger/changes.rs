//! What decisions leave to be written: the contract between the ledger and the store.

use std::sync::Arc;

use super::merkle::Frontier;
use super::settled::FileLines;
use crate::domain::encoding::Hash;
use crate::domain::{
    Account, AccountNumber, Entry, Hold, LevelName, Line, Operation, OperationId, Record, Reseller, ResellerId, Shard,
    Timestamp,
};

/// The row of a shard: its lock, its version and the head of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub shard: Shard,
    /// Rises in every transaction that changes anything a decision reads.
    pub version: i64,
    /// Sequence of the last journal entry; the size of the log.
    pub sequence: i64,
    pub frontier: Frontier,
    /// Time of the last entry; recorded time never goes back within a shard (`domain.md` \[20\]).
    pub recorded_at: Timestamp,
    /// Number of the next account of a reseller.
    pub next_account: i64,
}

/// A place in the network's tree, written together with the reseller's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub id: ResellerId,
    /// The operator's own code for the reseller, unique.
    pub code: String,
    pub name: String,
    pub level: LevelName,
    pub parent: Option<ResellerId>,
    pub created_at: Timestamp,
}

/// A reseller that moves, with all below it, to another parent. Those of one transaction are carried out in their
/// order, after its registrations, whatever shard they are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    pub order: u32,
    pub reseller: ResellerId,
    pub to: Option<ResellerId>,
}

/// An entry with the leaf that it is in its shard's log. The leaf is a digest over the whole entry, so it is made once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    pub entry: Entry,
    pub leaf: Hash,
}

impl From<Entry> for Appended {
    fn from(entry: Entry) -> Self {
        Self { leaf: entry.leaf(), entry }
    }
}

/// All that one transaction writes in one shard. Each row appears once, in its last state.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The shard's row as the decisions found it; nothing is written unless it still stands so.
    pub before: Head,
    /// The shard's row after the transaction; its version is one more than before.
    pub head: Head,
    pub entries: Vec<Appended>,
    pub new_operations: Vec<Operation>,
    pub updated_operations: Vec<Operation>,
    pub placed_holds: Vec<Hold>,
    pub removed_holds: Vec<OperationId>,
    pub new_accounts: Vec<Account>,
    pub updated_accounts: Vec<Account>,
    pub new_resellers: Vec<Reseller>,
    pub updated_resellers: Vec<Reseller>,
    /// As they were when they were opened, parents before their children.
    pub registrations: Vec<Registration>,
    pub new_records: Vec<Arc<Record>>,
    pub updated_records: Vec<Arc<Record>>,
    /// Places that changed, each in its last state.
    pub places: Vec<Registration>,
    pub moves: Vec<Move>,
    /// Lines of runs that begin.
    pub new_lines: Vec<(OperationId, Arc<[Line]>)>,
    /// Lines of settlement files.
    pub settled_lines: Vec<FileLines>,
}

impl Head {
    /// The row of a shard that was just installed.
    #[must_use]
    pub fn installed(shard: Shard) -> Self {
        Self {
            shard,
            version: 0,
            sequence: 0,
            frontier: Frontier::default(),
            recorded_at: Timestamp::EPOCH,
            next_account: AccountNumber::FIRST_OWN.0,
        }
    }
}

impl Changes {
    /// Changes of nothing but the shard's row.
    #[must_use]
    pub fn of(before: Head, head: Head) -> Self {
        Self {
            before,
            head,
            entries: Vec::new(),
            new_operations: Vec::new(),
            updated_operations: Vec::new(),
            placed_holds: Vec::new(),
            removed_holds: Vec::new(),
            new_accounts: Vec::new(),
            updated_accounts: Vec::new(),
            new_resellers: Vec::new(),
            updated_resellers: Vec::new(),
            registrations: Vec::new(),
            new_records: Vec::new(),
            updated_records: Vec::new(),
            places: Vec::new(),
            moves: Vec::new(),
            new_lines: Vec::new(),
            settled_lines: Vec::new(),
        }
    }
}
