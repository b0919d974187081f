//! A business day that a shard has closed (`domain.md` \[20\], \[21\]).

use serde::{Deserialize, Serialize};

/// One per shard and day, never changed; the record's id is the date. The journal up to `sequence` is the day and all
/// before it: a closed balance is the one that this entry found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessDayClosing {
    /// Of the closing entry itself.
    pub sequence: i64,
    /// When it was recorded: at the end of the day or, in a shard where nothing happened, later. Milliseconds since
    /// 1970 UTC.
    pub closed_at_ms: i64,
    /// Of the shard's accounts that belong to no reseller, in the order of the chart of accounts.
    pub balances: Vec<ClosedBalance>,
}

/// The closing balance of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedBalance {
    /// Name of its class in the chart of accounts.
    pub account: String,
    pub posted_minor: i64,
}
