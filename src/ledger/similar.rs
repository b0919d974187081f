//! What a shard remembers for the similar-recharge guard (`domain.md` \[18\]), so that the usual recharge, which
//! resembles none, needs no look into the store.
//!
//! It can only say that there was none: keys are kept as hashes, and what was released stays in. Whatever it does
//! not rule out is asked of the store.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::books::ShardBooks;
use super::rules::Moment;
use crate::domain::{Msisdn, ResellerId, Timestamp};

/// What makes two recharges similar: reseller, number and amount.
pub type SimilarKey = (ResellerId, Msisdn, i64);

/// The hashes of two guard times at most, eight bytes a recharge.
#[derive(Clone, Debug)]
pub struct SimilarFilter {
    /// Everything that was sold after this moment is in it.
    complete_from: Timestamp,
    /// What was sold before it began has not been asked for yet.
    new: bool,
    /// When `current` began.
    began: Timestamp,
    current: HashSet<u64>,
    previous: HashSet<u64>,
}

impl SimilarFilter {
    /// Knows nothing of what was sold until `complete_from`.
    #[must_use]
    pub fn new(complete_from: Timestamp) -> Self {
        Self { complete_from, new: true, began: complete_from, current: HashSet::new(), previous: HashSet::new() }
    }

    #[must_use]
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// What was sold after `since` and before it began; `None` when that is not to be known.
    pub fn admit(&mut self, since: Timestamp, sales: Option<&[(SimilarKey, Timestamp)]>, guard_ms: i64) {
        self.new = false;
        if let Some(sales) = sales {
            for (key, at) in sales {
                self.remember(key, *at, guard_ms);
            }
            self.complete_from = since.min(self.complete_from);
        }
    }

    pub fn remember(&mut self, key: &SimilarKey, at: Timestamp, guard_ms: i64) {
        if at.since_ms(self.began) >= guard_ms {
            self.previous = std::mem::take(&mut self.current);
            self.began = at;
        }
        self.current.insert(hash(key));
    }

    /// Whether a similar recharge less than `guard_ms` before `at` cannot be ruled out.
    #[must_use]
    pub fn may_hold(&self, key: &SimilarKey, at: Timestamp, guard_ms: i64) -> bool {
        let hash = hash(key);
        at.since_ms(self.complete_from) < guard_ms || self.current.contains(&hash) || self.previous.contains(&hash)
    }
}

fn hash(key: &SimilarKey) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl ShardBooks {
    #[must_use]
    pub fn latest_similar(&self, key: &SimilarKey) -> Option<Timestamp> {
        self.recent.get(key).copied()
    }

    /// Whether the store must be asked for a similar recharge.
    #[must_use]
    pub fn may_be_similar(&self, key: &SimilarKey, moment: &Moment<'_>) -> bool {
        self.similar.may_hold(key, self.recorded_at(moment.now), moment.rules.similar_guard_ms)
    }

    /// Whether it is not known yet what was sold here before this memory began.
    #[must_use]
    pub fn wants_sales(&self) -> bool {
        self.similar.is_new()
    }

    /// What was sold after `since`; `None` when that is more than is worth reading.
    pub fn admit_sales(&mut self, since: Timestamp, sales: Option<&[(SimilarKey, Timestamp)]>, moment: &Moment<'_>) {
        self.similar.admit(since, sales, moment.rules.similar_guard_ms);
    }

    /// A recharge that was reserved now: later ones may be similar to it.
    pub fn remember_sold(&mut self, key: SimilarKey, at: Timestamp, moment: &Moment<'_>) {
        self.admit_similar(key, at);
        self.similar.remember(&key, at, moment.rules.similar_guard_ms);
    }

    pub fn admit_similar(&mut self, key: SimilarKey, created_at: Timestamp) {
        let latest = self.recent.entry(key).or_insert(created_at);
        *latest = created_at.max(*latest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const GUARD_MS: i64 = 120_000;

    fn key(number: u64) -> SimilarKey {
        (ResellerId::from_uuid(Uuid::from_u128(1)), Msisdn::from_digits(212_600_000_000 + number).unwrap(), 500)
    }

    #[test]
    fn nothing_sold_within_the_guard_is_ever_ruled_out() {
        let begin = Timestamp::from_unix_ms(1_000_000);
        let mut filter = SimilarFilter::new(begin);
        assert!(filter.may_hold(&key(0), begin.plus_ms(GUARD_MS - 1), GUARD_MS), "it does not know what was before");
        assert!(!filter.may_hold(&key(0), begin.plus_ms(GUARD_MS), GUARD_MS));
        // One every ten seconds for an hour, each looked for at every later step within its guard.
        for step in 0..360_i64 {
            let now = begin.plus_ms(step * 10_000);
            for back in 1..=11.min(step) {
                assert!(filter.may_hold(&key((step - back).unsigned_abs()), now, GUARD_MS), "step {step}, {back} back");
            }
            filter.remember(&key(step.unsigned_abs()), now, GUARD_MS);
        }
        let end = begin.plus_ms(3_600_000);
        assert!(!filter.may_hold(&key(0), end, GUARD_MS), "what is long over is forgotten");
        assert!(filter.current.len() + filter.previous.len() <= 25);
    }
}
