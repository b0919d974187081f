//! Scripts of commands over a few resellers, keys and numbers, and a naive model that plays them in memory.
//!
//! The model shares nothing with the ledger but the words: it keeps totals and recomputes everything else.

mod limits;
mod random;
mod transfers;

use std::collections::HashMap;

use taabia::domain::SystemName;
use taabia::domain::records::Bounds;
use taabia::domain::{Decline, Limits, ResellerId, Shard, Standing, Status, TransferKind};
use taabia::ledger::command::Settlement;
use taabia::ledger::{Evidence, Refusal, Rules};

pub use random::scripts;

pub const RESELLERS: usize = 4;

/// One command of a script, in small numbers that collide often.
#[derive(Clone, Debug)]
pub enum Act {
    Open {
        reseller: usize,
    },
    Issue {
        key: u8,
        amount: i64,
    },
    /// A person decides what was proposed under the key; person 0 is who proposed it.
    Rule {
        key: u8,
        person: u8,
        approve: bool,
    },
    Expire {
        key: u8,
    },
    Allocate {
        key: u8,
        reseller: usize,
        amount: i64,
    },
    Reserve {
        reseller: usize,
        key: u8,
        number: u8,
        amount: i64,
        repeat: bool,
    },
    Void {
        reseller: usize,
        key: u8,
    },
    Standing {
        reseller: usize,
        standing: Standing,
    },
    Limits {
        reseller: usize,
        limits: Limits,
        credit: i64,
    },
    /// One person changes limits, of the terminal or of the reseller with its credit.
    Lower {
        reseller: usize,
        terminal: bool,
        bounds: Bounds,
        credit: i64,
    },
    /// About the operation that was made as the `pick`-th one, if there are so many.
    Resolve {
        pick: usize,
        evidence: Evidence,
    },
    /// A record of a reseller, or of the installation with a copy in every shard.
    Put {
        reseller: Option<usize>,
        content: u32,
        expected: Option<i64>,
    },
    /// To the operator without `to`.
    Transfer {
        key: u8,
        kind: TransferKind,
        from: usize,
        to: Option<usize>,
        amount: i64,
        acceptance: bool,
    },
    /// About the transfer that was made as the `pick`-th one, if there are so many.
    Settle {
        pick: usize,
        settlement: Settlement,
    },
    Wait {
        ms: i64,
    },
}

/// What became of an act, as far as model and engine must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Decided(Status, Option<Decline>, Option<i64>),
    Replayed(Status, Option<Decline>, Option<i64>),
    Unchanged(Status, Option<Decline>, Option<i64>),
    Recorded,
    Put(i64),
    Refused(Refusal),
    Skipped,
}

/// What may be issued on one day of a script: the opening and a little more.
pub const ISSUE_PER_DAY: i64 = 10_500_000;

pub fn rules() -> Rules {
    Rules {
        airtime_minor: 500..=50_000,
        similar_guard_ms: 120_000,
        evidence: taabia::ledger::evidence::EvidenceRules::default(),
        charging_deadline_ms: 4_000,
        approval_expiry_ms: 86_400_000,
        issue_per_day_minor: None,
        vat_basis_points: 2_000,
        topup_minor: 1..=i64::MAX / 4,
        topup_fee: taabia::domain::catalogue::Rate::ZERO,
        topup_quote_ms: 900_000,
        suspend_on_chargeback: true,
        edges: ["transfer:down", "return:up", "return:operator", "transfer:sibling:acceptance"]
            .map(|text| text.parse().unwrap())
            .into(),
        accept_within_ms: 3_600_000,
        levels: ["distributor", "wholesaler", "outlet"].map(|name| name.parse().unwrap()).into(),
        calendar: taabia::domain::Calendar::new(jiff::tz::TimeZone::UTC, taabia::domain::CutOff::default()),
    }
}

/// Whom the `index`-th reseller of every script stands below: 0 above 1 and 2, and 3 below 1.
pub fn parent_of(index: usize) -> Option<usize> {
    [None, Some(0), Some(0), Some(1)][index]
}

#[derive(Clone, Debug, Default)]
struct Outlet {
    stock: i64,
    suspended: bool,
    limits: Limits,
    credit: i64,
    /// In place of both.
    dated: Option<limits::Dated>,
}

#[derive(Clone, Debug)]
struct Op {
    reseller: usize,
    content: Option<(u8, i64, bool)>,
    amount: i64,
    /// At the one terminal that scripts have, which goes with the key.
    at_terminal: bool,
    status: Status,
    decline: Option<Decline>,
    balance_after: Option<i64>,
    at_ms: i64,
    /// Charging systems.
    asked: Vec<SystemName>,
    /// What was received and moved nothing.
    told: Vec<Evidence>,
}

