//! What a shard remembers of the idempotency keys that were claimed in it, so that a new request, whose key no one
//! has used, needs no look into the store before it is decided.
//!
//! It only guesses: a key that it does not know may have been claimed long ago, or by another node. The store refuses
//! to write a key twice, and then the batch is decided again with every key looked up, because a filter that has just
//! been made rules nothing out.

use std::collections::HashSet;

/// Keys that a new filter must have seen before its word is taken: after a start, and after another node has written
/// here, come those who repeat what they had no answer to.
const YOUNG: usize = 1_000;
/// Keys of one generation; two are kept, eight bytes a key.
const GENERATION: usize = 32_768;

/// The first bytes of the latest keys.
#[derive(Clone, Debug, Default)]
pub struct KeyFilter {
    seen: usize,
    current: HashSet<u64>,
    previous: HashSet<u64>,
}

impl KeyFilter {
    pub fn remember(&mut self, key: &[u8; 16]) {
        if self.current.len() >= GENERATION {
            self.previous = std::mem::take(&mut self.current);
        }
        self.seen = self.seen.saturating_add(1);
        self.current.insert(first_bytes(key));
    }

    /// Whether the store is to be asked for the key before its request is decided.
    #[must_use]
    pub fn may_hold(&self, key: &[u8; 16]) -> bool {
        let first = first_bytes(key);
        self.seen < YOUNG || self.current.contains(&first) || self.previous.contains(&first)
    }
}

fn first_bytes(key: &[u8; 16]) -> u64 {
    u64::from_be_bytes(key[..8].try_into().expect("a key has 16 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> [u8; 16] {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[test]
    fn a_young_filter_rules_nothing_out_and_an_old_one_remembers_the_latest() {
        let mut filter = KeyFilter::default();
        for number in 0..YOUNG {
            assert!(filter.may_hold(&key(1_000_000)), "after {number} keys");
            filter.remember(&key(number));
        }
        assert!(!filter.may_hold(&key(1_000_000)));
        for number in YOUNG..3 * GENERATION {
            filter.remember(&key(number));
            assert!(filter.may_hold(&key(number)) && filter.may_hold(&key(number.saturating_sub(GENERATION - 1))));
        }
        assert!(filter.current.len() + filter.previous.len() <= 2 * GENERATION);
    }
}
