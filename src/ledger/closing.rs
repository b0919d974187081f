//! Closing business days (`domain.md` \[20\], \[21\]). Posts nothing.
//!
//! The first thing that a shard records on a new business day is that the days before it are closed: whatever command
//! comes first after the cut-off, its batch begins with the closing. So the days of a shard are parts of its journal that
//! follow each other, and what is recorded later belongs to a later day. A job sends [`super::Request::CloseDays`] to the
//! shards where nothing else happens. A correction of a closed day is an entry of today that names the day it is for.

use super::books::{ShardBooks, Step, Subject};
use super::rules::Moment;
use crate::domain::records::{BusinessDayClosing, ClosedBalance};
use crate::domain::{
    Account, AccountClass, AccountNumber, BusinessDay, EntryKind, Record, RecordId, RecordKey, RecordKind,
};

/// Who closes days, as the journal records it.
pub const ACTOR: &str = "system:closing";

/// The days that are over for a shard at `moment` and that it may not have closed yet, the earliest first. None for a
/// shard in which nothing was ever recorded.
#[must_use]
pub fn days_over(books: &ShardBooks, moment: &Moment<'_>) -> Vec<BusinessDay> {
    if books.head().sequence == 0 {
        return Vec::new();
    }
    let last = moment.day_of(books.head().recorded_at);
    let today = moment.day_of(books.recorded_at(moment.now));
    (last.0..today.0).map(BusinessDay).collect()
}

/// What names the closing of a day.
#[must_use]
pub fn key(day: BusinessDay) -> RecordKey {
    let id: RecordId = day.to_string().parse().expect("a date is printable ASCII");
    RecordKey::of_operator(RecordKind::BusinessDayClosing, id)
}

/// Closes a day; `None` when it was closed before. All system accounts and the day's record are in memory.
#[must_use]
pub fn close(books: &ShardBooks, day: BusinessDay, moment: &Moment<'_>) -> Option<Step> {
    let key = key(day);
    if books.record_of(&key).is_some() {
        return None;
    }
    let accounts =
        AccountClass::system_classes(books.shard()).filter_map(|class| books.account(class.system_account()));
    let closing = BusinessDayClosing {
        sequence: books.next_sequence(),
        closed_at_ms: books.recorded_at(moment.now).unix_ms(),
        balances: balances(accounts.copied()),
    };
    let record = Record::new(key, 1, closing.into());
    Some(Step::about(EntryKind::DayClosed, Subject::Record(record.into())))
}

/// Closing balances of accounts that belong to no reseller, in the order of the chart.
#[must_use]
pub fn balances(accounts: impl Iterator<Item = Account>) -> Vec<ClosedBalance> {
    let mut accounts: Vec<_> = accounts.filter(|account| account.number < AccountNumber::FIRST_OWN).collect();
    accounts.sort_unstable_by_key(|account| account.number);
    let closed =
        |account: Account| ClosedBalance { account: account.class.line().name.into(), posted_minor: account.posted };
    accounts.into_iter().map(closed).collect()
}
