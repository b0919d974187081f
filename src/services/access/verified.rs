//! Tokens whose signature was checked, by the SHA-256 of their text: checking costs about 50 µs, finding
//! one here about 1 µs.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, RwLock};

use crate::domain::encoding::Hash;
use crate::domain::{ClientId, Timestamp};
use crate::services::Scope;

/// What a checked token says.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) client: ClientId,
    pub(super) scopes: Arc<[Scope]>,
    pub(super) expires_at: Timestamp,
    /// The name of the key that signed it: it may be taken out of the ring before the token expires.
    pub(super) kid: Arc<str>,
}

/// The keys are digests already.
#[derive(Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // The digest itself comes in one piece of 32 bytes; its length, written before it, is the same for all.
        if let Some(head) = bytes.first_chunk::<8>() {
            self.0 = u64::from_ne_bytes(*head);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

type Generation = HashMap<Hash, Arc<Claims>, BuildHasherDefault<DigestHasher>>;

/// Two generations: what was not used while the young one filled up is forgotten.
pub(super) struct VerifiedTokens {
    /// Of one generation.
    capacity: usize,
    generations: RwLock<(Generation, Generation)>,
}

impl VerifiedTokens {
    /// Holds at most `capacity`.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: (capacity / 2).max(1), generations: RwLock::default() }
    }

    pub(super) fn get(&self, digest: &Hash) -> Option<Arc<Claims>> {
        let found = {
            let generations = self.generations.read().expect("no holder of this lock panics");
            match generations.0.get(digest) {
                Some(claims) => return Some(Arc::clone(claims)),
                None => generations.1.get(digest).cloned()?,
            }
        };
        self.insert(*digest, Arc::clone(&found));
        Some(found)
    }

    pub(super) fn insert(&self, digest: Hash, claims: Arc<Claims>) {
        let mut generations = self.generations.write().expect("no holder of this lock panics");
        if generations.0.len() >= self.capacity {
            generations.1 = std::mem::take(&mut generations.0);
        }
        generations.0.insert(digest, claims);
    }

    pub(super) fn remove(&self, digest: &Hash) {
        let mut generations = self.generations.write().expect("no holder of this lock panics");
        generations.0.remove(digest);
        generations.1.remove(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Arc<Claims> {
        Arc::new(Claims {
            client: ClientId::from_uuid(uuid::Uuid::nil()),
            scopes: Arc::new([]),
            expires_at: Timestamp::EPOCH,
            kid: "k".into(),
        })
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let tokens = VerifiedTokens::new(20);
        let digest = |number: u8| [number; 32];
        for number in 0..100 {
            tokens.insert(digest(number), claims());
            assert!(tokens.get(&digest(0)).is_some(), "the one in use stays");
        }
        let kept = (0..100).filter(|&number| tokens.get(&digest(number)).is_some()).count();
        assert!((2..=20).contains(&kept), "{kept}");
        tokens.remove(&digest(0));
        assert!(tokens.get(&digest(0)).is_none());
    }
}
