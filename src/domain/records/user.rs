//! A person of an outlet, who proves with a PIN on interactive channels who is there.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Argon2id in PHC string form. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PinHash(pub String);

impl fmt::Debug for PinHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinHash(…)")
    }
}

/// A user; the record's id is the login name, its owner the outlet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// As people call this person.
    pub name: String,
    pub pin_secret: PinHash,
    /// Attempts since the last right PIN. Each counts when it begins, so that guesses in parallel gain nothing.
    pub attempts: u32,
    /// Lock-outs since the last right PIN.
    pub lockouts: u32,
    /// In milliseconds since 1970 UTC.
    pub locked_until_ms: Option<i64>,
}