/// The naive model.
#[derive(Default)]
pub struct Model {
    outlets: HashMap<usize, Outlet>,
    operator_stock: i64,
    keys: HashMap<(usize, u8), usize>,
    operator_keys: HashMap<u8, (Option<usize>, i64, Op)>,
    /// Who decided what, by key.
    rulings: HashMap<u8, (u8, bool)>,
    ops: Vec<Op>,
    /// By owner: version and content.
    records: HashMap<Option<usize>, (i64, u32)>,
    pub transfers: transfers::Transfers,
    now_ms: i64,
}

impl Model {
    pub fn play(&mut self, act: &Act) -> Seen {
        match act {
            Act::Open { reseller } if self.outlets.contains_key(reseller) => Seen::Refused(Refusal::ResellerExists),
            Act::Open { reseller } => {
                self.outlets.insert(*reseller, Outlet::default());
                Seen::Recorded
            }
            Act::Issue { key, amount } => self.operator(*key, None, *amount),
            Act::Rule { key, person, approve } => self.rule(*key, *person, *approve),
            Act::Expire { key } => self.expire(*key),
            Act::Allocate { reseller, .. } if !self.outlets.contains_key(reseller) => unknown(),
            Act::Allocate { key, reseller, amount } => self.operator(*key, Some(*reseller), *amount),
            Act::Reserve { reseller, .. } | Act::Void { reseller, .. } if !self.outlets.contains_key(reseller) => {
                unknown()
            }
            Act::Reserve { reseller, key, number, amount, repeat } => {
                self.reserve(*reseller, *key, (*number, *amount, *repeat))
            }
            Act::Void { reseller, key } => self.void(*reseller, *key),
            Act::Standing { reseller, standing } => self.outlets.get_mut(reseller).map_or(unknown(), |outlet| {
                outlet.suspended = *standing != Standing::Active;
                Seen::Recorded
            }),
            Act::Limits { reseller, limits, credit } => self.outlets.get_mut(reseller).map_or(unknown(), |outlet| {
                (outlet.limits, outlet.credit) = (*limits, *credit);
                Seen::Recorded
            }),
            Act::Lower { reseller, terminal, bounds, credit } => self.lower(*reseller, *terminal, *bounds, *credit),
            Act::Resolve { pick, evidence } => self.resolve(*pick, *evidence),
            Act::Put { reseller: Some(reseller), .. } if !self.outlets.contains_key(reseller) => unknown(),
            Act::Put { reseller, content, expected } => {
                let (version, known) = self.records.get(reseller).copied().unwrap_or((0, u32::MAX));
                if expected.is_some_and(|expected| expected != version) {
                    return Seen::Refused(Refusal::StaleVersion { current: version });
                }
                let version = if known == *content { version } else { version + 1 };
                self.records.insert(*reseller, (version, *content));
                Seen::Put(version)
            }
            Act::Transfer { from, to, .. }
                if [Some(from), to.as_ref()].into_iter().flatten().any(|end| !self.outlets.contains_key(end)) =>
            {
                unknown()
            }
            Act::Transfer { key, kind, from, to, amount, acceptance } => self.transfer(
                *key,
                transfers::Content { kind: *kind, from: *from, to: *to, amount: *amount, acceptance: *acceptance },
            ),
            Act::Settle { pick, settlement } => self.settle(*pick, *settlement),
            Act::Wait { ms } => {
                self.now_ms += ms;
                Seen::Skipped
            }
        }
    }

    fn operator(&mut self, key: u8, to: Option<usize>, amount: i64) -> Seen {
        if let Some((was_to, was_amount, op)) = self.operator_keys.get(&key) {
            let kind_differs = was_to.is_some() != to.is_some();
            let field = match (kind_differs, *was_to == to, *was_amount == amount) {
                (true, ..) => Some("external_id"),
                (false, false, _) => Some("reseller_id"),
                (false, true, false) => Some("amount"),
                (false, true, true) => None,
            };
            return field.map_or(Seen::Replayed(op.status, op.decline, op.balance_after), reused);
        }
        let mut op = self.op(0, None, amount, Status::Completed, None);
        match to {
            None if self.issued_today() + amount > ISSUE_PER_DAY => op.decline = Some(Decline::LimitExceeded),
            None => op.status = Status::PendingApproval,
            Some(to) if self.outlets[&to].suspended => op.decline = Some(Decline::ResellerSuspended),
            Some(_) if self.operator_stock < amount => op.decline = Some(Decline::InsufficientStock),
            Some(to) => {
                self.operator_stock -= amount;
                self.outlets.get_mut(&to).unwrap().stock += amount;
                op.balance_after = Some(self.operator_stock);
            }
        }
        if op.decline.is_some() {
            op.status = Status::Declined;
        }
        let seen = Seen::Decided(op.status, op.decline, op.balance_after);
        self.operator_keys.insert(key, (to, amount, op));
        seen
    }

