//! What can be asked of the ledger, and how it answers.

use std::sync::Arc;

use crate::domain::catalogue::{Import, PayIn};
use crate::domain::{
    Channel, Content, Decline, ExternalId, LevelName, Limits, Msisdn, Operation, OperationId, Origin, PartnerId, Place,
    Record, RecordKey, RecordKind, RecordWant, ResellerCode, ResellerId, ResellerName, Shard, Standing, Status,
    TerminalId,
};
use crate::ledger::Registration;
use crate::ledger::tree::{PlaceRefusal, TreeWants};
use crate::ledger::user::{UserCommand, UserRefusal};

/// Who causes a command, and for people from where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    name: Arc<str>,
    origin: Option<Arc<Origin>>,
}

impl Actor {
    /// Somebody whose staff actions are audited.
    #[must_use]
    pub fn person(name: impl Into<Arc<str>>, origin: Origin) -> Self {
        Self { name: name.into(), origin: Some(Arc::new(origin)) }
    }

    /// The same, who says why.
    #[must_use]
    pub fn because(self, reason: &str) -> Self {
        let origin = self.origin.map(|origin| Origin { reason: Some(reason.into()), ..Origin::clone(&origin) });
        Self { name: self.name, origin: origin.map(Arc::new) }
    }

    /// As the journal records it: `client:cli_…`, `system:charging`, `operator:seed`.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    #[must_use]
    pub fn origin(&self) -> Option<&Arc<Origin>> {
        self.origin.as_ref()
    }
}

/// The program itself.
impl From<&str> for Actor {
    fn from(name: &str) -> Self {
        Self { name: name.into(), origin: None }
    }
}

impl From<String> for Actor {
    fn from(name: String) -> Self {
        Self { name: name.into(), origin: None }
    }
}

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
    /// Only if this is still its version.
    pub if_version: Option<i64>,
}

/// Gives a reseller another place in the network; what is `None` stays.
#[derive(Clone, Debug)]
pub struct ChangePlace {
    pub reseller: ResellerId,
    pub code: Option<ResellerCode>,
    pub name: Option<ResellerName>,
    pub level: Option<LevelName>,
    /// `Some(None)` moves it to the top.
    pub parent: Option<Option<ResellerId>>,
    /// Only if this is still its version.
    pub if_version: Option<i64>,
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

/// Writes a record in its next version.
#[derive(Clone, Debug)]
pub struct PutRecord {
    pub key: RecordKey,
    /// The version it replaces, 0 when it must be new; `None` replaces whichever there is.
    pub expected: Option<i64>,
    pub content: Content,
}

/// Changes the catalogue in every shard: the products and rules that are named, from now on at the earliest.
#[derive(Clone, Debug)]
pub struct ImportCatalogue {
    pub import: Import,
}

/// Pays out what a reseller earned by the sales of one shard.
#[derive(Clone, Debug)]
pub struct PayCommission {
    /// Of the shard of the sales.
    pub operation: OperationId,
    pub external_id: ExternalId,
    pub to: ResellerId,
    pub pay_in: PayIn,
}

#[derive(Clone, Debug)]
pub enum Request {
    OpenReseller(OpenReseller),
    SetStanding(SetStanding),
    SetLimits(SetLimits),
    ChangePlace(ChangePlace),
    IssueStock(IssueStock),
    AllocateStock(AllocateStock),
    Reserve(Reserve),
    Resolve(Resolve),
    Void(Void),
    PutRecord(PutRecord),
    User(UserCommand),
    ImportCatalogue(ImportCatalogue),
    PayCommission(PayCommission),
    /// Closes the business days that are over in a shard, as any other command would that comes first.
    CloseDays(Shard),
    /// Compares a reseller's stock with the threshold that it is watched for.
    LookAtStock(ResellerId),
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
    /// The shard of the reseller that acts: it holds the operation and the key.
    #[must_use]
    pub fn home(&self, count: u16) -> Shard {
        let of = |reseller: ResellerId| Shard::of(reseller.uuid(), count);
        match self {
            Self::OpenReseller(open) => of(open.registration.id),
            Self::SetStanding(set) => of(set.reseller),
            Self::SetLimits(set) => of(set.reseller),
            Self::ChangePlace(change) => of(change.reseller),
            Self::IssueStock(_) | Self::AllocateStock(_) | Self::ImportCatalogue(_) => Shard::OPERATOR,
            Self::Reserve(reserve) => of(reserve.reseller),
            Self::Resolve(resolve) => resolve.operation.shard(),
            Self::Void(void) => of(void.reseller),
            Self::PutRecord(put) => put.key.home(count),
            Self::User(user) => of(user.reseller),
            Self::PayCommission(pay) => pay.operation.shard(),
            Self::CloseDays(shard) => *shard,
            Self::LookAtStock(reseller) => of(*reseller),
        }
    }

