//! What an API client may do, as the log keeps it; the registry holds the working copy, with the secrets' hashes.

use serde::{Deserialize, Serialize};

/// A client; the record's id is the client's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    pub name: String,
    pub partner: String,
    pub scopes: Vec<String>,
    /// Roots of the subtrees it acts for.
    pub resellers: Vec<String>,
    pub rate_limit_per_s: Option<u32>,
    /// A fingerprint per secret: 16 hexadecimal digits of the SHA-256 of its hash. It proves which one, and opens nothing.
    pub fingerprints: Vec<String>,
    /// In milliseconds since 1970 UTC.
    pub revoked_at_ms: Option<i64>,
}
