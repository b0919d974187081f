//! When a reseller's stock is low, and what is done about it.

use serde::{Deserialize, Serialize};

/// What an owner's stock is watched for; the record's id is `default`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockWatch {
    /// Low is what is available below it. Zero or more.
    pub threshold_minor: i64,
    /// Up to which stock is brought when it is low, by whom; `None`: it is only told.
    pub replenish: Option<Replenishment>,
}

/// Brings low stock up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replenishment {
    pub source: ReplenishmentSource,
    /// Above the threshold.
    pub up_to_minor: i64,
}

/// Where the stock comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplenishmentSource {
    Operator,
    /// Whoever stands directly above at that moment, along the edges of the network that the operator permits.
    Parent,
}

impl ReplenishmentSource {
    pub const ALL: [Self; 2] = [Self::Operator, Self::Parent];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Parent => "parent",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

/// Whether an owner's stock is low; the record's id is `default`. Each version is one crossing of the threshold, told by
/// a journal entry of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockAlert {
    pub is_low: bool,
    /// As they were when it crossed.
    pub available_minor: i64,
    pub threshold_minor: i64,
    /// Milliseconds since 1970 UTC.
    pub since_ms: i64,
}
