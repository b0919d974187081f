//! What two books do not have in common, as somebody looks after it.

use serde::{Deserialize, Serialize};

use crate::domain::{Item, OperationId};

/// One per item that was assigned or proposed to be resolved; the record's id is that of the item. Amounts are in
/// minor units, days are counted since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationItem {
    pub acquirer: Box<str>,
    pub kind: Box<str>,
    pub amount_minor: i64,
    pub since_day: i32,
    /// The API client that looks after it.
    pub owner: Option<Box<str>>,
    /// The last resolution that was proposed, without its prefix and hyphens, as statements look for it.
    pub proposal: Option<Box<str>>,
    pub resolved: Option<Resolved>,
    /// Of a top-up: whether its payment is settled without a line of its own. Statements look for it.
    pub settled: bool,
}

/// How an item ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    pub resolution: Box<str>,
    pub at_ms: i64,
}

impl ReconciliationItem {
    /// One that nobody looks after yet.
    #[must_use]
    pub fn new(item: &Item) -> Self {
        Self {
            acquirer: item.acquirer.clone(),
            kind: item.kind.name().into(),
            amount_minor: item.amount_minor,
            since_day: item.since.0,
            owner: None,
            proposal: None,
            resolved: None,
            settled: false,
        }
    }

    /// The last resolution that was proposed.
    #[must_use]
    pub fn proposal(&self) -> Option<OperationId> {
        let id = uuid::Uuid::try_parse(self.proposal.as_deref()?).ok()?;
        Some(OperationId::from_uuid(id))
    }

    pub fn propose(&mut self, operation: OperationId) {
        self.proposal = Some(operation.uuid().simple().to_string().into());
    }
}
