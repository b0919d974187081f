//! Limits on what a reseller sells (`domain.md` \[17\]): which ones hold, and what counts towards them.
//!
//! The day of a reseller is counted on its stock account. Its month, and single terminals, are counted only where a
//! limit asks for it: summed up from the operations when they are first needed, then kept in the shard's memory, which
//! is good as long as nobody else wrote there. A limit that is set in the middle of a period so counts what was sold
//! before.

use std::collections::{HashMap, HashSet};

use super::books::ShardBooks;
use super::command::{LowerLimits, Refusal, Request, Reserve};
use super::rules::Moment;
use crate::domain::records::{Bounds, LimitSet, LimitStep};
use crate::domain::{
    Account, Content, Operation, Record, RecordKey, RecordKind, Reseller, ResellerId, TerminalId, Timestamp, Usage,
};

/// Whose sales are counted: those of a reseller, in all or at one terminal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TallyKey {
    pub reseller: ResellerId,
    pub terminal: Option<TerminalId>,
}

/// What was sold on the business day and in the month of a moment; a month bears the name of its first day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub day: Usage,
    pub month: Usage,
}

impl Tally {
    /// The tally of the day and month of `at`: what was counted in others is over.
    #[must_use]
    pub fn on(self, at: Timestamp, moment: &Moment<'_>) -> Self {
        let day = moment.day_of(at);
        Self { day: self.day.on(day), month: self.month.on(day.first_of_month()) }
    }

    /// Counts a sale of `at`, or gives it back.
    fn count(&mut self, at: Timestamp, count: i64, amount_minor: i64, moment: &Moment<'_>) {
        let day = moment.day_of(at);
        for (usage, period) in [(&mut self.day, day), (&mut self.month, day.first_of_month())] {
            // A sale of a period that is over is given back to nobody.
            if count > 0 {
                *usage = usage.on(period);
            }
            if usage.day == period {
                usage.count = usage.count.saturating_add(count);
                usage.amount_minor = usage.amount_minor.saturating_add(amount_minor);
            }
        }
    }
}

/// The tallies that a shard keeps.
#[derive(Clone, Debug, Default)]
pub struct Tallies(HashMap<TallyKey, Tally>);

impl Tallies {
    #[must_use]
    pub fn get(&self, key: &TallyKey) -> Option<&Tally> {
        self.0.get(key)
    }

    pub fn admit(&mut self, key: TallyKey, tally: Tally) {
        self.0.insert(key, tally);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts a recharge that was reserved, or gives back one that was released, wherever it is counted.
    pub fn count(&mut self, operation: &Operation, reserved: bool, moment: &Moment<'_>) {
        if self.0.is_empty() {
            return;
        }
        let terminal = operation.recharge().and_then(|recharge| recharge.terminal.clone());
        let (count, amount) = if reserved { (1, operation.amount_minor) } else { (-1, -operation.amount_minor) };
        for terminal in [None].into_iter().chain(terminal.map(Some)) {
            let key = TallyKey { reseller: operation.reseller, terminal };
            if let Some(tally) = self.0.get_mut(&key) {
                tally.count(operation.created_at, count, amount, moment);
            }
        }
    }
}

/// Why limits do not change. The order is the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitRefusal {
    #[error("the change would begin in the past")]
    Past,
    #[error("raising a limit needs a second person")]
    Raise,
    #[error("a reseller has at most 50 changes to come and 1000 terminals with limits")]
    TooMany,
}

/// How many changes to come, and how many terminals, a reseller may have.
const MAX_STEPS: usize = 51;
const MAX_TERMINALS: usize = 1_000;

/// Lowers limits, at once or from a time on: the record in its next version. `Ok(None)` when it stands like that.
///
/// # Errors
/// [`Refusal::UnknownReseller`]; [`LimitRefusal`]: one person may lower, never raise, what would hold at that time.
pub fn lower(books: &ShardBooks, command: &LowerLimits, moment: &Moment<'_>) -> Result<Option<Record>, Refusal> {
    let reseller = books.reseller(command.reseller).ok_or(Refusal::UnknownReseller)?;
    let stock = books.account(reseller.stock_account).ok_or(Refusal::UnknownReseller)?;
    let key = key(reseller.id);
    let now = books.recorded_at(moment.now);
    if command.effective_from.is_some_and(|from| from <= now) {
        return Err(LimitRefusal::Past.into());
    }
    let current = books.record_of(&key);
    let set = current.and_then(|record| record.body::<LimitSet>()).cloned().unwrap_or_else(|| {
        let reseller = Bounds::from(reseller.limits);
        let opened = LimitStep { credit_limit_minor: stock.credit_limit, reseller, ..LimitStep::default() };
        LimitSet { steps: vec![opened] }
    });
    let before = set.at(command.effective_from.unwrap_or(now)).cloned().unwrap_or_default();
    let mut step = before.clone();
    if let Some(from) = command.effective_from {
        step.effective_from_ms = from.unix_ms();
    }
    match &command.terminal {
        Some(terminal) => step.set_terminal(terminal.as_str(), command.bounds),
        None => {
            step.reseller = command.bounds;
            step.credit_limit_minor = command.credit_limit_minor.unwrap_or(before.credit_limit_minor);
        }
    }
    if step.raises(&before) {
        return Err(LimitRefusal::Raise.into());
    }
    let changed = set.with(step, now);
    if changed.steps.len() > MAX_STEPS || changed.steps.iter().any(|step| step.terminals.len() > MAX_TERMINALS) {
        return Err(LimitRefusal::TooMany.into());
    }
    let version = current.map_or(0, |record| record.version());
    Ok((version == 0 || changed != set).then(|| Record::new(key, version + 1, changed.into())))
}

