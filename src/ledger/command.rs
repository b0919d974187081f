//! What can be asked of the ledger.

use std::sync::Arc;

pub use super::actor::Actor;
use super::changes::Registration;
pub use super::outcome::{Outcome, Refusal};
use super::settled::SettledBefore;
use super::user::UserCommand;
use crate::domain::catalogue::{Import, PayIn};
use crate::domain::encoding::Hash;
use crate::domain::records::LimitChange;
use crate::domain::{
    Asked, CardRecharge, CardRechargeStage, Channel, ClientId, Content, Decline, DisputeStage, DocumentReference,
    EvidenceKind, ExternalId, Item, ItemResolution, LevelName, Limits, Line, Msisdn, OperationId, PartnerId, Proposal,
    Reason, RecordKey, ResellerCode, ResellerId, ResellerName, Ruling, RunLine, RunTotals, SettledLine, SettlementId,
    Shard, Standing, Statement, SystemName, TerminalId, Terms, Timestamp, TransferKind,
};

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

/// Asks for what a second person has to approve.
#[derive(Clone, Debug)]
pub struct Propose {
    pub operation: OperationId,
    pub external_id: ExternalId,
    pub proposal: Proposal,
    pub amount_minor: i64,
    pub maker: ClientId,
    pub reason: Reason,
    pub document: DocumentReference,
}

/// Gives what two books do not have in common to somebody who looks after it.
#[derive(Clone, Debug)]
pub struct AssignItem {
    pub item: Item,
    pub owner: ClientId,
}

/// Approves or refuses what another person proposed.
#[derive(Clone, Debug)]
pub struct Rule {
    pub operation: OperationId,
    /// The reseller that the proposal is about, as the caller read it: its shard is locked too.
    pub reseller: Option<ResellerId>,
    /// What it resolves, as the caller read it.
    pub resolution: Option<Box<ItemResolution>>,
    /// What it states, as the caller read it.
    pub statement: Option<Statement>,
    pub checker: ClientId,
    pub ruling: Ruling,
    pub reason: Reason,
}

/// Ends a proposal that nobody decided in time.
#[derive(Clone, Copy, Debug)]
pub struct Expire {
    pub operation: OperationId,
}

/// Moves recharge credit from the operator to a reseller.
#[derive(Clone, Debug)]
pub struct AllocateStock {
    pub operation: OperationId,
    pub external_id: ExternalId,
    pub to: ResellerId,
    pub asked: Asked,
    pub terms: Terms,
    pub reason: Reason,
    /// The line of a run that asks for it.
    pub run: Option<RunLine>,
}

/// Begins a run over many resellers; its lines are carried out one by one.
#[derive(Clone, Debug)]
pub struct StartRun {
    pub operation: OperationId,
    pub external_id: ExternalId,
    pub terms: Terms,
    pub reason: Reason,
    pub started_by: ClientId,
    /// Digest of what was asked.
    pub request: Hash,
    pub lines: Arc<[Line]>,
}

/// Closes a run whose lines all came to an end.
#[derive(Clone, Copy, Debug)]
pub struct FinishRun {
    pub operation: OperationId,
    pub totals: RunTotals,
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
    /// The charging system that is asked first.
    pub system: SystemName,
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
    /// The charging system that was asked said that the line is not its own. This one is asked next, under a new
    /// reference; written before it is, so that whoever comes after a crash knows where to ask.
    NotOurs { next: SystemName },
    /// The charging system does not know our reference: proves nothing before its horizon (`domain.md` \[5\]).
    NotKnown,
    /// It could not be asked, or said nothing that counts.
    Nothing,
}

/// Where evidence comes from. Of a doubt it becomes an item; an answer in time leaves none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub kind: EvidenceKind,
    /// The charging system and our reference that it says it is about; `None`: what was asked last.
    pub about: Option<(SystemName, i64)>,
    /// When it was received; of an inquiry, when it was sent.
    pub observed_at: Timestamp,
    /// Of what was received: [`crate::domain::evidence::excerpt`].
    pub excerpt: Box<str>,
}

impl Source {
    /// The answer to the refill itself.
    #[must_use]
    pub fn answer(observed_at: Timestamp) -> Self {
        Self { kind: EvidenceKind::LateAnswer, about: None, observed_at, excerpt: Box::default() }
    }
}

