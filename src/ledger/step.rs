//! What a decision gives back: one decided command in one shard, ready to be recorded.

use std::sync::Arc;

use super::changes::Registration;
use super::settled::FileLines;
use crate::domain::encoding::Hash;
use crate::domain::{
    Account, AccountNumber, EntryKind, EvidenceItem, Hold, Line, Operation, OperationId, Record, Reseller, Side, Usage,
};

/// One debit and one credit that a step posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    pub debit: AccountNumber,
    pub credit: AccountNumber,
    pub amount_minor: i64,
}

/// What a step does to the hold of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldChange {
    None,
    Place(Hold),
    Remove,
}

/// A place in the network that a step writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceChange {
    New(Registration),
    Changed(Registration),
}

/// What a step is about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// An operation of this shard, in its state after the step.
    Operation(Operation),
    /// A reseller with its stock account, in their state after the step.
    Reseller { reseller: Reseller, stock: Account, place: Option<PlaceChange> },
    /// An operation whose row stands in another shard.
    Elsewhere { operation: OperationId, digest: Hash },
    /// A run of this shard that begins, with its lines.
    Run { operation: Operation, lines: Arc<[Line]> },
    /// A settlement file of which lines are booked.
    Settlement { record: Arc<Record>, lines: FileLines },
    /// A record of this shard in its new version.
    Record(Arc<Record>),
}

/// One decided command in one shard: the entry to write and everything that changes with it.
#[derive(Clone, Debug)]
pub struct Step {
    pub kind: EntryKind,
    pub subject: Subject,
    pub movements: Vec<Movement>,
    pub hold: HoldChange,
    pub usage: Option<(AccountNumber, Usage)>,
    /// Accounts of resellers that are opened first, with the next numbers of the shard.
    pub opened: Vec<Account>,
    /// What was received about a doubt.
    pub evidence: Option<EvidenceItem>,
}

impl Step {
    /// The operation of this shard that it is about, in its state after it.
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        if let Subject::Operation(operation) = &self.subject { Some(operation) } else { None }
    }

    /// A step that posts nothing.
    #[must_use]
    pub fn about(kind: EntryKind, subject: Subject) -> Self {
        Self {
            kind,
            subject,
            movements: Vec::new(),
            hold: HoldChange::None,
            usage: None,
            opened: Vec::new(),
            evidence: None,
        }
    }
}

/// The balance after a posting of `amount_minor` on `side`; `None` beyond 64 bits.
pub(super) fn after(account: &Account, side: Side, amount_minor: i64) -> Option<i64> {
    if account.class.line().normal_side == side {
        account.posted.checked_add(amount_minor)
    } else {
        account.posted.checked_sub(amount_minor)
    }
}