/// The key of a reseller's dated limits.
///
/// # Panics
/// Never: the id is a constant that fits.
#[must_use]
pub fn key(reseller: ResellerId) -> RecordKey {
    let id = LimitSet::ID.parse().expect("it is short printable ASCII");
    RecordKey::of_reseller(RecordKind::LimitSet, reseller, id)
}

/// What a batch must have counted before it decides: the reservations of resellers whose limits, as they are in memory
/// or come to be within the batch, ask for it.
#[must_use]
pub fn tallies_wanted<'a>(
    books: impl Fn(ResellerId) -> Option<&'a ShardBooks>,
    requests: &[&'a Request],
) -> Vec<TallyKey> {
    let coming: HashMap<ResellerId, &LimitSet> = requests
        .iter()
        .filter_map(|request| match request {
            Request::PutRecord(put) => match &put.content {
                Content::LimitSet(set) => Some((put.key.owner(), set)),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let lowered: HashSet<ResellerId> = requests
        .iter()
        .filter_map(|request| if let Request::LowerLimits(lower) = request { Some(lower.reseller) } else { None })
        .collect();
    let mut wanted = Vec::new();
    for request in requests {
        let Request::Reserve(Reserve { reseller, terminal, .. }) = request else { continue };
        let Some(books) = books(*reseller) else { continue };
        let sets = [books.body::<LimitSet>(*reseller, LimitSet::ID), coming.get(reseller).copied()];
        let changing = lowered.contains(reseller);
        if changing {
            let all = [None].into_iter().chain(terminal.clone().map(Some));
            wanted.extend(all.map(|terminal| TallyKey { reseller: *reseller, terminal }));
        }
        for set in sets.into_iter().flatten().filter(|_| !changing) {
            if set.counts_months() {
                wanted.push(TallyKey { reseller: *reseller, terminal: None });
            }
            if let Some(terminal) = terminal.as_ref().filter(|terminal| set.counts_terminal(terminal.as_str())) {
                wanted.push(TallyKey { reseller: *reseller, terminal: Some(terminal.clone()) });
            }
        }
    }
    wanted.retain(|key| books(key.reseller).is_some_and(|books| books.tallies().get(key).is_none()));
    wanted
}

/// The stock account with the credit limit that holds at a time.
#[must_use]
pub fn with_credit(books: &ShardBooks, reseller: &Reseller, stock: &Account, at: Timestamp) -> Account {
    let step = books.body::<LimitSet>(reseller.id, LimitSet::ID).and_then(|set| set.at(at));
    Account { credit_limit: step.map_or(stock.credit_limit, |step| step.credit_limit_minor), ..*stock }
}

/// Whether a reservation would go beyond a limit of its reseller or of its terminal.
#[must_use]
pub fn exceeded(
    books: &ShardBooks,
    reseller: &Reseller,
    stock: &Account,
    command: &Reserve,
    at: Timestamp,
    moment: &Moment<'_>,
) -> bool {
    let step = books.body::<LimitSet>(reseller.id, LimitSet::ID).and_then(|set| set.at(at));
    let tally = |terminal: Option<&TerminalId>| {
        let key = TallyKey { reseller: reseller.id, terminal: terminal.cloned() };
        books.tallies().get(&key).copied().unwrap_or_default().on(at, moment)
    };
    let bounds = step.map_or_else(|| Bounds::from(reseller.limits), |step| step.reseller);
    let month = if bounds.counts_months() { tally(None).month } else { Usage::default() };
    let all = Tally { day: stock.usage.on(moment.day_of(at)), month };
    let terminal = command.terminal.as_ref();
    let of_terminal = terminal.and_then(|terminal| step?.terminal(terminal.as_str()));
    beyond(&bounds, &all, command.amount_minor)
        || of_terminal.is_some_and(|bounds| beyond(bounds, &tally(terminal), command.amount_minor))
}

fn beyond(bounds: &Bounds, tally: &Tally, amount_minor: i64) -> bool {
    let above = |limit: Option<i64>, used: i64, more: i64| {
        limit.is_some_and(|limit| used.checked_add(more).is_none_or(|total| total > limit))
    };
    above(bounds.per_operation_minor, 0, amount_minor)
        || above(bounds.per_day_count, tally.day.count, 1)
        || above(bounds.per_day_minor, tally.day.amount_minor, amount_minor)
        || above(bounds.per_month_count, tally.month.count, 1)
        || above(bounds.per_month_minor, tally.month.amount_minor, amount_minor)
}
