//! Scripts of commands over a few resellers, keys and numbers, and a naive model that plays them in memory.
//!
//! The model shares nothing with the ledger but the words: it keeps totals and recomputes everything else.

use std::collections::HashMap;

use proptest::prelude::*;
use taabia::domain::{Decline, Limits, ResellerId, Shard, Standing, Status};
use taabia::ledger::{Evidence, Refusal, Rules};

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

pub fn rules() -> Rules {
    Rules {
        airtime_minor: 500..=50_000,
        similar_guard_ms: 120_000,
        charging_deadline_ms: 4_000,
        levels: ["distributor", "wholesaler", "outlet"].map(|name| name.parse().unwrap()).into(),
        calendar: taabia::domain::Calendar::new(jiff::tz::TimeZone::UTC, taabia::domain::CutOff::default()),
    }
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![Just(500), Just(1_000), Just(20_000), Just(50_000), 1..60_000_i64]
}

fn limit() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![3 => Just(None), 1 => (0..60_000_i64).prop_map(Some)]
}

fn act() -> impl Strategy<Value = Act> {
    let reseller = || 0..RESELLERS;
    let limits = (limit(), prop_oneof![3 => Just(None), 1 => (0..4_i64).prop_map(Some)], limit()).prop_map(
        |(per_operation_minor, per_day_count, per_day_minor)| Limits {
            per_operation_minor,
            per_day_count,
            per_day_minor,
        },
    );
    let evidence = prop_oneof![
        3 => Just(Evidence::Applied),
        2 => Just(Evidence::NotApplied(Decline::ChargingDeclined)),
        1 => Just(Evidence::NotApplied(Decline::SubscriberUnknown)),
        1 => Just(Evidence::NoAnswer),
    ];
    prop_oneof![
        1 => reseller().prop_map(|reseller| Act::Open { reseller }),
        1 => (0..3_u8, amount()).prop_map(|(key, amount)| Act::Issue { key, amount: amount * 10 }),
        3 => (0..12_u8, reseller(), amount()).prop_map(|(key, reseller, amount)| Act::Allocate {
            key, reseller, amount: amount * 3
        }),
        12 => (reseller(), 0..20_u8, 0..4_u8, amount(), prop::bool::weighted(0.3)).prop_map(
            |(reseller, key, number, amount, repeat)| Act::Reserve { reseller, key, number, amount, repeat }
        ),
        1 => (reseller(), 0..20_u8).prop_map(|(reseller, key)| Act::Void { reseller, key }),
        1 => (reseller(), 0..3_usize).prop_map(|(reseller, index)| Act::Standing {
            reseller, standing: if index == 0 { Standing::Suspended } else { Standing::Active }
        }),
        1 => (reseller(), limits, prop_oneof![2 => Just(0), 1 => 0..30_000_i64]).prop_map(
            |(reseller, limits, credit)| Act::Limits { reseller, limits, credit }
        ),
        8 => (0..30_usize, evidence).prop_map(|(pick, evidence)| Act::Resolve { pick, evidence }),
        2 => (prop::option::of(reseller()), 0..3_u32, prop::option::of(0..4_i64)).prop_map(
            |(reseller, content, expected)| Act::Put { reseller, content, expected }
        ),
        2 => prop_oneof![Just(1_000), Just(119_999), Just(120_000), Just(86_400_000)].prop_map(|ms| Act::Wait { ms }),
    ]
}

/// Scripts that begin with a stocked network, in chunks that are sent at once.
pub fn scripts(max_chunks: usize) -> impl Strategy<Value = Vec<Vec<Act>>> {
    let business = prop::collection::vec(act(), 1..8).prop_map(|acts| {
        let wait = acts.iter().any(|act| matches!(act, Act::Wait { .. } | Act::Resolve { .. }));
        if wait { acts.into_iter().map(|act| vec![act]).collect() } else { vec![acts] }
    });
    prop::collection::vec(business, 1..max_chunks).prop_map(|chunks| {
        let opening = (0..RESELLERS - 1).map(|reseller| Act::Open { reseller }).collect();
        let stocking = std::iter::once(Act::Issue { key: 200, amount: 10_000_000 })
            .chain((0..RESELLERS - 1).map(|reseller| Act::Allocate {
                key: 210 + u8::try_from(reseller).unwrap(),
                reseller,
                amount: 100_000,
            }))
            .collect();
        [vec![opening, stocking], chunks.into_iter().flatten().collect()].concat()
    })
}

