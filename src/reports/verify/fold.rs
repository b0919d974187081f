//! The fold of one shard's journal: everything that an entry states is recomputed from those before it.

use std::cmp::Ordering;
use std::collections::HashMap;

use uuid::Uuid;

use super::Slice;
use super::commission;
use super::finding::{Finding, offence};
use super::reversals::{self, Reversals};
use super::topups::Topups;
use super::usage::Sales;
use crate::domain::encoding::Hash;
use crate::domain::{
    About, Account, AccountNumber, Calendar, Effect, Entry, EntryKind, Operation, Posting, ResellerId, Shard, Side,
    Timestamp,
};
use crate::ledger::Head;
use crate::ledger::merkle::Frontier;
use crate::ports::AuditedEntry;

type Checked = Result<(), Finding>;

/// An operation without an outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub since: i64,
    pub reseller: ResellerId,
    pub amount_minor: i64,
    /// Whether it is in doubt: then evidence alone ends it.
    pub doubtful: bool,
}

/// What an entry states about a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct AboutRecord {
    pub sequence: i64,
    pub digest: Hash,
}

/// What an entry states about a reseller.
#[derive(Clone, Copy, Debug)]
pub(super) struct AboutReseller {
    pub sequence: i64,
    pub digest: Hash,
}

/// A complete subtree of the Merkle log: the entries it covers and its hash in the head.
struct Subtree {
    first: i64,
    last: i64,
    hash: Hash,
}

pub(super) struct Fold<'a> {
    head: &'a Head,
    accounts: HashMap<AccountNumber, (&'a Account, i64)>,
    /// Up to which entry movements are written out, and how many postings of each account that makes.
    written: i64,
    moved: HashMap<AccountNumber, i64>,
    pub open: HashMap<Uuid, Open>,
    /// The last entry about each reseller.
    pub resellers: HashMap<Uuid, AboutReseller>,
    /// The last entry about each record.
    pub records: HashMap<Uuid, AboutRecord>,
    pub sales: Sales<'a>,
    pub topups: Topups,
    pub reversals: Reversals,
    frontier: Frontier,
    /// Of the head, from the left.
    subtrees: Vec<Subtree>,
    recorded_at: Timestamp,
    checkpoint: Option<(i64, Hash)>,
    /// Runs as their rows stand.
    pub runs: Vec<Operation>,
    pub postings: i64,
    /// Operations whose row was compared with its last entry.
    pub operations: i64,
}

impl<'a> Fold<'a> {
    pub fn new(slice: &'a Slice, written: i64, calendar: &'a Calendar) -> Result<Self, Finding> {
        let head = &slice.head;
        let fold = Self {
            head,
            accounts: slice.accounts.iter().map(|account| (account.number, (account, 0))).collect(),
            written,
            moved: HashMap::new(),
            open: HashMap::new(),
            resellers: HashMap::new(),
            records: HashMap::new(),
            sales: Sales::new(calendar),
            topups: Topups::default(),
            reversals: Reversals::default(),
            frontier: Frontier::default(),
            subtrees: subtrees(&head.frontier),
            recorded_at: Timestamp::EPOCH,
            checkpoint: slice.checkpoint,
            runs: Vec::new(),
            postings: 0,
            operations: 0,
        };
        if i64::try_from(head.frontier.size()) != Ok(head.sequence) {
            return fold.wrong("head", "its Merkle log and its sequence are not of one size");
        }
        if let Some((sequence, _)) = slice.checkpoint
            && sequence > head.sequence
        {
            let text =
                format!("the journal ends here, but the checkpoint saw {sequence} entries: its tail was deleted");
            return fold.wrong(format!("entry {}", head.sequence), text);
        }
        fold.check_checkpoint()?;
        Ok(fold)
    }

    pub fn shard(&self) -> Shard {
        self.head.shard
    }

    /// Of the last entry folded.
    pub fn sequence(&self) -> i64 {
        i64::try_from(self.frontier.size()).expect("as many entries as the head's sequence")
    }

    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    pub fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// An account's row and its balance by the fold.
    pub fn account(&self, number: AccountNumber) -> Option<(&'a Account, i64)> {
        self.accounts.get(&number).copied()
    }

