//! What a reseller may sell: per operation, day and month, in count and amount, in all and at single terminals, and how
//! far its stock may go below zero. Dated: a change may begin in the future.

use serde::{Deserialize, Serialize};

use crate::domain::{Limits, ResellerId, TerminalId, Timestamp};

/// Upper bounds, in minor units and in operations; `None` is unlimited. Holds and doubts count (`domain.md` \[17\]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    pub per_operation_minor: Option<i64>,
    pub per_day_count: Option<i64>,
    pub per_day_minor: Option<i64>,
    pub per_month_count: Option<i64>,
    pub per_month_minor: Option<i64>,
}

/// The bounds of one terminal of a reseller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalBounds {
    pub terminal: String,
    pub bounds: Bounds,
}

/// Everything that holds from a time on, until the next step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitStep {
    /// In milliseconds since 1970 UTC; 0 for what holds already.
    pub effective_from_ms: i64,
    pub credit_limit_minor: i64,
    pub reseller: Bounds,
    /// By terminal.
    pub terminals: Vec<TerminalBounds>,
}

/// The record of a reseller; its id is [`LimitSet::ID`]. Without one, the limits of its opening hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSet {
    /// Ascending by time; the first holds already.
    pub steps: Vec<LimitStep>,
}

/// Limits that are to hold, whole, for a reseller or for one of its terminals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitChange {
    pub reseller: ResellerId,
    /// `None` is at once.
    pub effective_from: Option<Timestamp>,
    /// `None` is the reseller in all.
    pub terminal: Option<TerminalId>,
    pub bounds: Bounds,
    /// Not for a terminal; `None` leaves it.
    pub credit_limit_minor: Option<i64>,
}

impl From<Limits> for Bounds {
    fn from(limits: Limits) -> Self {
        Self {
            per_operation_minor: limits.per_operation_minor,
            per_day_count: limits.per_day_count,
            per_day_minor: limits.per_day_minor,
            per_month_count: None,
            per_month_minor: None,
        }
    }
}

impl Bounds {
    #[must_use]
    pub fn counts_months(&self) -> bool {
        self.per_month_count.is_some() || self.per_month_minor.is_some()
    }

    /// Whether anything is higher than in `before`.
    #[must_use]
    pub fn raises(&self, before: &Self) -> bool {
        let higher = |now: Option<i64>, before: Option<i64>| match (now, before) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(now), Some(before)) => now > before,
        };
        higher(self.per_operation_minor, before.per_operation_minor)
            || higher(self.per_day_count, before.per_day_count)
            || higher(self.per_day_minor, before.per_day_minor)
            || higher(self.per_month_count, before.per_month_count)
            || higher(self.per_month_minor, before.per_month_minor)
    }
}

impl LimitStep {
    /// The step with a change made.
    #[must_use]
    pub fn changed(&self, change: &LimitChange) -> Self {
        let mut step = self.clone();
        match &change.terminal {
            Some(terminal) => step.set_terminal(terminal.as_str(), change.bounds),
            None => {
                step.reseller = change.bounds;
                step.credit_limit_minor = change.credit_limit_minor.unwrap_or(self.credit_limit_minor);
            }
        }
        step
    }

    #[must_use]
    pub fn terminal(&self, terminal: &str) -> Option<&Bounds> {
        self.terminals.iter().find(|known| known.terminal == terminal).map(|known| &known.bounds)
    }

    /// Sets the bounds of a terminal; none at all takes them away.
    pub fn set_terminal(&mut self, terminal: &str, bounds: Bounds) {
        self.terminals.retain(|known| known.terminal != terminal);
        if bounds != Bounds::default() {
            self.terminals.push(TerminalBounds { terminal: terminal.into(), bounds });
            self.terminals.sort_unstable_by(|a, b| a.terminal.cmp(&b.terminal));
        }
    }

    /// Whether anything is higher than in `before`, or free that was bounded.
    #[must_use]
    pub fn raises(&self, before: &Self) -> bool {
        self.credit_limit_minor > before.credit_limit_minor
            || self.reseller.raises(&before.reseller)
            || before
                .terminals
                .iter()
                .any(|known| self.terminal(&known.terminal).copied().unwrap_or_default().raises(&known.bounds))
    }
}

impl LimitSet {
    pub const ID: &'static str = "limits";

    /// What holds at a time.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Option<&LimitStep> {
        self.steps.iter().rev().find(|step| step.effective_from_ms <= at.unix_ms())
    }

    /// The set with a step in place of the one of the same time. What is over at `now` is left out.
    #[must_use]
    pub fn with(&self, step: LimitStep, now: Timestamp) -> Self {
        let mut steps: Vec<_> =
            self.steps.iter().filter(|known| known.effective_from_ms != step.effective_from_ms).cloned().collect();
        steps.push(step);
        steps.sort_unstable_by_key(|step| step.effective_from_ms);
        let present = steps.iter().rposition(|step| step.effective_from_ms <= now.unix_ms()).unwrap_or(0);
        Self { steps: steps.split_off(present) }
    }

    /// Whether a month must be counted, now or by a later step.
    #[must_use]
    pub fn counts_months(&self) -> bool {
        self.steps.iter().any(|step| step.reseller.counts_months())
    }

    /// Whether a terminal must be counted, now or by a later step.
    #[must_use]
    pub fn counts_terminal(&self, terminal: &str) -> bool {
        self.steps.iter().any(|step| step.terminal(terminal).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(effective_from_ms: i64, per_day_count: Option<i64>) -> LimitStep {
        let reseller = Bounds { per_day_count, ..Bounds::default() };
        LimitStep { effective_from_ms, reseller, ..LimitStep::default() }
    }

    #[test]
    fn the_latest_step_that_has_begun_holds() {
        let now = Timestamp::from_unix_ms(100);
        let set = LimitSet::default().with(step(0, Some(1)), now).with(step(200, Some(2)), now);
        let holds = |ms| set.at(Timestamp::from_unix_ms(ms)).unwrap().reseller.per_day_count;
        assert_eq!((holds(0), holds(199), holds(200), holds(900)), (Some(1), Some(1), Some(2), Some(2)));
        assert_eq!(set.with(step(200, Some(3)), now).steps.len(), 2, "in place of the one of the same time");
        let later = set.with(step(300, None), Timestamp::from_unix_ms(250));
        let times: Vec<_> = later.steps.iter().map(|step| step.effective_from_ms).collect();
        assert_eq!(times, [200, 300], "what is over is left out");
        assert_eq!(LimitSet::default().at(now), None);
    }

    #[test]
    fn more_or_nothing_at_all_is_a_raise() {
        let bounded = step(0, Some(5));
        for (after, raises) in [(Some(4), false), (Some(5), false), (Some(6), true), (None, true)] {
            assert_eq!(step(0, after).raises(&bounded), raises, "{after:?}");
        }
        assert!(!bounded.raises(&step(0, None)), "a first bound lowers");
        let credit = LimitStep { credit_limit_minor: 1, ..bounded.clone() };
        assert!(credit.raises(&bounded) && !bounded.raises(&credit));
        let mut till = bounded.clone();
        till.set_terminal("T", Bounds { per_month_minor: Some(10), ..Bounds::default() });
        assert!(bounded.raises(&till) && !till.raises(&bounded));
        till.set_terminal("T", Bounds::default());
        assert_eq!(till, bounded);
    }
}
