//! The deterministic encoding that everything hashed goes through: every field is either of fixed width
//! or preceded by its length, so two different contents never encode alike.

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// Collects fields; [`Encoder::sha256`] ends it.
#[derive(Debug, Default)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Begins with a label that names what is encoded and its version, such as `taabia/entry/1`.
    #[must_use]
    pub fn new(label: &str) -> Self {
        // Room for a completed recharge by which three resellers earn.
        let mut encoder = Self(Vec::with_capacity(512));
        encoder.text(label);
        encoder
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(&u32::try_from(bytes.len()).expect("fields are short").to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub fn int(&mut self, number: i64) -> &mut Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub fn flag(&mut self, flag: bool) -> &mut Self {
        self.0.push(u8::from(flag));
        self
    }

    /// `None` and any `Some` encode differently.
    pub fn optional<T>(&mut self, value: Option<T>, encode: impl FnOnce(&mut Self, T)) -> &mut Self {
        self.flag(value.is_some());
        if let Some(value) = value {
            encode(self, value);
        }
        self
    }

    #[must_use]
    pub fn sha256(&self) -> Hash {
        Sha256::digest(&self.0).into()
    }
}

/// Hash of a leaf of a Merkle log: SHA-256 behind a zero byte (RFC 6962 §2.1).
#[must_use]
pub fn leaf_hash(content: &Encoder) -> Hash {
    Sha256::new().chain_update([0]).chain_update(&content.0).finalize().into()
}

/// Hash of an inner node of a Merkle log: SHA-256 behind a one byte (RFC 6962 §2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_never_run_together() {
        let hash = |parts: &[&str]| {
            let mut encoder = Encoder::new("test/1");
            for part in parts {
                encoder.text(part);
            }
            encoder.sha256()
        };
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["ab", ""]), hash(&["ab"]));
        assert_eq!(hash(&["ab", "c"]), hash(&["ab", "c"]));
    }
}