    /// All accounts with their balances by the fold.
    pub fn accounts(&self) -> impl Iterator<Item = Account> {
        self.accounts.values().map(|(account, balance)| Account { posted: *balance, ..**account })
    }

    /// How many movements of each reseller's account should be written out, by account.
    pub fn moved(&self) -> Vec<(AccountNumber, i64)> {
        let mut moved: Vec<_> = self.moved.iter().map(|(account, count)| (*account, *count)).collect();
        moved.sort_unstable();
        moved
    }

    pub fn ends_early(&self) -> Finding {
        let (next, last) = (self.sequence() + 1, self.head.sequence);
        let text = format!("it is missing, and so is all after it up to {last}, where the head stands");
        Finding::new(Some(self.shard()), format!("entry {next}"), text)
    }

    pub fn wrong<T>(&self, row: impl Into<String>, text: impl Into<String>) -> Result<T, Finding> {
        offence(Some(self.shard()), row, text)
    }

    pub fn entry(&mut self, audited: &AuditedEntry) -> Checked {
        let entry = &audited.entry;
        let (expected, row) = (self.sequence() + 1, || format!("entry {}", entry.sequence));
        if entry.sequence != expected {
            let text = format!("it is missing: the next one is entry {}", entry.sequence);
            return self.wrong(format!("entry {expected}"), text);
        }
        if entry.leaf() != audited.leaf {
            let text = "it does not give its stored leaf: the entry, one of its postings, its staff action, its evidence or the leaf \
                        was edited, or one of them was added or deleted";
            return self.wrong(row(), text);
        }
        if entry.recorded_at < self.recorded_at {
            let text =
                format!("recorded at {}, before the entry in front of it ({})", entry.recorded_at, self.recorded_at);
            return self.wrong(row(), text);
        }
        self.recorded_at = entry.recorded_at;
        for (line, posting) in entry.postings.iter().enumerate() {
            self.posting(posting).or_else(|text| self.wrong(format!("posting {line} of {}", row()), text))?;
        }
        self.postings += i64::try_from(entry.postings.len()).expect("an entry has few postings");
        self.frontier.append(audited.leaf);
        self.check_subtree()?;
        self.check_checkpoint()?;
        self.remember(entry);
        if let Some(operation) = &audited.operation {
            self.sales.entry(entry.kind, operation);
        }
        self.check_operation(entry, audited.operation.as_ref())
    }

    /// What the rows are compared with when the journal is folded.
    fn remember(&mut self, entry: &Entry) {
        let Entry { sequence, kind, subject, digest, .. } = *entry;
        match kind.about() {
            About::Reseller => drop(self.resellers.insert(subject, AboutReseller { sequence, digest })),
            About::Record => drop(self.records.insert(subject, AboutRecord { sequence, digest })),
            About::Operation | About::OpenOperation | About::Elsewhere => {}
        }
    }