    /// What was proposed today and did not come to nothing.
    fn issued_today(&self) -> i64 {
        let today = |op: &Op| op.at_ms / 86_400_000 == self.now_ms / 86_400_000;
        let counts = |op: &Op| matches!(op.status, Status::PendingApproval | Status::Approved);
        let issues = self.operator_keys.values().filter(|(to, ..)| to.is_none());
        issues.filter(|(.., op)| today(op) && counts(op)).map(|(_, amount, _)| amount).sum()
    }

    fn rule(&mut self, key: u8, person: u8, approve: bool) -> Seen {
        let Some((None, amount, op)) = self.operator_keys.get_mut(&key) else { return Seen::Skipped };
        if person == 0 {
            return Seen::Refused(Refusal::SamePerson);
        }
        if let Some(before) = self.rulings.get(&key) {
            let same = *before == (person, approve);
            let replay = Seen::Replayed(op.status, op.decline, op.balance_after);
            return if same { replay } else { Seen::Refused(Refusal::DecidedAlready { status: op.status }) };
        }
        match op.status {
            Status::PendingApproval if self.now_ms - op.at_ms < 86_400_000 => {}
            Status::PendingApproval | Status::Expired => return Seen::Refused(Refusal::ApprovalExpired),
            status => return Seen::Refused(Refusal::DecidedAlready { status }),
        }
        self.rulings.insert(key, (person, approve));
        op.status = if approve { Status::Approved } else { Status::Refused };
        if approve {
            self.operator_stock += *amount;
        }
        Seen::Decided(op.status, op.decline, op.balance_after)
    }

    fn expire(&mut self, key: u8) -> Seen {
        let Some((None, _, op)) = self.operator_keys.get_mut(&key) else { return Seen::Skipped };
        if op.status != Status::PendingApproval || self.now_ms - op.at_ms < 86_400_000 {
            return Seen::Unchanged(op.status, op.decline, op.balance_after);
        }
        op.status = Status::Expired;
        Seen::Decided(op.status, None, None)
    }

    fn op(
        &self,
        reseller: usize,
        content: Option<(u8, i64, bool)>,
        amount: i64,
        status: Status,
        decline: Option<Decline>,
    ) -> Op {
        let (at_ms, asked) = (self.now_ms, vec![SystemName::MAIN]);
        Op {
            reseller,
            content,
            amount,
            at_terminal: false,
            status,
            decline,
            balance_after: None,
            at_ms,
            asked,
            told: Vec::new(),
        }
    }

    fn held(&self, reseller: usize) -> i64 {
        let sold = self.ops.iter().filter(|op| op.reseller == reseller && op.status.is_open()).map(|op| op.amount);
        sold.sum::<i64>() + self.transfers.held(reseller)
    }

    fn reserve(&mut self, reseller: usize, key: u8, content: (u8, i64, bool)) -> Seen {
        if let Some(index) = self.keys.get(&(reseller, key)) {
            let op = &mut self.ops[*index];
            let Some(was) = op.content else {
                (op.content, op.amount) = (Some(content), content.1);
                return Seen::Decided(op.status, op.decline, op.balance_after);
            };
            let field = match (was.0 == content.0, was.1 == content.1, was.2 == content.2) {
                (false, ..) => Some("msisdn"),
                (_, false, _) => Some("amount"),
                (_, _, false) => Some("allow_repeat"),
                _ => None,
            };
            return field.map_or(Seen::Replayed(op.status, op.decline, op.balance_after), reused);
        }
        let at_terminal = terminal_of(key);
        let decline = self.refusal(reseller, at_terminal, content);
        let status = if decline.is_some() { Status::Declined } else { Status::Submitted };
        let op = self.op(reseller, Some(content), content.1, status, decline);
        let mut op = Op { at_terminal, ..op };
        if decline.is_none() {
            op.balance_after = Some(self.outlets[&reseller].stock - self.held(reseller) - content.1);
        }
        let seen = Seen::Decided(op.status, op.decline, op.balance_after);
        self.keys.insert((reseller, key), self.ops.len());
        self.ops.push(op);
        seen
    }