/// Moves an open recharge on by evidence.
#[derive(Clone, Debug)]
pub struct Resolve {
    pub operation: OperationId,
    pub evidence: Evidence,
    pub source: Source,
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

/// Moves stock from one reseller to another, or back to the operator.
#[derive(Clone, Debug)]
pub struct TransferStock {
    pub operation: OperationId,
    pub partner: PartnerId,
    pub external_id: ExternalId,
    pub from: ResellerId,
    /// `None` is the operator.
    pub to: Option<ResellerId>,
    pub kind: TransferKind,
    pub amount_minor: i64,
    pub asks_acceptance: bool,
}

/// How a transfer that waits for acceptance ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    Accept,
    Refuse,
    /// By the sender.
    Cancel,
    /// Because its time is over.
    Expire,
}

/// Ends a transfer that waits for acceptance.
#[derive(Clone, Copy, Debug)]
pub struct SettleTransfer {
    pub operation: OperationId,
    /// Its ends, as the caller read them: the shards of both are locked.
    pub from: ResellerId,
    pub to: ResellerId,
    pub settlement: Settlement,
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

/// Buys stock by card: the first step sets it aside.
#[derive(Clone, Debug)]
pub struct StartTopup {
    pub operation: OperationId,
    pub partner: PartnerId,
    pub external_id: ExternalId,
    pub reseller: ResellerId,
    pub face_minor: i64,
    /// The acquirer that the caller wants.
    pub named: Option<Box<str>>,
    /// Digest of the token that stands for the card; `None` is the acquirer's own page.
    pub method: Option<Hash>,
    pub return_url: Option<Box<str>>,
    /// Who is about to be asked for the money, where that is known: written down with the top-up, so that whoever comes
    /// after a crash knows whom to ask.
    pub asked: Option<Box<str>>,
    /// What a subscriber buys for itself.
    pub recharge: Option<CardRecharge>,
}

/// What is known of a payment by card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopupEvidence {
    /// What became of the recharge that a subscriber paid for: it was done, or declined and its money given back.
    Recharged(CardRechargeStage),
    /// This acquirer is about to be asked, for the one before it provably was not.
    Asked { acquirer: Box<str> },
    /// The customer must act, at this address where it is told.
    NeedsCustomer { action_url: Option<Box<str>> },
    /// The acquirer works on it, or has set the money aside.
    Pending,
    /// The outcome of a call is unknown.
    Unknown,
    /// Nothing was taken, and nothing will be.
    NotTaken(Decline),
    /// The acquirer took so much.
    Taken { acquirer: Box<str>, amount_minor: i64 },
}

/// Moves a top-up on.
#[derive(Clone, Debug)]
pub struct AdvanceTopup {
    pub operation: OperationId,
    pub reseller: ResellerId,
    /// The acquirer's own id of the payment, where it was told.
    pub reference: Option<Box<str>>,
    pub evidence: TopupEvidence,
}

/// Credits a top-up whose money was taken and whose stock could not come then.
#[derive(Clone, Debug)]
pub struct CreditTopup {
    pub operation: OperationId,
    pub reseller: ResellerId,
}

/// Books the next lines of an acquirer's settlement file.
#[derive(Clone, Debug)]
pub struct BookSettlement {
    pub file: SettlementId,
    pub acquirer: Box<str>,
    /// SHA-256 of the file.
    pub content: Hash,
    /// Lines of the whole file.
    pub total: i64,
    /// Number of the first of `lines`; those before it are booked.
    pub first: i64,
    /// As they compare with the top-ups; what was settled before is found by the decision.
    pub lines: Arc<[SettledLine]>,
    /// What of them was settled before, as the store said without a lock.
    pub before: Arc<SettledBefore>,
}

/// Asks for money of a top-up to be given back.
#[derive(Clone, Debug)]
pub struct StartRefund {
    /// Its id, in the shard of the top-up.
    pub operation: OperationId,
    pub partner: PartnerId,
    pub external_id: ExternalId,
    pub topup: OperationId,
    pub reseller: ResellerId,
    /// `None` is all that is left.
    pub asked_minor: Option<i64>,
    pub reason: Box<str>,
}

