//! A person of an outlet, who proves with a PIN on interactive channels who is there.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::RecordId;

/// Argon2id in PHC string form. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PinHash(pub String);

impl fmt::Debug for PinHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinHash(…)")
    }
}

/// A reset that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinReset {
    /// The actor who asked for it and may not decide it.
    pub requested_by: String,
    pub reason: String,
    pub requested_at_ms: i64,
    pub expires_at_ms: i64,
}

/// A user; the record's id is the login name, its owner the outlet. Times are milliseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// As people call this person.
    pub name: String,
    pub pin_secret: PinHash,
    /// Whether the PIN was drawn by us and must be changed before it opens what moves value.
    pub must_change: bool,
    /// Attempts since the last right PIN. Each counts when it begins, so that guesses in parallel gain nothing.
    pub attempts: u32,
    /// Lock-outs since the last right PIN.
    pub lockouts: u32,
    pub locked_until_ms: Option<i64>,
    /// SHA-256 of what names the user's device, in hexadecimal digits.
    pub device: Option<String>,
    /// Until then the PIN opens nothing that moves value.
    pub cooling_until_ms: Option<i64>,
    pub reset: Option<PinReset>,
}

impl User {
    /// What a user signs in with, unique within the outlet: the id of the record.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn login(text: &str) -> Result<RecordId, &'static str> {
        const EXPECTED: &str = "expected 1 to 32 of the characters a-z, 0-9, '.', '_' and '-'";
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        if text.len() > 32 || !text.bytes().all(fits) {
            return Err(EXPECTED);
        }
        text.parse().map_err(|_| EXPECTED)
    }

    /// A new user with a PIN of the person's own.
    #[must_use]
    pub fn new(name: String, pin: PinHash) -> Self {
        Self {
            name,
            pin_secret: pin,
            must_change: false,
            attempts: 0,
            lockouts: 0,
            locked_until_ms: None,
            device: None,
            cooling_until_ms: None,
            reset: None,
        }
    }
}
