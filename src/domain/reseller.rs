//! What decisions read of a reseller. Names, codes and the tree are in the registry, not here.

use std::sync::Arc;

use super::account::AccountNumber;
use super::ids::ResellerId;

/// Whether a reseller may trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    Active,
    Suspended,
    Closed,
}

impl Standing {
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Closed];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }
}

/// Limits on what a reseller sells; `None` is unlimited. Holds count (`domain.md` \[17\]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub per_operation_minor: Option<i64>,
    pub per_day_count: Option<i64>,
    pub per_day_minor: Option<i64>,
}

/// The state of a reseller that decisions read. Changed by engine commands only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reseller {
    pub id: ResellerId,
    pub stock_account: AccountNumber,
    pub standing: Standing,
    pub limits: Limits,
}

/// A reseller on the way from another up to the top of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    pub reseller: ResellerId,
    pub level: Box<str>,
}

/// A reseller and all above it, from the bottom up.
pub type Ancestry = Arc<[Rung]>;