    fn posting(&mut self, posting: &Posting) -> Result<(), String> {
        let Posting { debit, credit, asset, amount_minor, debit_after, credit_after } = *posting;
        if amount_minor <= 0 || debit == credit {
            return Err("it moves no positive amount between two accounts".into());
        }
        let sequence = self.sequence();
        for (number, side, stated) in [(debit, Side::Debit, debit_after), (credit, Side::Credit, credit_after)] {
            let Some((account, balance)) = self.accounts.get_mut(&number) else {
                return Err(format!("its account {} does not exist", number.0));
            };
            let line = account.class.line();
            if line.asset != asset {
                return Err(format!("its account {} ({}) is of another asset", number.0, line.name));
            }
            let change = if line.normal_side == side { amount_minor } else { -amount_minor };
            let Some(after) = balance.checked_add(change) else {
                return Err(format!("the balance of account {} leaves the range of 64-bit integers", number.0));
            };
            if after != stated {
                return Err(format!(
                    "it states {stated} as the balance of account {} ({}) after it, the journal gives {after}",
                    number.0, line.name
                ));
            }
            *balance = after;
            if number >= AccountNumber::FIRST_OWN && self.written > sequence {
                *self.moved.entry(number).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Wherever a subtree of the head is complete, the leaves so far must give its hash.
    fn check_subtree(&self) -> Checked {
        let Some(index) = self.subtrees.iter().position(|subtree| subtree.last == self.sequence()) else {
            return Ok(());
        };
        let Subtree { first, last, hash } = &self.subtrees[index];
        if subtrees(&self.frontier).get(index).is_some_and(|ours| ours.hash == *hash) {
            return Ok(());
        }
        let text = "they do not give the hash in the head of the Merkle log: an entry was rewritten together with \
                    its leaf, or the head was edited";
        self.wrong(format!("entries {first} to {last}"), text)
    }

    fn check_checkpoint(&self) -> Checked {
        match self.checkpoint {
            Some((sequence, root)) if sequence == self.sequence() && root != self.root() => {
                let text = "they do not give the root in the checkpoint: at least one was rewritten since";
                self.wrong(format!("entries 1 to {sequence}"), text)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_operation(&mut self, entry: &Entry, row: Option<&Operation>) -> Checked {
        if !entry.kind.has_operation_row() {
            return Ok(());
        }
        let Some(operation) = row else {
            let text = format!("entry {} is about it, but its row does not exist", entry.sequence);
            return self.wrong(format!("operation {}", entry.subject), text);
        };
        let name = format!("operation {}", operation.kind().render(operation.id));
        match operation.last_sequence.cmp(&entry.sequence) {
            Ordering::Less => {
                let (last, sequence) = (operation.last_sequence, entry.sequence);
                let text =
                    format!("its row stands at entry {last}, but entry {sequence} moved it on: the row was set back");
                return self.wrong(name, text);
            }
            Ordering::Equal if operation.digest() != entry.digest => {
                let text = format!("its row does not have the content that entry {} recorded", entry.sequence);
                return self.wrong(name, text);
            }
            Ordering::Equal if operation.is_open() != entry.kind.opens() => {
                let text = format!("its row is {} after a {} entry", operation.status.name(), entry.kind.name());
                return self.wrong(name, text);
            }
            Ordering::Equal => {
                self.operations += 1;
                self.topups.add(operation);
                self.reversals.add(operation);
                self.runs.extend(operation.run().map(|_| operation.clone()));
            }
            // It moved on later; the later entry has the digest.
            Ordering::Greater => {}
        }
        if let Some(text) = commission::complaint(entry, operation).or_else(|| reversals::complaint(entry, operation)) {
            return self.wrong(name, text);
        }
        if entry.kind.opens() {
            let Operation { reseller, amount_minor, .. } = *operation;
            let open = Open { since: entry.sequence, reseller, amount_minor, doubtful: false };
            let open = self.open.entry(entry.subject).or_insert(open);
            open.doubtful |= entry.kind == EntryKind::RechargeInDoubt;
        } else if let Some(open) = self.open.remove(&entry.subject) {
            let proven = entry.evidence.as_ref().is_some_and(|item| item.effect == Effect::Decided);
            if open.doubtful && !proven {
                let text = format!("entry {} ended its doubt without an item of evidence that decided", entry.sequence);
                return self.wrong(name, text);
            }
        }
        Ok(())
    }
}

/// One complete subtree per set bit of the size, the largest first.
fn subtrees(frontier: &Frontier) -> Vec<Subtree> {
    let bytes = frontier.to_bytes();
    let bits = (0..u64::BITS).rev().map(|bit| 1_u64 << bit).filter(|bit| frontier.size() & bit != 0);
    let mut last = 0;
    bits.zip(bytes.as_chunks::<32>().0)
        .map(|(leaves, hash)| {
            let first = last + 1;
            last += i64::try_from(leaves).unwrap_or(i64::MAX - last);
            Subtree { first, last, hash: *hash }
        })
        .collect()
}
