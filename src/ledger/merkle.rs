//! The Merkle log of a shard, RFC 6962 §2.1, kept as its compact frontier: the roots of the complete
//! subtrees from left to right, one per set bit of the size. Appending and the root cost O(log n).

use crate::domain::encoding::{Hash, node_hash};
use sha2::{Digest, Sha256};

/// The frontier of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// From the stored bytes: the hashes one after another, largest subtree first.
    #[must_use]
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && hashes.len() == size.count_ones() as usize;
        fits.then(|| Self { size, subtrees: hashes.to_vec() })
    }

    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.subtrees.concat()
    }

    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn append(&mut self, leaf: Hash) {
        let complete = self.size.trailing_ones();
        let mut hash = leaf;
        for _ in 0..complete {
            let left = self.subtrees.pop().expect("a subtree stands for every set bit of the size");
            hash = node_hash(&left, &hash);
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// Root of the whole log; of the empty log, the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.subtrees
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(|| Sha256::digest([]).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::encoding::{Encoder, leaf_hash};
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    /// Another implementation of RFC 6962 as the judge.
    #[test]
    fn agrees_with_ct_merkle_at_every_size() {
        let mut ours = Frontier::default();
        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        for size in 0..300_u64 {
            assert_eq!(ours.root().as_slice(), theirs.root().as_bytes().as_slice(), "size {size}");
            assert_eq!(Frontier::from_bytes(size, &ours.to_bytes()), Some(ours.clone()));
            let mut content = Encoder::new("");
            content.int(i64::try_from(size).unwrap());
            ours.append(leaf_hash(&content));
            let mut bytes = vec![0, 0, 0, 0];
            bytes.extend_from_slice(&size.to_be_bytes());
            theirs.push(bytes);
        }
    }

    #[test]
    fn refuses_bytes_of_another_size() {
        assert_eq!(Frontier::from_bytes(1, &[]), None);
        assert_eq!(Frontier::from_bytes(0, &[0; 32]), None);
        assert_eq!(Frontier::from_bytes(1, &[0; 31]), None);
    }
}