    /// The other shards that it reads and writes: none for most.
    #[must_use]
    pub fn other_shards(&self, count: u16) -> Vec<Shard> {
        match self {
            Self::AllocateStock(allocate) => {
                let there = Shard::of(allocate.to.uuid(), count);
                if there == Shard::OPERATOR { Vec::new() } else { vec![there] }
            }
            Self::PutRecord(put) => put.key.copies(count),
            Self::ImportCatalogue(_) => Shard::all(count).filter(|shard| *shard != Shard::OPERATOR).collect(),
            // Commission in stock comes out of the operator's.
            Self::PayCommission(pay) => vec![Shard::of(pay.to.uuid(), count), Shard::OPERATOR],
            // Every shard may remember who stands above a reseller, and at which level.
            Self::ChangePlace(change) if change.parent.is_some() || change.level.is_some() => {
                Shard::all(count).filter(|shard| *shard != self.home(count)).collect()
            }
            // The operator's row is the lock of the network's tree.
            _ if !self.tree().is_empty() && self.home(count) != Shard::OPERATOR => vec![Shard::OPERATOR],
            _ => Vec::new(),
        }
    }

    /// The records that it reads, and in which shards: none for most.
    #[must_use]
    pub fn records(&self, count: u16) -> Vec<(Shard, RecordWant)> {
        match self {
            Self::PutRecord(put) => {
                let shards = std::iter::once(put.key.home(count)).chain(put.key.copies(count));
                shards.map(|shard| (shard, RecordWant::One(put.key.clone()))).collect()
            }
            Self::Reserve(_) => vec![(self.home(count), super::terminal::POLICIES)],
            Self::User(user) => {
                let wants = [RecordWant::One(user.key()), RecordWant::Kind(RecordKind::PinPolicy)];
                wants.map(|want| (Shard::of(user.reseller.uuid(), count), want)).to_vec()
            }
            Self::LookAtStock(reseller) => {
                let kinds = [RecordKind::StockWatch, RecordKind::StockAlert];
                let keys = kinds.map(|kind| super::stock_watch::key(kind, *reseller));
                keys.map(|key| (key.home(count), RecordWant::One(key))).to_vec()
            }
            _ => Vec::new(),
        }
    }

    /// What it reads of the network's tree. Whatever changes the tree reads something of it.
    #[must_use]
    pub fn tree(&self) -> TreeWants {
        match self {
            Self::OpenReseller(OpenReseller { registration, .. }) => TreeWants {
                codes: vec![registration.code.clone()],
                lines: registration.parent.into_iter().collect(),
                below: Vec::new(),
            },
            Self::ChangePlace(change) => TreeWants {
                codes: change.code.iter().map(|code| code.as_str().to_owned()).collect(),
                lines: change.parent.flatten().into_iter().chain([change.reseller]).collect(),
                below: vec![change.reseller],
            },
            Self::SetStanding(SetStanding { reseller, standing: Standing::Closed, .. }) => {
                TreeWants { codes: Vec::new(), lines: vec![*reseller], below: vec![*reseller] }
            }
            _ => TreeWants::default(),
        }
    }

    /// The reseller whose state it reads.
    #[must_use]
    pub fn reseller(&self) -> Option<ResellerId> {
        match self {
            Self::OpenReseller(open) => Some(open.registration.id),
            Self::SetStanding(set) => Some(set.reseller),
            Self::SetLimits(set) => Some(set.reseller),
            Self::ChangePlace(change) => Some(change.reseller),
            Self::AllocateStock(allocate) => Some(allocate.to),
            Self::Reserve(reserve) => Some(reserve.reseller),
            Self::Void(void) => Some(void.reseller),
            Self::User(user) => Some(user.reseller),
            Self::PutRecord(put) => Some(put.key.owner()).filter(|_| put.key.kind().place() == Place::Owner),
            Self::PayCommission(pay) => Some(pay.to),
            Self::LookAtStock(reseller) => Some(*reseller),
            Self::IssueStock(_) | Self::Resolve(_) | Self::ImportCatalogue(_) | Self::CloseDays(_) => None,
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
            Self::PayCommission(pay) => operator(&pay.external_id, pay.operation),
            Self::Reserve(Reserve { partner, reseller, external_id, operation, .. })
            | Self::Void(Void { partner, reseller, external_id, operation }) => {
                let key = Key { partner: *partner, reseller: *reseller, external_id: external_id.clone() };
                Some((key, *operation))
            }
            Self::OpenReseller(_)
            | Self::SetStanding(_)
            | Self::SetLimits(_)
            | Self::ChangePlace(_)
            | Self::Resolve(_)
            | Self::User(_)
            | Self::PutRecord(_)
            | Self::ImportCatalogue(_)
            | Self::CloseDays(_)
            | Self::LookAtStock(_) => None,
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
    /// A command about a reseller was recorded, or it was so already.
    Recorded,
    /// The record as it stands now, also when it stood like that before and nothing was written.
    Put(Arc<Record>),
}

impl Outcome {
    #[must_use]
    pub fn operation(&self) -> Option<&Arc<Operation>> {
        match self {
            Self::Decided(operation) | Self::Replayed(operation) | Self::Unchanged(operation) => Some(operation),
            Self::Recorded | Self::Put(_) => None,
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
    /// What an import would make of the catalogue cannot be decided by.
    #[error("the import does not fit the catalogue")]
    UnfitCatalogue,
    #[error("a balance would leave the range of 64-bit integers")]
    Overflow,
}
