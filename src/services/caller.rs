//! Who calls, what they may do, and how a use case says no.

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::records::CaseRefusal;
use crate::domain::{ClientId, Origin, PartnerId, ResellerId, Status, Via};
use crate::ledger::limits::LimitRefusal;
use crate::ledger::user::UserRefusal;
use crate::ledger::{Actor, PlaceRefusal};
use crate::ports::{LedgerError, StoreError};
use crate::services::webhooks::WebhookRefusal;

/// A permission that a client may hold. The names are those of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    RechargesWrite,
    RechargesRead,
    StockRead,
    StockWrite,
    StockIssue,
    StockApprove,
    StockAllocate,
    NetworkRead,
    NetworkWrite,
    TopupsRead,
    TopupsWrite,
    AuditRead,
    WebhooksRead,
    WebhooksWrite,
    CareRead,
    CareWrite,
}

impl Scope {
    pub const ALL: [Self; 16] = [
        Self::RechargesWrite,
        Self::RechargesRead,
        Self::StockRead,
        Self::StockWrite,
        Self::StockIssue,
        Self::StockApprove,
        Self::StockAllocate,
        Self::NetworkRead,
        Self::NetworkWrite,
        Self::TopupsRead,
        Self::TopupsWrite,
        Self::AuditRead,
        Self::WebhooksRead,
        Self::WebhooksWrite,
        Self::CareRead,
        Self::CareWrite,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RechargesWrite => "recharges:write",
            Self::RechargesRead => "recharges:read",
            Self::StockRead => "stock:read",
            Self::StockWrite => "stock:write",
            Self::StockIssue => "stock:issue",
            Self::StockApprove => "stock:approve",
            Self::StockAllocate => "stock:allocate",
            Self::NetworkRead => "network:read",
            Self::NetworkWrite => "network:write",
            Self::TopupsRead => "topups:read",
            Self::TopupsWrite => "topups:write",
            Self::AuditRead => "audit:read",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::CareRead => "care:read",
            Self::CareWrite => "care:write",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// An authenticated client.
#[derive(Clone, Debug)]
pub struct Caller {
    pub client: ClientId,
    pub partner: PartnerId,
    pub name: Arc<str>,
    pub scopes: Arc<[Scope]>,
    /// Roots of the subtrees it sees and moves.
    pub roots: Arc<[ResellerId]>,
    pub rate_limit_per_s: Option<u32>,
    /// From where it calls, where that is known.
    pub address: Option<IpAddr>,
    /// The name of its request (`X-Request-Id`).
    pub request: Option<Arc<str>>,
}

impl Caller {
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// As the journal records whoever sells: no staff action, so that it needs no origin.
    #[must_use]
    pub fn seller(&self) -> Actor {
        format!("client:{}", self.client).into()
    }

    /// As the journal records it. For staff actions with [`Actor::because`] and the reason, where one was given.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let origin = Origin {
            via: Via::Api,
            address: self.address.map(|address| address.to_string().into()),
            request: self.request.as_deref().map(Into::into),
            reason: None,
        };
        Actor::person(format!("client:{}", self.client), origin)
    }
}

/// Why a use case has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// Unknown, or outside the caller's subtrees: the same for both.
    NotFound,
    /// The `external_id` was used with other content; the field that differs.
    ExternalIdReused {
        field: &'static str,
    },
    /// What was to be changed is not at the version that the caller saw.
    StaleVersion,
    /// The code of a reseller is another's, or came with other content: the field that differs, when it may be told.
    CodeTaken {
        field: Option<&'static str>,
    },
    /// Limits do not change like that.
    Limits(LimitRefusal),
    /// The network does not change like that.
    Place(PlaceRefusal),
    /// The state of a user does not permit it.
    User(UserRefusal),
    /// That is not done to a case as it stands.
    Case(CaseRefusal),
    /// Whoever proposed something cannot decide it.
    SamePerson,
    /// The proposal was decided before, or declined.
    DecidedAlready {
        status: Status,
    },
    /// The time for a decision is over.
    ApprovalExpired,
    /// There is no such client, or it may no longer call.
    UnknownOwner,
    /// There is no acquirer of this name.
    UnknownAcquirer,
    /// Only the house reseller sells what subscribers pay for by card.
    NotTheHouse,
    /// An endpoint for events is not to be as the caller wants it.
    Webhook(WebhookRefusal),
    /// A rule meets more resellers than one run may have lines.
    TooManyLines,
    Overloaded {
        retry_after_s: u32,
    },
    Unavailable {
        retry_after_s: u32,
    },
    /// Nothing is sold until the books, restored from a backup, agree with the outside.
    Recovering {
        retry_after_s: u32,
    },
    Internal,
}

impl From<LedgerError> for ServiceError {
    fn from(error: LedgerError) -> Self {
        use crate::ledger::Refusal;
        match error {
            LedgerError::Overloaded { retry_after_s } => Self::Overloaded { retry_after_s },
            LedgerError::Unavailable { retry_after_s } => Self::Unavailable { retry_after_s },
            LedgerError::Recovering { retry_after_s } => Self::Recovering { retry_after_s },
            LedgerError::Refused(Refusal::KeyReused { field }) => Self::ExternalIdReused { field },
            LedgerError::Refused(Refusal::SamePerson) => Self::SamePerson,
            LedgerError::Refused(Refusal::DecidedAlready { status }) => Self::DecidedAlready { status },
            LedgerError::Refused(Refusal::ApprovalExpired) => Self::ApprovalExpired,
            LedgerError::Refused(Refusal::UnknownReseller | Refusal::UnknownOperation) => Self::NotFound,
            LedgerError::Refused(Refusal::StaleVersion { .. }) => Self::StaleVersion,
            LedgerError::Refused(Refusal::Limits(refusal)) => Self::Limits(refusal),
            LedgerError::Refused(Refusal::Place(refusal)) => Self::Place(refusal),
            LedgerError::Refused(Refusal::User(refusal)) => Self::User(refusal),
            LedgerError::Refused(Refusal::Case(refusal)) => Self::Case(refusal),
            LedgerError::Refused(
                Refusal::ResellerExists
                | Refusal::IllegalTransition { .. }
                | Refusal::UnfitCatalogue
                | Refusal::Overflow,
            )
            | LedgerError::Internal => Self::Internal,
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        tracing::warn!(error = %error, "a query failed");
        match error {
            StoreError::Unavailable(_) | StoreError::Conflict(_) | StoreError::CommitUnknown(_) => {
                Self::Unavailable { retry_after_s: 1 }
            }
            StoreError::Refused(_) | StoreError::Corrupt(_) | StoreError::KeyTaken(_) | StoreError::Stale(_) => {
                Self::Internal
            }
        }
    }
}
