//! What charge-backs wait for at a reseller.

use serde::{Deserialize, Serialize};

use crate::domain::{OperationId, Timestamp};

/// Charge-backs whose stock is held for sales without an outcome, the oldest first. The record's id is `stock`; the
/// state of each stands with its dispute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingClawback {
    pub claims: Vec<Claim>,
}

/// One dispute that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    topup: Box<str>,
    /// The acquirer's own id of the dispute.
    pub dispute: Box<str>,
    /// What was set aside later is none of its. Milliseconds since 1970 UTC.
    since_ms: i64,
    /// Face value that it waits for. Positive.
    pub face_minor: i64,
}

impl Claim {
    #[must_use]
    pub fn new(topup: OperationId, dispute: Box<str>, since: Timestamp, face_minor: i64) -> Self {
        Self { topup: topup.uuid().to_string().into(), dispute, since_ms: since.unix_ms(), face_minor }
    }

    /// The disputed top-up, which stands in the shard of the record.
    ///
    /// # Errors
    /// When the stored text is no id.
    pub fn topup(&self) -> Result<OperationId, uuid::Error> {
        self.topup.parse().map(OperationId::from_uuid)
    }

    #[must_use]
    pub fn since(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.since_ms)
    }
}

impl StandingClawback {
    /// All that is waited for, in face value.
    #[must_use]
    pub fn face_minor(&self) -> i64 {
        self.claims.iter().map(|claim| claim.face_minor).sum()
    }
}
