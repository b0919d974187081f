//! What is asked of the store about settlement files.

use async_trait::async_trait;

use super::store::{SettledWants, StoreError};
use crate::domain::records::ReconciliationItem;
use crate::domain::{
    BusinessDay, CardPayment, ClientId, ItemId, LineState, Operation, OperationId, SettledLine, SettlementId, Timestamp,
};
use crate::ledger::settled::SettledBefore;

/// How the payment of a top-up stands in our books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopupPayment {
    pub operation: OperationId,
    pub payment: CardPayment,
}

/// A line that did not match, with the file it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementItem {
    pub file: SettlementId,
    pub acquirer: Box<str>,
    pub line: SettledLine,
    /// Its item, once somebody looks after it.
    pub item: Option<ReconciliationItem>,
}

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemStatus {
    Open,
    /// A resolution waits for a second person.
    Proposed,
    Resolved,
}

impl ItemStatus {
    pub const ALL: [Self; 3] = [Self::Open, Self::Proposed, Self::Resolved];

    /// Statements give these names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Proposed => "proposed",
            Self::Resolved => "resolved",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Of an item, by its record and whether the resolution that was proposed last still waits.
    #[must_use]
    pub fn of(item: Option<&ReconciliationItem>, waits: bool) -> Self {
        match item {
            Some(item) if item.resolved.is_some() => Self::Resolved,
            Some(_) if waits => Self::Proposed,
            _ => Self::Open,
        }
    }
}

/// Where a list of items goes on.
pub type ItemPlace = (BusinessDay, SettlementId, i64);

/// A page of the lines that did not match, the oldest first.
#[derive(Clone, Copy, Debug)]
pub struct ItemQuery {
    /// Only those of one state.
    pub state: Option<LineState>,
    /// Only what was settled before this day.
    pub before: BusinessDay,
    /// Only what this client looks after.
    pub owner: Option<ClientId>,
    pub status: Option<ItemStatus>,
    /// Only what comes after this one in the list.
    pub after: Option<ItemPlace>,
    pub limit: u32,
}

/// A page of the top-ups whose money was taken and that no line settled, the oldest first.
#[derive(Clone, Copy, Debug)]
pub struct UnsettledQuery {
    /// Begun at or after.
    pub from: Timestamp,
    /// Begun before.
    pub to: Timestamp,
    /// Only what comes after this one in the list.
    pub after: Option<OperationId>,
    pub limit: u32,
}

/// Named queries; each sees what was committed before it began.
#[async_trait]
pub trait SettlementReads: Send + Sync {
    /// Which of these were settled before, and as of which entry of the operator's shard. It may know of later ones.
    async fn settled_before(&self, wanted: &SettledWants) -> Result<SettledBefore, StoreError>;

    /// The payments of these top-ups; what is unknown, or no top-up, is absent.
    async fn topup_payments(&self, ids: &[OperationId]) -> Result<Vec<TopupPayment>, StoreError>;

    /// Which top-ups bear these references at an acquirer.
    async fn topups_of_references(
        &self,
        acquirer: &str,
        references: &[&str],
    ) -> Result<Vec<(Box<str>, OperationId)>, StoreError>;

    /// A line by its file and number, without its item.
    async fn settlement_line(&self, file: SettlementId, number: i64) -> Result<Option<SettlementItem>, StoreError>;

    /// The records of items, of those that have one.
    async fn item_records(&self, items: &[ItemId]) -> Result<Vec<(ItemId, ReconciliationItem)>, StoreError>;

    async fn settlement_items(&self, query: &ItemQuery) -> Result<Vec<SettlementItem>, StoreError>;

    /// The recharges that were sent under these references.
    async fn recharges_of_references(&self, references: &[i64]) -> Result<Vec<Operation>, StoreError>;

    /// A page of the completed recharges that no line of the charging system's record tells of, the oldest first.
    async fn unrecorded_recharges(&self, query: &UnsettledQuery) -> Result<Vec<Operation>, StoreError>;

    async fn unsettled_topups(&self, query: &UnsettledQuery) -> Result<Vec<Operation>, StoreError>;
}