#[derive(Clone, Debug, Default)]
struct Outlet {
    stock: i64,
    suspended: bool,
    limits: Limits,
    credit: i64,
}

#[derive(Clone, Debug)]
struct Op {
    reseller: usize,
    content: Option<(u8, i64, bool)>,
    amount: i64,
    status: Status,
    decline: Option<Decline>,
    balance_after: Option<i64>,
    at_ms: i64,
}

/// The naive model.
#[derive(Default)]
pub struct Model {
    outlets: HashMap<usize, Outlet>,
    operator_stock: i64,
    keys: HashMap<(usize, u8), usize>,
    operator_keys: HashMap<u8, (Option<usize>, i64, Op)>,
    ops: Vec<Op>,
    /// By owner: version and content.
    records: HashMap<Option<usize>, (i64, u32)>,
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
            None => self.operator_stock += amount,
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

    fn op(
        &self,
        reseller: usize,
        content: Option<(u8, i64, bool)>,
        amount: i64,
        status: Status,
        decline: Option<Decline>,
    ) -> Op {
        Op { reseller, content, amount, status, decline, balance_after: None, at_ms: self.now_ms }
    }

    fn held(&self, reseller: usize) -> i64 {
        self.ops.iter().filter(|op| op.reseller == reseller && op.status.is_open()).map(|op| op.amount).sum()
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
        let decline = self.refusal(reseller, content);
        let status = if decline.is_some() { Status::Declined } else { Status::Submitted };
        let mut op = self.op(reseller, Some(content), content.1, status, decline);
        if decline.is_none() {
            op.balance_after = Some(self.outlets[&reseller].stock - self.held(reseller) - content.1);
        }
        let seen = Seen::Decided(op.status, op.decline, op.balance_after);
        self.keys.insert((reseller, key), self.ops.len());
        self.ops.push(op);
        seen
    }

    fn refusal(&self, reseller: usize, (number, amount, repeat): (u8, i64, bool)) -> Option<Decline> {
        let outlet = &self.outlets[&reseller];
        let counted = |op: &&Op| op.reseller == reseller && op.content.is_some() && op.status != Status::Declined;
        let similar = self.ops.iter().filter(counted).any(|op| {
            op.content.is_some_and(|(n, a, _)| (n, a) == (number, amount)) && self.now_ms - op.at_ms < 120_000
        });
        let today: Vec<&Op> =
            self.ops.iter().filter(counted).filter(|op| op.at_ms / 86_400_000 == self.now_ms / 86_400_000).collect();
        let sum: i64 = today.iter().map(|op| op.amount).sum();
        let count = i64::try_from(today.len()).unwrap();
        let above = |limit: Option<i64>, value: i64| limit.is_some_and(|limit| value > limit);
        if outlet.suspended {
            Some(Decline::ResellerSuspended)
        } else if !(500..=50_000).contains(&amount) {
            Some(Decline::AmountOutOfRange)
        } else if similar && !repeat {
            Some(Decline::SimilarRecharge)
        } else if above(outlet.limits.per_operation_minor, amount)
            || above(outlet.limits.per_day_count, count + 1)
            || above(outlet.limits.per_day_minor, sum + amount)
        {
            Some(Decline::LimitExceeded)
        } else if outlet.stock - self.held(reseller) - amount < -outlet.credit {
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
            (Status::Completed, Evidence::Applied)
            | (Status::Declined, Evidence::NotApplied(_))
            | (Status::Completed | Status::Declined | Status::InDoubt, Evidence::NoAnswer) => return unchanged,
            (from @ (Status::Completed | Status::Declined), _) => {
                return Seen::Refused(Refusal::IllegalTransition { from });
            }
            (_, Evidence::Applied) => {
                op.status = Status::Completed;
                self.outlets.get_mut(&op.reseller).unwrap().stock -= op.amount;
            }
            (_, Evidence::NotApplied(decline)) => (op.status, op.decline) = (Status::Declined, Some(decline)),
            (_, Evidence::NoAnswer) => op.status = Status::InDoubt,
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