    fn refusal(
        &self,
        reseller: usize,
        at_terminal: bool,
        (number, amount, repeat): (u8, i64, bool),
    ) -> Option<Decline> {
        let outlet = &self.outlets[&reseller];
        let counted = |op: &&Op| op.reseller == reseller && op.content.is_some() && op.status != Status::Declined;
        let similar = self.ops.iter().filter(counted).any(|op| {
            op.content.is_some_and(|(n, a, _)| (n, a) == (number, amount)) && self.now_ms - op.at_ms < 120_000
        });
        if outlet.suspended {
            Some(Decline::ResellerSuspended)
        } else if !(500..=50_000).contains(&amount) {
            Some(Decline::AmountOutOfRange)
        } else if similar && !repeat {
            Some(Decline::SimilarRecharge)
        } else if let Some(beyond) = self.beyond(reseller, at_terminal, amount) {
            Some(beyond)
        } else if outlet.stock - self.held(reseller) - amount < -self.credit(reseller) {
            Some(Decline::InsufficientStock)
        } else {
            None
        }
    }

    fn void(&mut self, reseller: usize, key: u8) -> Seen {
        if let Some(index) = self.keys.get(&(reseller, key)) {
            let op = &self.ops[*index];
            return Seen::Replayed(op.status, op.decline, op.balance_after);
        }
        self.keys.insert((reseller, key), self.ops.len());
        self.ops.push(self.op(reseller, None, 0, Status::Declined, Some(Decline::Voided)));
        Seen::Decided(Status::Declined, Some(Decline::Voided), None)
    }

    fn resolve(&mut self, pick: usize, evidence: Evidence) -> Seen {
        let Some(op) = self.ops.get_mut(pick) else { return Seen::Skipped };
        let unchanged = Seen::Unchanged(op.status, op.decline, op.balance_after);
        match (op.status, evidence) {
            (Status::Submitted, Evidence::NotOurs { next }) if !op.asked.contains(&next) => op.asked.push(next),
            (from, Evidence::NotOurs { .. }) => return Seen::Refused(Refusal::IllegalTransition { from }),
            (Status::Completed, Evidence::Applied)
            | (Status::Declined, Evidence::NotApplied(_))
            | (Status::Completed | Status::Declined | Status::InDoubt, Evidence::NoAnswer)
            | (Status::Submitted | Status::Completed | Status::Declined, Evidence::NotKnown | Evidence::Nothing) => {
                return unchanged;
            }
            // Nobody was ever asked.
            (from @ Status::Declined, _) if op.balance_after.is_none() => {
                return Seen::Refused(Refusal::IllegalTransition { from });
            }
            // Recorded beside what stands, once each.
            (Status::Completed | Status::Declined, _) | (Status::InDoubt, Evidence::NotKnown | Evidence::Nothing) => {
                if op.told.contains(&evidence) {
                    return unchanged;
                }
                op.told.push(evidence);
            }
            (_, Evidence::Applied) => {
                op.status = Status::Completed;
                self.outlets.get_mut(&op.reseller).unwrap().stock -= op.amount;
            }
            (_, Evidence::NotApplied(decline)) => (op.status, op.decline) = (Status::Declined, Some(decline)),
            (_, Evidence::NoAnswer) => op.status = Status::InDoubt,
            (_, Evidence::NotKnown | Evidence::Nothing) => return unchanged,
        }
        Seen::Decided(op.status, op.decline, op.balance_after)
    }

    /// Posted and held stock by reseller.
    pub fn balances(&self) -> HashMap<usize, (i64, i64)> {
        self.outlets.iter().map(|(reseller, outlet)| (*reseller, (outlet.stock, self.held(*reseller)))).collect()
    }

    pub fn operations(&self) -> usize {
        self.ops.len()
    }
}

/// Every other key belongs to the terminal.
pub fn terminal_of(key: u8) -> bool {
    key.is_multiple_of(2)
}

fn unknown() -> Seen {
    Seen::Refused(Refusal::UnknownReseller)
}

fn reused(field: &'static str) -> Seen {
    Seen::Refused(Refusal::KeyReused { field })
}

/// The `index`-th reseller of every script; the shards they fall into differ.
pub fn reseller_id(index: usize) -> ResellerId {
    ResellerId::from_uuid(uuid::Uuid::from_u128(0x0193_9f3e_7c00_7000_8000_0000_0000_0000 + index as u128))
}

pub fn shard_of(index: usize, shards: u16) -> Shard {
    Shard::of(reseller_id(index).uuid(), shards)
}
