//! How the ledger answers.

use std::sync::Arc;

use super::limits::LimitRefusal;
use super::tree::PlaceRefusal;
use super::user::UserRefusal;
use crate::domain::records::CaseRefusal;
use crate::domain::{Operation, Record, Status};

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Decided now, business refusals included: see the operation's status.
    Decided(Arc<Operation>),
    /// The key was claimed before, with the same content: the operation as it stands now.
    Replayed(Arc<Operation>),
    /// The operation had moved on before: nothing was written.
    Unchanged(Arc<Operation>),
    /// A command about a reseller was recorded, or it was so already.
    Recorded,
    /// What a command that is only tried would come to now: nothing was written.
    Tried(Arc<Operation>),
    /// The record as it stands now, also when it stood like that before and nothing was written.
    Put(Arc<Record>),
}

impl Outcome {
    #[must_use]
    pub fn operation(&self) -> Option<&Arc<Operation>> {
        match self {
            Self::Decided(operation) | Self::Replayed(operation) | Self::Unchanged(operation) => Some(operation),
            Self::Recorded | Self::Put(_) | Self::Tried(_) => None,
        }
    }
}

/// Why a command wrote nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the reseller does not exist")]
    UnknownReseller,
    #[error("the reseller exists already")]
    ResellerExists,
    #[error(transparent)]
    Limits(#[from] LimitRefusal),
    #[error(transparent)]
    Place(#[from] PlaceRefusal),
    #[error("the operation does not exist")]
    UnknownOperation,
    /// The key belongs to an operation with other content.
    #[error("the external_id was used before with another {field}")]
    KeyReused { field: &'static str },
    /// The evidence contradicts a final outcome.
    #[error("an operation that is {} cannot move on by this evidence", .from.name())]
    IllegalTransition { from: Status },
    /// The record is not at the version that the command replaces; 0 when it does not exist.
    #[error("it is at version {current}")]
    StaleVersion { current: i64 },
    #[error(transparent)]
    User(#[from] UserRefusal),
    #[error(transparent)]
    Case(#[from] CaseRefusal),
    /// Maker and checker are one.
    #[error("whoever proposed something cannot decide it")]
    SamePerson,
    /// Another decision was taken, or it was declined.
    #[error("the operation is {} already", .status.name())]
    DecidedAlready { status: Status },
    /// Nobody decided in time.
    #[error("the time for a decision is over")]
    ApprovalExpired,
    /// What an import would make of the catalogue cannot be decided by.
    #[error("the import does not fit the catalogue")]
    UnfitCatalogue,
    #[error("a balance would leave the range of 64-bit integers")]
    Overflow,
}
