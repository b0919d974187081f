//! What was settled before.
//!
//! Two roads lead to it. Under the lock the store is asked, and its answer holds for that batch. Or whoever compares a
//! file has asked the store before, without a lock, while the part in front of it was booked; such an answer holds as
//! long as memory has all that was settled since. So the lines of a long file are looked up beside the booking, not in
//! the time in which the operator's shard is locked.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::books::ShardBooks;
use crate::domain::{OperationId, SettledLine, SettlementId};

/// How many entries that settle something are remembered: more than there are between the question and the booking of a
/// part, also when several files come at once.
const REMEMBERED: usize = 16;

/// Lines of a file of an acquirer that a batch writes.
#[derive(Clone, Debug)]
pub struct FileLines {
    pub file: SettlementId,
    pub acquirer: Arc<str>,
    pub lines: Arc<[SettledLine]>,
    /// Of each of them.
    pub keys: Arc<[[u8; 16]]>,
}

/// Keys of lines and top-ups whose payment is settled, of those that somebody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettledBefore {
    /// Of the operator's shard: what its entries up to this one settled is known here.
    pub as_of: i64,
    pub keys: HashSet<[u8; 16]>,
    pub payments: HashSet<OperationId>,
}

/// Which references and payments were settled before.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// As the store said under the lock. Good for one batch.
    keys: HashMap<[u8; 16], bool>,
    paid: HashMap<OperationId, bool>,
    written: Vec<FileLines>,
    /// What was settled by entries after this one is all in `later`.
    since: i64,
    /// `as_of` is the entry that settled it. Oldest first.
    later: VecDeque<SettledBefore>,
}

impl ShardBooks {
    /// What was settled before, as far as it is known.
    #[must_use]
    pub fn settled(&self) -> &Settled {
        &self.settled
    }

    pub fn settled_mut(&mut self) -> &mut Settled {
        &mut self.settled
    }
}

impl Settled {
    /// Knows nothing of what was settled up to an entry.
    pub(super) fn since(sequence: i64) -> Self {
        Self { since: sequence, ..Self::default() }
    }

    #[must_use]
    pub fn knows(&self, key: &[u8; 16]) -> bool {
        self.keys.contains_key(key)
    }

    #[must_use]
    pub fn knows_payment(&self, operation: OperationId) -> bool {
        self.paid.contains_key(&operation)
    }

    /// What was told without a lock, where memory has all that came after it.
    #[must_use]
    pub fn covered<'a>(&self, told: &'a SettledBefore) -> Option<&'a SettledBefore> {
        (told.as_of >= self.since).then_some(told)
    }

    /// Whether the payment of a top-up is settled, as far as the store was asked under the lock.
    #[must_use]
    pub fn is_settled(&self, operation: OperationId) -> bool {
        self.paid.get(&operation).copied().unwrap_or(false)
    }

    pub(super) fn has_key(&self, key: &[u8; 16], told: Option<&SettledBefore>) -> bool {
        match told {
            Some(told) => told.keys.contains(key) || self.after(told).any(|later| later.keys.contains(key)),
            None => self.keys.get(key).copied().unwrap_or(false),
        }
    }

    pub(super) fn has_payment(&self, operation: OperationId, told: Option<&SettledBefore>) -> bool {
        match told {
            Some(told) => {
                told.payments.contains(&operation) || self.after(told).any(|later| later.payments.contains(&operation))
            }
            None => self.is_settled(operation),
        }
    }

    /// What was settled since the store was asked.
    fn after(&self, told: &SettledBefore) -> impl Iterator<Item = &SettledBefore> {
        let as_of = told.as_of;
        self.later.iter().rev().take_while(move |later| later.as_of > as_of)
    }

    pub fn admit(&mut self, key: [u8; 16], settled: bool) {
        self.keys.insert(key, settled);
    }

    pub fn admit_payment(&mut self, operation: OperationId, settled: bool) {
        self.paid.insert(operation, settled);
    }

    /// Forgets what is good for one batch.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.paid.clear();
    }

    /// Remembers what an entry posts.
    pub(super) fn book(&mut self, lines: FileLines, sequence: i64) {
        let posted = || lines.lines.iter().zip(&*lines.keys).filter(|(line, _)| line.posted);
        let keys = posted().map(|(_, key)| *key).collect();
        let payments = posted().filter_map(|(line, _)| line.pays()).collect();
        self.remember(SettledBefore { as_of: sequence, keys, payments });
        self.written.push(lines);
    }

    /// Remembers that an entry settles the payment of a top-up by hand.
    pub(super) fn settle(&mut self, topup: OperationId, sequence: i64) {
        let payments = HashSet::from([topup]);
        self.remember(SettledBefore { as_of: sequence, payments, ..SettledBefore::default() });
    }

    fn remember(&mut self, settled: SettledBefore) {
        self.keys.extend(settled.keys.iter().map(|key| (*key, true)));
        self.paid.extend(settled.payments.iter().map(|operation| (*operation, true)));
        self.later.push_back(settled);
        if self.later.len() > REMEMBERED {
            self.since = self.later.pop_front().map_or(self.since, |forgotten| forgotten.as_of);
        }
    }

    pub(super) fn take_lines(&mut self) -> Vec<FileLines> {
        std::mem::take(&mut self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_holds_while_all_that_came_after_it_is_remembered() {
        let topup = |number: i64| OperationId::from_uuid(uuid::Uuid::from_u128(number.unsigned_abs().into()));
        let mut settled = Settled::since(100);
        let told = |as_of| SettledBefore { as_of, ..SettledBefore::default() };
        assert_eq!(settled.covered(&told(99)), None, "what entry 100 settled is not known");
        let at_100 = told(100);
        assert!(settled.covered(&at_100).is_some());
        for number in 101..=116 {
            settled.settle(topup(number), number);
            settled.clear();
        }
        let covered = settled.covered(&at_100);
        assert!((101..=116).all(|number| settled.has_payment(topup(number), covered)));
        assert!(!settled.has_payment(topup(99), covered));
        let knows = SettledBefore { payments: HashSet::from([topup(99)]), ..told(100) };
        assert!(settled.has_payment(topup(99), settled.covered(&knows)));
        settled.settle(topup(117), 117);
        assert_eq!(settled.covered(&at_100), None, "what entry 101 settled is forgotten");
        assert!(settled.covered(&told(101)).is_some());
    }
}
