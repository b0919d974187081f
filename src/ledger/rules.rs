//! What decisions take as given besides the books: the operator's rules and the moment.

use std::ops::RangeInclusive;

use super::evidence::EvidenceRules;
use crate::domain::catalogue::Rate;
use crate::domain::{BusinessDay, Calendar, Edge, LevelName, Timestamp};

/// The operator's rules. Configuration; every node of an installation has the same.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Amounts that the product `airtime` sells.
    pub airtime_minor: RangeInclusive<i64>,
    /// How long a similar recharge is declined (`domain.md` \[18\]); zero switches the guard off.
    pub similar_guard_ms: i64,
    /// How long after the reservation an adapter may still send.
    pub charging_deadline_ms: i64,
    /// What ends a doubt, by charging system.
    pub evidence: EvidenceRules,
    /// How long a second person may take to decide.
    pub approval_expiry_ms: i64,
    /// What may be issued on one business day, proposals included; `None` is unlimited.
    pub issue_per_day_minor: Option<i64>,
    /// Share of VAT on the net price of stock, in hundredths of a percent; prices contain it.
    pub vat_basis_points: i64,
    /// Face value that one top-up may buy.
    pub topup_minor: RangeInclusive<i64>,
    /// What a top-up costs on top of the price, as a share of it.
    pub topup_fee: Rate,
    /// How long a quote stands: a payment that nobody made by then is given up.
    pub topup_quote_ms: i64,
    /// Whether a reseller is suspended when a payment of its top-ups is disputed (`domain.md` \[12\]).
    pub suspend_on_chargeback: bool,
    /// Along which stock may move; the first that leads where it is asked for counts.
    pub edges: Vec<Edge>,
    /// How long a receiver may take to accept a transfer.
    pub accept_within_ms: i64,
    /// What business days follow.
    pub calendar: Calendar,
    /// Levels of the network, from the top. A reseller never stands below one of a lower level.
    pub levels: Vec<LevelName>,
}

impl Rules {
    /// 0 for the highest level; `None` for one that the network does not have.
    #[must_use]
    pub fn level_rank(&self, level: LevelName) -> Option<usize> {
        self.levels.iter().position(|known| *known == level)
    }
}

/// When a decision is taken.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    pub now: Timestamp,
    pub rules: &'a Rules,
}

impl Moment<'_> {
    #[must_use]
    pub fn day_of(&self, at: Timestamp) -> BusinessDay {
        self.rules.calendar.day_of(at)
    }
}
