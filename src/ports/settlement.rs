//! What is asked of the store about settlement files.

use async_trait::async_trait;

use super::store::StoreError;
use crate::domain::{
    BusinessDay, CardPayment, LineState, Operation, OperationId, SettledLine, SettlementId, Timestamp,
};

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
}

/// Where a list of items goes on.
pub type ItemPlace = (BusinessDay, SettlementId, i64);

/// A page of the lines that did not match, the oldest first.
#[derive(Clone, Copy, Debug)]
pub struct ItemQuery {
    /// Only those of one state.
    pub state: Option<LineState>,
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
    /// The payments of these top-ups; what is unknown, or no top-up, is absent.
    async fn topup_payments(&self, ids: &[OperationId]) -> Result<Vec<TopupPayment>, StoreError>;

    /// Which top-ups bear these references at an acquirer.
    async fn topups_of_references(
        &self,
        acquirer: &str,
        references: &[&str],
    ) -> Result<Vec<(Box<str>, OperationId)>, StoreError>;

    async fn settlement_items(&self, query: &ItemQuery) -> Result<Vec<SettlementItem>, StoreError>;

    async fn unsettled_topups(&self, query: &UnsettledQuery) -> Result<Vec<Operation>, StoreError>;
}
