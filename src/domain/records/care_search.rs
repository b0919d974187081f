//! What customer care looked for last.

use serde::{Deserialize, Serialize};

/// One per API client, whose id is the record's: the last look into the recharges of a subscriber. Each look is a version
/// of its own, so that versions count them and the audit of staff actions has all. Times are milliseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CareSearch {
    /// The number, masked: the journal keeps it for good.
    pub msisdn: Box<str>,
    /// Whether the whole number was asked for.
    pub whole: bool,
    pub from_ms: i64,
    pub to_ms: i64,
    /// Recharges that were shown.
    pub found: u32,
    pub at_ms: i64,
}
