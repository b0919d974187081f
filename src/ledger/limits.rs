//! Limits on what a reseller sells (`domain.md` \[17\]): which ones hold, and what counts towards them.
//!
//! The day of a reseller is counted on its stock account. Its month, and single terminals, are counted only where a
//! limit asks for it: summed up from the operations when they are first needed, then kept in the shard's memory, which
//! is good as long as nobody else wrote there. A limit that is set in the middle of a period so counts what was sold
//! before.

use std::collections::{HashMap, HashSet};

use super::books::ShardBooks;
use super::command::{Refusal, Request, Reserve};
use super::rules::Moment;
use crate::domain::records::{Bounds, LimitChange, LimitSet, LimitStep};
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
    #[error("nothing would be raised: lowering needs no second person")]
    NoRaise,
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
pub fn lower(books: &ShardBooks, change: &LimitChange, moment: &Moment<'_>) -> Result<Option<Record>, Refusal> {
    let (version, set) = standing(books, change.reseller)?;
    let now = books.recorded_at(moment.now);
    if change.effective_from.is_some_and(|from| from <= now) {
        return Err(LimitRefusal::Past.into());
    }
    let (changed, raises) = with(&set, change, now)?;
    if raises {
        return Err(LimitRefusal::Raise.into());
    }
    Ok((version == 0 || changed != set).then(|| Record::new(key(change.reseller), version + 1, changed.into())))
}

/// Raises limits: the record in its next version. What was to begin at a time that has passed begins at once.
///
/// # Errors
/// [`Refusal::UnknownReseller`]; [`LimitRefusal`].
pub fn raise(books: &ShardBooks, change: &LimitChange, moment: &Moment<'_>) -> Result<Record, Refusal> {
    let (version, set) = standing(books, change.reseller)?;
    let now = books.recorded_at(moment.now);
    let effective_from = change.effective_from.filter(|from| *from > now);
    let (changed, raises) = with(&set, &LimitChange { effective_from, ..change.clone() }, now)?;
    if !raises {
        return Err(LimitRefusal::NoRaise.into());
    }
    Ok(Record::new(key(change.reseller), version + 1, changed.into()))
}

/// The limits of a reseller as they stand and their version; 0 for those of its opening.
///
/// # Errors
/// [`Refusal::UnknownReseller`].
pub fn standing(books: &ShardBooks, reseller: ResellerId) -> Result<(i64, LimitSet), Refusal> {
    let opening = opening(books, reseller)?;
    let record = books.record_of(&key(reseller));
    Ok(match record.and_then(|record| Some((record.version(), record.body::<LimitSet>()?))) {
        Some((version, set)) => (version, set.clone()),
        None => (0, LimitSet { steps: vec![opening] }),
    })
}

/// What a reseller was opened with: it holds where nothing else is said.
fn opening(books: &ShardBooks, reseller: ResellerId) -> Result<LimitStep, Refusal> {
    let reseller = books.reseller(reseller).ok_or(Refusal::UnknownReseller)?;
    let stock = books.account(reseller.stock_account).ok_or(Refusal::UnknownReseller)?;
    let (credit_limit_minor, bounds) = (stock.credit_limit, reseller.limits.into());
    Ok(LimitStep { credit_limit_minor, reseller: bounds, ..LimitStep::default() })
}

/// The set with a change made, and whether anything is higher in it at the time it begins.
fn with(set: &LimitSet, change: &LimitChange, now: Timestamp) -> Result<(LimitSet, bool), LimitRefusal> {
    let before = set.at(change.effective_from.unwrap_or(now)).cloned().unwrap_or_default();
    let mut step = before.changed(change);
    if let Some(from) = change.effective_from {
        step.effective_from_ms = from.unix_ms();
    }
    let raises = step.raises(&before);
    let changed = set.with(step, now);
    if changed.steps.len() > MAX_STEPS || changed.steps.iter().any(|step| step.terminals.len() > MAX_TERMINALS) {
        return Err(LimitRefusal::TooMany);
    }
    Ok((changed, raises))
}

/// Whether a set that takes the place of the one that stands would let more be sold at any time from now on.
///
/// # Errors
/// [`Refusal::UnknownReseller`].
pub fn would_raise(books: &ShardBooks, reseller: ResellerId, set: &LimitSet, now: Timestamp) -> Result<bool, Refusal> {
    let (_, standing) = standing(books, reseller)?;
    let opening = opening(books, reseller)?;
    let begins = standing.steps.iter().chain(&set.steps).map(|step| Timestamp::from_unix_ms(step.effective_from_ms));
    let mut times = begins.filter(|at| *at > now).chain([now]);
    Ok(times.any(|at| set.at(at).unwrap_or(&opening).raises(standing.at(at).unwrap_or(&opening))))
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
    let changed: HashSet<ResellerId> = requests
        .iter()
        .filter_map(|request| match request {
            Request::LowerLimits(change) => Some(change.reseller),
            // It may approve a raise.
            Request::Rule(rule) => rule.reseller,
            _ => None,
        })
        .collect();
    let mut wanted = Vec::new();
    for request in requests {
        let (Request::Reserve(Reserve { reseller, terminal, .. })
        | Request::TryReserve(Reserve { reseller, terminal, .. })) = request
        else {
            continue;
        };
        let Some(books) = books(*reseller) else { continue };
        let sets = [books.body::<LimitSet>(*reseller, LimitSet::ID), coming.get(reseller).copied()];
        let changing = changed.contains(reseller);
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
