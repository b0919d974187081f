//! Business days: which are closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::caller::ServiceError;
use crate::domain::records::BusinessDayClosing;
use crate::domain::{BusinessDay, Calendar, RecordId, RecordKind, ResellerId, Shard, Timestamp};
use crate::ledger::{Command, Request, closing};
use crate::ports::{Clock, Ledger, LogPlace, Movements, Reads, RecordQuery};

/// A business day of the whole installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    pub day: BusinessDay,
    pub begins_at: Timestamp,
    pub ends_at: Timestamp,
    /// No shard records anything for it any more.
    pub is_closed: bool,
    /// When the last shard closed it; `None` for one that is open, or that none had begun.
    pub closed_at: Option<Timestamp>,
    /// Closing balances by account, summed over the shards.
    pub balances: BTreeMap<String, i128>,
}

/// The use cases of business days.
pub struct BusinessDays {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub movements: Arc<dyn Movements>,
    pub clock: Arc<dyn Clock>,
    pub calendar: Calendar,
    pub shards: u16,
}

impl BusinessDays {
    /// Days up to today, the newest first, beginning before `before`, back to the first that was closed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, before: Option<BusinessDay>, limit: u32) -> Result<Vec<Day>, ServiceError> {
        let today = self.calendar.day_of(self.clock.now());
        let newest = before.map_or(today.0, |before| (before.0 - 1).min(today.0));
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let oldest = newest.saturating_sub(limit - 1);
        let (mut places, mut first) = (Vec::new(), today.0);
        let mut days: BTreeMap<i32, Day> = (oldest..=newest).map(|day| (day, self.day(BusinessDay(day)))).collect();
        for shard in Shard::all(self.shards) {
            places.push(self.movements.log_place(shard).await?);
            first = first.min(self.first(shard).await?.unwrap_or(today.0));
            for (day, closing) in self.closings(shard, BusinessDay(oldest), limit).await? {
                let Some(found) = days.get_mut(&day.0) else { continue };
                found.closed_at = found.closed_at.max(Some(Timestamp::from_unix_ms(closing.closed_at_ms)));
                for balance in closing.balances {
                    *found.balances.entry(balance.account).or_default() += i128::from(balance.posted_minor);
                }
            }
        }
        let closed = |day: &Day| places.iter().all(|place| place.head == 0 || place.recorded_at >= day.ends_at);
        let shown = days.into_values().rev().filter(|day| day.day.0 >= first);
        Ok(shown.map(|day| Day { is_closed: closed(&day), ..day }).collect())
    }

    fn day(&self, day: BusinessDay) -> Day {
        let (begins_at, ends_at) = self.calendar.bounds(day);
        Day { day, begins_at, ends_at, is_closed: false, closed_at: None, balances: BTreeMap::new() }
    }

    async fn first(&self, shard: Shard) -> Result<Option<i32>, ServiceError> {
        let first = self.closings(shard, BusinessDay(0), 1).await?;
        Ok(first.first().map(|(day, _)| day.0))
    }

    /// Closings of a shard from a day on, the oldest first.
    async fn closings(
        &self,
        shard: Shard,
        from: BusinessDay,
        limit: i32,
    ) -> Result<Vec<(BusinessDay, BusinessDayClosing)>, ServiceError> {
        // Behind the day before; ids are dates, which are ordered as texts.
        let before = BusinessDay(from.0 - 1).to_string();
        let id: RecordId = before.parse().map_err(|_| ServiceError::Internal)?;
        let query = RecordQuery {
            shard,
            kind: RecordKind::BusinessDayClosing,
            owner: Some(ResellerId::OPERATOR),
            after: (from.0 > 0).then_some((ResellerId::OPERATOR, id)),
            limit: limit.unsigned_abs(),
        };
        let records = self.reads.records(&query).await?;
        let read = |record: crate::domain::Record| {
            let day = record.key().id().as_str().parse().map_err(|_| ServiceError::Internal)?;
            Ok((day, record.body::<BusinessDayClosing>().ok_or(ServiceError::Internal)?.clone()))
        };
        records.into_iter().map(read).collect()
    }

    /// Closes the days that are over in every shard where something was ever recorded; gives how many shards had some.
    ///
    /// # Errors
    /// When the ledger refuses for now.
    pub async fn close(&self) -> Result<usize, ServiceError> {
        let today = self.calendar.day_of(self.clock.now());
        let mut closed = 0;
        for shard in Shard::all(self.shards) {
            let LogPlace { head, recorded_at, .. } = self.movements.log_place(shard).await?;
            if head > 0 && self.calendar.day_of(recorded_at) < today {
                let request = Request::CloseDays(shard);
                self.ledger.execute(Command { actor: closing::ACTOR.into(), request }).await?;
                closed += 1;
            }
        }
        Ok(closed)
    }
}
