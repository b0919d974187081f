//! What a command touches: its shards, its key, and what has to be in memory before it is decided.

use super::command::{
    AdvanceReversal, AdvanceTopup, BookDispute, CreditTopup, Key, OpenReseller, Request, Reserve, SetStanding,
    SettleRefund, SettleTransfer, Settlement, StartRefund, StartReversal, StartTopup, TendDisputes, TransferStock,
    Void,
};
use super::tree::TreeWants;
use crate::domain::records::LimitChange;
use crate::domain::{
    ExternalId, ItemId, ItemResolution, LineState, OperationId, PartnerId, Place, RecordKind, RecordWant, ResellerId,
    SettledLine, Shard, Standing, Statement,
};

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
            Self::Propose(_)
            | Self::AllocateStock(_)
            | Self::StartRun(_)
            | Self::BookSettlement(_)
            | Self::AssignItem(_)
            | Self::Care(_)
            | Self::ImportCatalogue(_) => Shard::OPERATOR,
            Self::FinishRun(finish) => finish.operation.shard(),
            Self::Rule(rule) => rule.operation.shard(),
            Self::Expire(expire) => expire.operation.shard(),
            Self::Reserve(reserve) | Self::TryReserve(reserve) => of(reserve.reseller),
            Self::Resolve(resolve) => resolve.operation.shard(),
            Self::Void(void) => of(void.reseller),
            Self::PutRecord(put) => put.key.home(count),
            Self::User(user) => of(user.reseller),
            Self::LowerLimits(lower) => of(lower.reseller),
            Self::TransferStock(transfer) => of(transfer.from),
            Self::SettleTransfer(settle) => settle.operation.shard(),
            Self::PayCommission(pay) => pay.operation.shard(),
            Self::CloseDays(shard) => *shard,
            Self::LookAtStock(reseller) => of(*reseller),
            Self::StartTopup(start) => of(start.reseller),
            Self::AdvanceTopup(AdvanceTopup { operation, .. })
            | Self::CreditTopup(CreditTopup { operation, .. })
            | Self::BookDispute(BookDispute { operation, .. })
            | Self::TendDisputes(TendDisputes { operation, .. }) => operation.shard(),
            Self::StartRefund(start) => start.topup.shard(),
            Self::StartReversal(start) => start.recharge.shard(),
            Self::AdvanceReversal(advance) => advance.recharge.shard(),
            Self::SettleRefund(settle) => settle.operation.shard(),
        }
    }

    /// The other shards that it reads and writes: none for most.
    #[must_use]
    pub fn other_shards(&self, count: u16) -> Vec<Shard> {
        let home = self.home(count);
        let of = |reseller: ResellerId| {
            let there = Shard::of(reseller.uuid(), count);
            if there == home { Vec::new() } else { vec![there] }
        };
        match self {
            Self::AllocateStock(allocate) => of(allocate.to),
            Self::Propose(_) | Self::Rule(_) if self.resolution().is_some() => {
                let topup = self.resolution().and_then(ItemResolution::topup);
                topup.map(OperationId::shard).filter(|shard| *shard != home).into_iter().collect()
            }
            Self::Propose(propose) => propose.proposal.reseller().map(of).unwrap_or_default(),
            Self::Rule(rule) => rule.reseller.map(of).unwrap_or_default(),
            Self::PutRecord(put) => put.key.copies(count),
            Self::TransferStock(TransferStock { to: Some(to), .. })
            | Self::SettleTransfer(SettleTransfer { to, .. }) => {
                vec![Shard::of(to.uuid(), count), Shard::OPERATOR]
            }
            Self::ImportCatalogue(_) => Shard::all(count).filter(|shard| *shard != Shard::OPERATOR).collect(),
            // Its stock is the operator's.
            Self::StartTopup(_)
            | Self::CreditTopup(_)
            | Self::SettleRefund(_)
            | Self::BookDispute(_)
            | Self::TendDisputes(_)
                if home != Shard::OPERATOR =>
            {
                vec![Shard::OPERATOR]
            }
            Self::AdvanceTopup(advance) if home != Shard::OPERATOR && advance.evidence.moves_stock() => {
                vec![Shard::OPERATOR]
            }
            Self::BookSettlement(book) => {
                let settles = |line: &&SettledLine| line.state == LineState::Matched && line.kind.is_money();
                let matched = book.lines.iter().filter(settles);
                let mut shards: Vec<_> = matched.filter_map(|line| Some(line.operation?.shard())).collect();
                shards.sort_unstable();
                shards.dedup();
                shards.retain(|shard| *shard != home);
                shards
            }
            // Commission in stock comes out of the operator's.
            Self::PayCommission(pay) => vec![Shard::of(pay.to.uuid(), count), Shard::OPERATOR],
            // Every shard may remember who stands above a reseller, and at which level.
            Self::ChangePlace(change) if change.parent.is_some() || change.level.is_some() => {
                Shard::all(count).filter(|shard| *shard != home).collect()
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
            Self::Reserve(Reserve { reseller, .. }) | Self::TryReserve(Reserve { reseller, .. }) => {
                let limits = RecordWant::One(super::limits::key(*reseller));
                let home = self.home(count);
                vec![(home, limits), (home, super::terminal::POLICIES)]
            }
            Self::LowerLimits(LimitChange { reseller, .. })
            | Self::TransferStock(TransferStock { from: reseller, .. }) => {
                let key = super::limits::key(*reseller);
                vec![(key.home(count), RecordWant::One(key))]
            }
            Self::Care(care) => vec![care.wants()],
            Self::AssignItem(assign) => vec![(Shard::OPERATOR, RecordWant::One(assign.item.id.key()))],
            Self::Propose(_) | Self::Rule(_) if self.resolution().is_some() => {
                let named = |asked: &ItemResolution| asked.resolution.named().map(ItemId::Topup);
                let items = self.resolution().into_iter().flat_map(|asked| [Some(asked.item.id), named(asked)]);
                items.flatten().map(|item| (Shard::OPERATOR, RecordWant::One(item.key()))).collect()
            }
            // What is decided about a reseller's stock reads how far it may go below zero, a raise all its limits.
            Self::Propose(_) | Self::Rule(_) => {
                let keys = self.reseller().map(super::limits::key).into_iter();
                keys.map(|key| (key.home(count), RecordWant::One(key))).collect()
            }
            Self::BookSettlement(book) => vec![(Shard::OPERATOR, RecordWant::One(book.file.key()))],
            Self::BookDispute(BookDispute { reseller, .. }) | Self::TendDisputes(TendDisputes { reseller, .. }) => {
                vec![(self.home(count), RecordWant::One(super::clawback::key(*reseller)))]
            }
            Self::PutRecord(put) => {
                let shards = std::iter::once(put.key.home(count)).chain(put.key.copies(count));
                shards.map(|shard| (shard, RecordWant::One(put.key.clone()))).collect()
            }
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
            Self::TransferStock(transfer) => {
                TreeWants { lines: [transfer.from].into_iter().chain(transfer.to).collect(), ..TreeWants::default() }
            }
            Self::SettleTransfer(settle) => TreeWants { lines: vec![settle.from, settle.to], ..TreeWants::default() },
            _ => TreeWants::default(),
        }
    }

    /// Another reseller whose state it reads: who gets the stock.
    #[must_use]
    pub fn receiver(&self) -> Option<ResellerId> {
        match self {
            Self::TransferStock(transfer) => transfer.to,
            Self::SettleTransfer(settle) => Some(settle.to),
            _ => None,
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
            Self::Reserve(reserve) | Self::TryReserve(reserve) => Some(reserve.reseller),
            Self::Void(void) => Some(void.reseller),
            Self::User(user) => Some(user.reseller),
            Self::Propose(propose) => propose.proposal.reseller(),
            Self::Rule(rule) => rule.reseller,
            Self::PutRecord(put) => Some(put.key.owner()).filter(|_| put.key.kind().place() == Place::Owner),
            Self::LowerLimits(lower) => Some(lower.reseller),
            Self::TransferStock(transfer) => Some(transfer.from),
            Self::SettleTransfer(settle) => Some(settle.from),
            Self::PayCommission(pay) => Some(pay.to),
            Self::LookAtStock(reseller)
            | Self::StartTopup(StartTopup { reseller, .. })
            | Self::AdvanceTopup(AdvanceTopup { reseller, .. })
            | Self::CreditTopup(CreditTopup { reseller, .. })
            | Self::StartRefund(StartRefund { reseller, .. })
            | Self::SettleRefund(SettleRefund { reseller, .. })
            | Self::BookDispute(BookDispute { reseller, .. })
            | Self::TendDisputes(TendDisputes { reseller, .. })
            | Self::StartReversal(StartReversal { reseller, .. })
            | Self::AdvanceReversal(AdvanceReversal { reseller, .. }) => Some(*reseller),
            Self::Expire(_)
            | Self::Resolve(_)
            | Self::StartRun(_)
            | Self::FinishRun(_)
            | Self::ImportCatalogue(_)
            | Self::BookSettlement(_)
            | Self::AssignItem(_)
            | Self::Care(_)
            | Self::CloseDays(_) => None,
        }
    }

    /// The operation that it moves on.
    #[must_use]
    pub fn moves(&self) -> Option<OperationId> {
        match self {
            Self::Resolve(resolve) => Some(resolve.operation),
            Self::Rule(rule) => Some(rule.operation),
            Self::Expire(expire) => Some(expire.operation),
            Self::FinishRun(finish) => Some(finish.operation),
            Self::AdvanceTopup(AdvanceTopup { operation, .. })
            | Self::CreditTopup(CreditTopup { operation, .. })
            | Self::BookDispute(BookDispute { operation, .. })
            | Self::TendDisputes(TendDisputes { operation, .. }) => Some(*operation),
            Self::StartRefund(start) => Some(start.topup),
            Self::SettleRefund(settle) => Some(settle.operation),
            Self::StartReversal(start) => Some(start.recharge),
            Self::AdvanceReversal(advance) => Some(advance.operation),
            _ => None,
        }
    }

    /// Another operation that it reads or moves on: the top-up that a refund is of, or that a resolution touches.
    #[must_use]
    pub fn moves_with(&self) -> Option<OperationId> {
        match self {
            Self::SettleRefund(settle) => Some(settle.topup),
            Self::AdvanceReversal(advance) => Some(advance.recharge),
            Self::Propose(_) | Self::Rule(_) => {
                let stated = self.statement().map(|statement| statement.recharge);
                stated.or_else(|| self.resolution().and_then(ItemResolution::topup))
            }
            _ => None,
        }
    }

    /// What it states about a recharge.
    #[must_use]
    pub fn statement(&self) -> Option<&Statement> {
        match self {
            Self::Propose(propose) => propose.proposal.statement(),
            Self::Rule(rule) => rule.statement.as_ref(),
            _ => None,
        }
    }

    /// What it proposes to resolve, or decides about.
    #[must_use]
    pub fn resolution(&self) -> Option<&ItemResolution> {
        match self {
            Self::Propose(propose) => propose.proposal.resolution(),
            Self::Rule(rule) => rule.resolution.as_deref(),
            _ => None,
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
            Self::Propose(propose) => operator(&propose.external_id, propose.operation),
            Self::AllocateStock(allocate) => operator(&allocate.external_id, allocate.operation),
            Self::StartRun(start) => operator(&start.external_id, start.operation),
            Self::PayCommission(pay) => operator(&pay.external_id, pay.operation),
            Self::Reserve(Reserve { partner, reseller, external_id, operation, .. })
            | Self::StartTopup(StartTopup { partner, reseller, external_id, operation, .. })
            | Self::StartRefund(StartRefund { partner, reseller, external_id, operation, .. })
            | Self::StartReversal(StartReversal { partner, reseller, external_id, operation, .. })
            | Self::Void(Void { partner, reseller, external_id, operation }) => {
                let key = Key { partner: *partner, reseller: *reseller, external_id: external_id.clone() };
                Some((key, *operation))
            }
            Self::TransferStock(TransferStock { partner, from, external_id, operation, .. }) => {
                let key = Key { partner: *partner, reseller: *from, external_id: external_id.clone() };
                Some((key, *operation))
            }
            _ => None,
        }
    }

    /// Whether it gives stock, credit or money away, or says for good that something never happened: so it must not happen
    /// on books that lack what happened last.
    #[must_use]
    pub fn is_sale(&self) -> bool {
        matches!(
            self,
            Self::Reserve(_)
                | Self::StartTopup(_)
                | Self::StartRefund(_)
                | Self::StartReversal(_)
                | Self::Void(_)
                | Self::AllocateStock(_)
                | Self::StartRun(_)
                | Self::TransferStock(_)
                | Self::SettleTransfer(SettleTransfer { settlement: Settlement::Accept, .. })
                | Self::PayCommission(_)
        )
    }

    /// Whether it may be refused for overload. Moving an open operation on never is.
    #[must_use]
    pub fn is_new_business(&self) -> bool {
        !matches!(
            self,
            Self::Resolve(_)
                | Self::AdvanceTopup(_)
                | Self::CreditTopup(_)
                | Self::SettleRefund(_)
                | Self::BookDispute(_)
                | Self::TendDisputes(_)
                | Self::AdvanceReversal(_)
        )
    }
}
