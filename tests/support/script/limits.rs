//! Limits of a script, and how the naive model counts them: by adding up all that was ever sold.

use taabia::domain::Decline;
use taabia::domain::records::Bounds;
use taabia::ledger::Refusal;
use taabia::ledger::limits::LimitRefusal;

use super::{Model, Op, Seen, Status, unknown};

/// Limits that took the place of those that a reseller was opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    version: i64,
    reseller: Bounds,
    /// Of the one terminal that scripts have.
    terminal: Bounds,
    pub credit: i64,
}

/// The values of bounds, in any order that is always the same.
fn values(bounds: &Bounds) -> [Option<i64>; 5] {
    let Bounds { per_operation_minor, per_day_count, per_day_minor, per_month_count, per_month_minor } = *bounds;
    [per_operation_minor, per_day_count, per_day_minor, per_month_count, per_month_minor]
}

/// Scripts begin on the 23rd of November 2026.
fn month_of(ms: i64) -> usize {
    [8, 39, 70, 98].iter().filter(|first| ms / 86_400_000 >= **first).count()
}

impl Model {
    fn standing(&self, reseller: usize) -> Dated {
        let outlet = &self.outlets[&reseller];
        let opening =
            || Dated { version: 0, reseller: outlet.limits.into(), terminal: Bounds::default(), credit: outlet.credit };
        outlet.dated.clone().unwrap_or_else(opening)
    }

    /// How far the stock may go below zero.
    pub fn credit(&self, reseller: usize) -> i64 {
        self.standing(reseller).credit
    }

    /// One person changes limits: of the reseller with its credit, or of its terminal.
    pub fn lower(&mut self, reseller: usize, terminal: bool, bounds: Bounds, credit: i64) -> Seen {
        if !self.outlets.contains_key(&reseller) {
            return unknown();
        }
        let before = self.standing(reseller);
        let mut after = before.clone();
        if terminal {
            after.terminal = bounds;
        } else {
            (after.reseller, after.credit) = (bounds, credit);
        }
        let pairs = |now: &Bounds, then: &Bounds| values(now).into_iter().zip(values(then)).collect::<Vec<_>>();
        let all = [pairs(&after.reseller, &before.reseller), pairs(&after.terminal, &before.terminal)].concat();
        let unlimited = |limit: Option<i64>| limit.unwrap_or(i64::MAX);
        if after.credit > before.credit || all.iter().any(|(now, then)| unlimited(*now) > unlimited(*then)) {
            return Seen::Refused(Refusal::Limits(LimitRefusal::Raise));
        }
        if before.version == 0 || after != before {
            after.version += 1;
        }
        let version = after.version;
        self.outlets.get_mut(&reseller).unwrap().dated = Some(after);
        Seen::Put(version)
    }

    /// Whether one more recharge would go beyond a limit.
    pub fn beyond(&self, reseller: usize, at_terminal: bool, amount: i64) -> Option<Decline> {
        let sold = |op: &&Op| op.reseller == reseller && op.content.is_some() && op.status != Status::Declined;
        let Dated { reseller: all, terminal, .. } = self.standing(reseller);
        let exceeded = |bounds: &Bounds, sales: &[&Op]| {
            let within = |same: &dyn Fn(i64) -> bool| {
                let ops: Vec<_> = sales.iter().filter(|op| same(op.at_ms)).collect();
                let sum: i64 = ops.iter().map(|op| op.amount).sum();
                (i64::try_from(ops.len()).unwrap() + 1, sum + amount)
            };
            let (day_count, day_minor) = within(&|at| at / 86_400_000 == self.now_ms / 86_400_000);
            let (month_count, month_minor) = within(&|at| month_of(at) == month_of(self.now_ms));
            let reached = [amount, day_count, day_minor, month_count, month_minor];
            values(bounds).into_iter().zip(reached).any(|(limit, value)| limit.is_some_and(|limit| value > limit))
        };
        let sales: Vec<&Op> = self.ops.iter().filter(sold).collect();
        let there: Vec<&Op> = sales.iter().copied().filter(|op| op.at_terminal).collect();
        let too_much = exceeded(&all, &sales) || (at_terminal && exceeded(&terminal, &there));
        too_much.then_some(Decline::LimitExceeded)
    }
}
