//! What can be asked of the ledger, and how it answers.

use std::sync::Arc;

use crate::domain::{
    Channel, Decline, ExternalId, Limits, Msisdn, Operation, OperationId, PartnerId, ResellerId, Shard, Standing,
    Status, TerminalId,
};
use crate::ledger::Registration;

/// Who causes a command, as the journal records it: `client:cli_…`, `system:charging`, `operator:seed`.
pub type Actor = Arc<str>;

/// Opens a reseller: its place in the tree, its state and its stock account.
#[derive(Clone, Debug)]
pub struct OpenReseller {
    pub registration: Registration,
    pub limits: Limits,
    pub credit_limit_minor: i64,
}

#[derive(Clone, Copy, Debug)]
pub struct SetStanding {
    pub reseller: ResellerId,
    pub standing: Standing,
}

#[derive(Clone, Copy, Debug)]
pub struct SetLimits {
    pub reseller: ResellerId,
    pub limits: Limits,
    pub credit_limit_minor: i64,
}

/// Creates recharge credit in the operator's stock.
#[derive(Clone, Debug)]
pub struct IssueStock {
    pub operation: OperationId,
    pub external_id: ExternalId,
    pub amount_minor: i64,
}

/// Moves recharge credit from the operator to a reseller, on consignment.
#[derive(Clone, Debug)]
pub struct AllocateStock {
    pub operation: OperationId,
    pub external_id: ExternalId,
    pub to: ResellerId,
    pub amount_minor: i64,
}

/// Sets stock aside for a recharge, before the charging system is called.
#[derive(Clone, Debug)]
pub struct Reserve {
    pub operation: OperationId,
    pub partner: PartnerId,
    pub reseller: ResellerId,
    pub external_id: ExternalId,
    pub msisdn: Msisdn,
    pub salt: [u8; 16],
    pub amount_minor: i64,
    pub product: Box<str>,
    pub channel: Channel,
    pub terminal: Option<TerminalId>,
    pub allow_repeat: bool,
}

/// What moves an open recharge on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The charging system applied it: the hold becomes a posting.
    Applied,
    /// It provably did not take effect: the hold is released.
    NotApplied(Decline),
    /// The deadline passed without an answer.
    NoAnswer,
}

/// Moves an open recharge on by evidence.
#[derive(Clone, Copy, Debug)]
pub struct Resolve {
    pub operation: OperationId,
    pub evidence: Evidence,
}

/// Makes an unknown key unusable.
#[derive(Clone, Debug)]
pub struct Void {
    pub operation: OperationId,
    pub partner: PartnerId,
    pub reseller: ResellerId,
    pub external_id: ExternalId,
}

#[derive(Clone, Debug)]
pub enum Request {
    OpenReseller(OpenReseller),
    SetStanding(SetStanding),
    SetLimits(SetLimits),
    IssueStock(IssueStock),
    AllocateStock(AllocateStock),
    Reserve(Reserve),
    Resolve(Resolve),
    Void(Void),
}

/// A request and who causes it.
#[derive(Clone, Debug)]
pub struct Command {
    pub actor: Actor,
    pub request: Request,
}

/// An idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub partner: PartnerId,
    pub reseller: ResellerId,
    pub external_id: ExternalId,
}

impl Request {
    /// The shards it reads and writes, ascending, for an installation of `count` shards.
    #[must_use]
    pub fn shards(&self, count: u16) -> Vec<Shard> {
        let of = |reseller: ResellerId| Shard::of(reseller.uuid(), count);
        match self {
            Self::OpenReseller(open) => vec![of(open.registration.id)],
            Self::SetStanding(set) => vec![of(set.reseller)],
            Self::SetLimits(set) => vec![of(set.reseller)],
            Self::IssueStock(_) => vec![Shard::OPERATOR],
            Self::AllocateStock(allocate) => {
                let mut shards = vec![Shard::OPERATOR, of(allocate.to)];
                shards.dedup();
                shards
            }
            Self::Reserve(reserve) => vec![of(reserve.reseller)],
            Self::Resolve(resolve) => vec![resolve.operation.shard()],
            Self::Void(void) => vec![of(void.reseller)],
        }
    }

    /// The key it claims, and the operation it claims it for.
    #[must_use]
    pub fn key(&self) -> Option<(Key, OperationId)> {
        let operator = |external_id: &ExternalId, operation| {
            let (partner, reseller) = (PartnerId::OPERATOR, ResellerId::OPERATOR);
            Some((Key { partner, reseller, external_id: external_id.clone() }, operation))
        };
        match self {
            Self::IssueStock(issue) => operator(&issue.external_id, issue.operation),
            Self::AllocateStock(allocate) => operator(&allocate.external_id, allocate.operation),
            Self::Reserve(Reserve { partner, reseller, external_id, operation, .. })
            | Self::Void(Void { partner, reseller, external_id, operation }) => {
                let key = Key { partner: *partner, reseller: *reseller, external_id: external_id.clone() };
                Some((key, *operation))
            }
            Self::OpenReseller(_) | Self::SetStanding(_) | Self::SetLimits(_) | Self::Resolve(_) => None,
        }
    }

    /// Whether it may be refused for overload. Moving an open operation on never is.
    #[must_use]
    pub fn is_new_business(&self) -> bool {
        !matches!(self, Self::Resolve(_))
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Decided now, business refusals included: see the operation's status.
    Decided(Arc<Operation>),
    /// The key was claimed before, with the same content: the operation as it stands now.
    Replayed(Arc<Operation>),
    /// The operation had moved on before: nothing was written.
    Unchanged(Arc<Operation>),
    /// A command about a reseller was recorded.
    Recorded,
}

impl Outcome {
    #[must_use]
    pub fn operation(&self) -> Option<&Arc<Operation>> {
        match self {
            Self::Decided(operation) | Self::Replayed(operation) | Self::Unchanged(operation) => Some(operation),
            Self::Recorded => None,
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
    #[error("the operation does not exist")]
    UnknownOperation,
    /// The key belongs to an operation with other content.
    #[error("the external_id was used before with another {field}")]
    KeyReused { field: &'static str },
    /// The evidence contradicts a final outcome.
    #[error("an operation that is {} cannot move on by this evidence", .from.name())]
    IllegalTransition { from: Status },
    #[error("a balance would leave the range of 64-bit integers")]
    Overflow,
}
