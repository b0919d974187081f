//! A slice of the ledger with its own sequence, lock, version and Merkle log.

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Number of a shard, from 0. At most [`Shard::MAX_COUNT`] shards fit the byte that ids spare for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u8);

impl Shard {
    pub const MAX_COUNT: u16 = 256;
    /// Where operator stock lives: an account with a floor is never striped.
    pub const OPERATOR: Self = Self(0);

    #[must_use]
    pub fn new(number: u8) -> Self {
        Self(number)
    }

    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The shard of the reseller that acts: a stable hash of its id.
    #[must_use]
    pub fn of(reseller: Uuid, count: u16) -> Self {
        let digest = Sha256::digest(reseller.as_bytes());
        let hash = u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"));
        Self(u8::try_from(hash % u64::from(count.clamp(1, Self::MAX_COUNT))).expect("at most 256 shards"))
    }

    pub fn all(count: u16) -> impl Iterator<Item = Self> {
        (0..count.clamp(1, Self::MAX_COUNT)).map(|number| Self(u8::try_from(number).expect("at most 256 shards")))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
