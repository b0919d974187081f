//! The daily counters of resellers, which limits read: recounted from the journal's reservations and releases.

use std::collections::HashMap;

use super::Slice;
use super::finding::Finding;
use super::fold::Fold;
use crate::domain::{AccountClass, Calendar, EntryKind, Operation, ResellerId, Usage};

/// What each reseller sold on the last business day on which it sold anything.
pub(super) struct Sales<'a> {
    calendar: &'a Calendar,
    by_reseller: HashMap<ResellerId, Usage>,
}

impl<'a> Sales<'a> {
    pub fn new(calendar: &'a Calendar) -> Self {
        Self { calendar, by_reseller: HashMap::new() }
    }

    /// What a recharge counts does not change with its state, so its row serves whenever it was written.
    pub fn entry(&mut self, kind: EntryKind, recharge: &Operation) {
        let day = self.calendar.day_of(recharge.created_at);
        let usage = self.by_reseller.entry(recharge.reseller).or_default();
        match kind {
            EntryKind::RechargeReserved => {
                *usage = usage.on(day);
                usage.count += 1;
                usage.amount_minor = usage.amount_minor.saturating_add(recharge.amount_minor);
            }
            EntryKind::RechargeReleased | EntryKind::RechargeReversed if usage.day == day => {
                usage.count -= 1;
                usage.amount_minor = usage.amount_minor.saturating_sub(recharge.amount_minor);
            }
            _ => {}
        }
    }

    fn of(&self, reseller: ResellerId) -> Usage {
        self.by_reseller.get(&reseller).copied().unwrap_or_default()
    }
}

/// The counters on the stock accounts are what the journal gives.
pub(super) fn check(fold: &Fold<'_>, slice: &Slice) -> Result<(), Finding> {
    let stocks = slice.accounts.iter().filter(|account| account.class == AccountClass::ResellerStock);
    for (account, owner) in stocks.filter_map(|account| account.owner.map(|owner| (account, owner))) {
        let (has, sold) = (account.usage, fold.sales.of(owner));
        if has != sold {
            let text = format!(
                "it counts {} recharges of {} on day {}, the journal gives {} of {} on day {} by the configured calendar",
                has.count, has.amount_minor, has.day.0, sold.count, sold.amount_minor, sold.day.0
            );
            return fold.wrong(format!("account {} (reseller_stock)", account.number.0), text);
        }
    }
    Ok(())
}