/// What is known of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundEvidence {
    Given,
    /// Provably nothing was given back, and nothing will be.
    NotGiven(Decline),
    Unknown,
}

/// Moves a refund on.
#[derive(Clone, Debug)]
pub struct SettleRefund {
    pub operation: OperationId,
    pub topup: OperationId,
    pub reseller: ResellerId,
    pub acquirer: Box<str>,
    /// The acquirer's own id of the refund, where it was told.
    pub reference: Option<Box<str>>,
    pub evidence: RefundEvidence,
}

/// Books what is known of a dispute of a payment.
#[derive(Clone, Debug)]
pub struct BookDispute {
    /// The top-up.
    pub operation: OperationId,
    pub reseller: ResellerId,
    /// Who took its money.
    pub acquirer: Box<str>,
    /// The acquirer's own id of the dispute.
    pub dispute: Box<str>,
    /// What the cardholder's bank wants.
    pub amount_minor: i64,
    pub stage: DisputeStage,
}

/// Moves on what disputes of a top-up left to be done.
#[derive(Clone, Debug)]
pub struct TendDisputes {
    /// The top-up.
    pub operation: OperationId,
    pub reseller: ResellerId,
    /// Who took its money.
    pub acquirer: Box<str>,
}

/// Asks for credit of a recharge to be taken back.
#[derive(Clone, Debug)]
pub struct StartReversal {
    /// Its id, in the shard of the recharge.
    pub operation: OperationId,
    pub partner: PartnerId,
    pub external_id: ExternalId,
    /// The recharge, or the tombstone of its key.
    pub recharge: OperationId,
    /// The key by which the recharge was named, where it was not by its id.
    pub original: Option<ExternalId>,
    pub reseller: ResellerId,
    /// `None` is all that is left.
    pub asked_minor: Option<i64>,
    pub reason: Box<str>,
    /// Whether the operator's own staff asks.
    pub for_operator: bool,
}

/// What is known of a reversal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReversalEvidence {
    /// The recharge may have an outcome by now: a reversal that waits for it goes on.
    Due,
    /// The charging system took the credit back.
    Reversed,
    /// Provably nothing was taken back, and nothing will be.
    NotReversed(Decline),
    /// The charging system provably never received it: it may be asked again.
    NotAsked,
    /// The deadline passed without an answer.
    NoAnswer,
}

/// Moves a reversal on.
#[derive(Clone, Copy, Debug)]
pub struct AdvanceReversal {
    pub operation: OperationId,
    pub recharge: OperationId,
    pub reseller: ResellerId,
    /// The attempt that it is about, by our reference of it.
    pub reference: Option<i64>,
    pub evidence: ReversalEvidence,
}

#[derive(Clone, Debug)]
pub enum Request {
    OpenReseller(OpenReseller),
    SetStanding(SetStanding),
    SetLimits(SetLimits),
    ChangePlace(ChangePlace),
    Propose(Propose),
    Rule(Rule),
    AssignItem(AssignItem),
    Expire(Expire),
    AllocateStock(AllocateStock),
    StartRun(StartRun),
    FinishRun(FinishRun),
    Reserve(Reserve),
    Resolve(Resolve),
    Void(Void),
    PutRecord(PutRecord),
    User(UserCommand),
    Care(super::care::CareCommand),
    /// Lowers what a reseller or one of its terminals may sell, at once or from a time on.
    LowerLimits(LimitChange),
    TransferStock(TransferStock),
    SettleTransfer(SettleTransfer),
    ImportCatalogue(ImportCatalogue),
    PayCommission(PayCommission),
    /// Closes the business days that are over in a shard, as any other command would that comes first.
    CloseDays(Shard),
    /// Compares a reseller's stock with the threshold that it is watched for.
    LookAtStock(ResellerId),
    StartTopup(StartTopup),
    AdvanceTopup(AdvanceTopup),
    CreditTopup(CreditTopup),
    BookSettlement(BookSettlement),
    StartRefund(StartRefund),
    SettleRefund(SettleRefund),
    BookDispute(BookDispute),
    TendDisputes(TendDisputes),
    StartReversal(StartReversal),
    AdvanceReversal(AdvanceReversal),
    /// Decides a recharge as it would be decided now, and writes nothing.
    TryReserve(Reserve),
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
