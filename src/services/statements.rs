//! A reseller's statement: opening, every movement with the balance after it and who was on the other side, closing.
//!
//! A period of time is a part of the shard's log: recorded time never goes back there. The first page fixes that part
//! and the others carry it in their cursor, so that a statement stays one and the same while recharges go on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::domain::records::BusinessDayClosing;
use crate::domain::{
    Account, AccountNumber, BusinessDay, Calendar, Details, Msisdn, Operation, ResellerId, Shard, Side, Timestamp,
};
use crate::ledger::closing;
use crate::ports::{Clock, Flows, LogPlace, Movement, MovementPlace, MovementQuery, Movements, Reads};

/// Which movements a statement shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Recorded at or after `from` and before `to`; without them from the first movement and until now.
    Between {
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    },
    Day(BusinessDay),
}

/// The part of a shard's log that a statement covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Sequence of the last entry before it.
    pub after: i64,
    /// Sequence of its last entry.
    pub up_to: i64,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageStart {
    pub span: Span,
    /// The last movement shown.
    pub last: MovementPlace,
}

/// What a statement says besides its movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub reseller: ResellerId,
    pub period: Period,
    pub opening_minor: i64,
    pub in_minor: i64,
    pub out_minor: i64,
    pub closing_minor: i64,
    /// Whether nothing can be recorded in the period any more.
    pub is_final: bool,
    pub as_of: Timestamp,
}

/// Who was on the other side of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counterparty {
    Subscriber(Msisdn),
    Reseller(ResellerId),
    Operator,
}

/// A movement as its account's owner reads it.
#[derive(Clone, Debug)]
pub struct Line {
    pub movement: Movement,
    pub business_day: BusinessDay,
    pub in_minor: Option<i64>,
    pub out_minor: Option<i64>,
    pub balance_minor: i64,
    pub counterparty: Option<Counterparty>,
}

/// A page of a statement, newest first.
#[derive(Clone, Debug)]
pub struct StatementPage {
    pub summary: Summary,
    pub lines: Vec<Line>,
    pub next: Option<PageStart>,
}

/// A statement whose part of the log is fixed, to be read to its end.
#[derive(Clone, Copy, Debug)]
pub struct OpenStatement {
    pub summary: Summary,
    pub span: Span,
    shard: Shard,
    account: AccountNumber,
    place: LogPlace,
}

/// The use cases of statements.
pub struct Statements {
    pub directory: Arc<Directory>,
    pub reads: Arc<dyn Reads>,
    pub movements: Arc<dyn Movements>,
    pub clock: Arc<dyn Clock>,
    pub calendar: Calendar,
    /// Where days begin, as far as that was asked for.
    pub boundaries: Boundaries,
}

/// The last entry before a business day, by shard and day.
pub type Boundaries = Mutex<HashMap<(Shard, BusinessDay), i64>>;

/// Boundaries that are remembered.
const BOUNDARIES: usize = 10_000;

/// Entries that may wait to be written out before statements wait for them.
const LONGEST_TAIL: i64 = 1_000_000;

impl Statements {
    /// A page of the statement, newest first.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn page(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        period: Period,
        start: Option<PageStart>,
        limit: u32,
    ) -> Result<StatementPage, ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        let open = self.open(reseller, period, start.map(|start| start.span)).await?;
        let before = start.map_or(MovementPlace::behind(open.span.up_to), |start| start.last);
        let mut lines = self.read(&open, None, Some(before), limit + 1).await?;
        let more = lines.len() > limit as usize;
        lines.truncate(limit as usize);
        let last = lines.last().map(|line| line.movement.place).filter(|_| more);
        let next = last.map(|last| PageStart { span: open.span, last });
        Ok(StatementPage { summary: open.summary, lines, next })
    }

    /// A statement to be read with [`Self::lines_after`].
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn begin(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        period: Period,
    ) -> Result<OpenStatement, ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        self.open(reseller, period, None).await
    }

    /// The next movements of a statement, the oldest first, behind `last`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn lines_after(
        &self,
        open: &OpenStatement,
        last: Option<MovementPlace>,
        limit: u32,
    ) -> Result<Vec<Line>, ServiceError> {
        // What was the tail when the statement began may be written out by now.
        let place = self.place(open.shard).await?;
        let after = last.unwrap_or(MovementPlace::behind(open.span.after));
        self.read(&OpenStatement { place, ..*open }, Some(after), None, limit).await
    }

    /// What a reseller had at a moment that has passed.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn posted_at(&self, caller: &Caller, reseller: ResellerId, at: Timestamp) -> Result<i64, ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        let shard = self.directory.shard_of(reseller);
        let account = self.account(shard, reseller).await?;
        let place = self.place(shard).await?;
        let sequence = self.movements.last_before(shard, at.plus_ms(1), place.head).await?;
        Ok(self.flows(&place, shard, account.number, sequence).await?.balance(Side::Credit))
    }

    /// What a reseller sold to subscribers, net of reversals, from the beginning of one business day to that of another.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown.
    pub async fn sold(&self, reseller: ResellerId, from: BusinessDay, to: BusinessDay) -> Result<i64, ServiceError> {
        let shard = self.directory.shard_of(reseller);
        let account = self.account(shard, reseller).await?.number;
        let place = self.place(shard).await?;
        let mut sold = [0; 2];
        for (sold, day) in sold.iter_mut().zip([from, to]) {
            let sequence = self.boundary(shard, &place, day).await?;
            *sold = self.flows(&place, shard, account, sequence).await?.sold_minor;
        }
        Ok(sold[1] - sold[0])
    }

    /// The last entry before a business day begins. Once the shard's time has come to that day it never changes.
    async fn boundary(&self, shard: Shard, place: &LogPlace, day: BusinessDay) -> Result<i64, ServiceError> {
        let key = (shard, day);
        if let Some(known) = self.boundaries.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(*known);
        }
        let begins_at = self.calendar.begins_at(day);
        let sequence = self.movements.last_before(shard, begins_at, place.head).await?;
        if place.recorded_at >= begins_at {
            let mut known = self.boundaries.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= BOUNDARIES {
                known.clear();
            }
            known.insert(key, sequence);
        }
        Ok(sequence)
    }

    /// Fixes the part of the log and sums it up, for a caller that was authorised.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the reseller is unknown.
    pub async fn open(
        &self,
        reseller: ResellerId,
        period: Period,
        span: Option<Span>,
    ) -> Result<OpenStatement, ServiceError> {
        let shard = self.directory.shard_of(reseller);
        let account = self.account(shard, reseller).await?;
        let place = self.place(shard).await?;
        let as_of = self.clock.now();
        let span = match span {
            // Another statement's cursor could name entries that do not exist.
            Some(span) => Span { up_to: span.up_to.min(place.head), after: span.after.min(place.head) },
            None => self.span(shard, &place, period).await?,
        };
        let opening = self.flows(&place, shard, account.number, span.after).await?;
        let closing = self.flows(&place, shard, account.number, span.up_to).await?;
        let summary = Summary {
            reseller,
            period,
            opening_minor: opening.balance(Side::Credit),
            in_minor: closing.credited_minor - opening.credited_minor,
            out_minor: closing.debited_minor - opening.debited_minor,
            closing_minor: closing.balance(Side::Credit),
            is_final: self.ends_at(period).is_some_and(|end| place.recorded_at >= end),
            as_of,
        };
        Ok(OpenStatement { summary, span, shard, account: account.number, place })
    }

    fn ends_at(&self, period: Period) -> Option<Timestamp> {
        match period {
            Period::Between { to, .. } => to,
            Period::Day(day) => Some(self.calendar.bounds(day).1),
        }
    }

    async fn span(&self, shard: Shard, place: &LogPlace, period: Period) -> Result<Span, ServiceError> {
        let (from, to) = match period {
            Period::Between { from, to } => (from, to),
            Period::Day(day) => {
                let after = self.begins_behind(shard, place, day).await?;
                let up_to = self.begins_behind(shard, place, BusinessDay(day.0 + 1)).await?;
                return Ok(Span { after, up_to: up_to.max(after) });
            }
        };
        let after = match from {
            Some(from) => self.movements.last_before(shard, from, place.head).await?,
            None => 0,
        };
        let up_to = match to {
            Some(to) => self.movements.last_before(shard, to, place.head).await?,
            None => place.head,
        };
        Ok(Span { after, up_to: up_to.max(after) })
    }

    /// The last entry before a business day: the one that closed the day before, where it is closed.
    async fn begins_behind(&self, shard: Shard, place: &LogPlace, day: BusinessDay) -> Result<i64, ServiceError> {
        let closing = closing::key(BusinessDay(day.0 - 1));
        let closed = self.reads.record(shard, &closing).await?;
        match closed.as_ref().and_then(|record| record.body::<BusinessDayClosing>()) {
            // It may have been closed since the place was read.
            Some(closing) => Ok(closing.sequence.min(place.head)),
            None => Ok(self.movements.last_before(shard, self.calendar.begins_at(day), place.head).await?),
        }
    }

    async fn account(&self, shard: Shard, reseller: ResellerId) -> Result<Account, ServiceError> {
        self.reads.stock(shard, reseller).await?.ok_or(ServiceError::NotFound)
    }

    async fn place(&self, shard: Shard) -> Result<LogPlace, ServiceError> {
        let place = self.movements.log_place(shard).await?;
        if place.head - place.written > LONGEST_TAIL {
            return Err(ServiceError::Unavailable { retry_after_s: 10 });
        }
        Ok(place)
    }

    async fn flows(
        &self,
        place: &LogPlace,
        shard: Shard,
        account: AccountNumber,
        up_to: i64,
    ) -> Result<Flows, ServiceError> {
        Ok(self.movements.flows(place, shard, (account, Side::Credit), up_to).await?)
    }

    async fn read(
        &self,
        open: &OpenStatement,
        after: Option<MovementPlace>,
        before: Option<MovementPlace>,
        limit: u32,
    ) -> Result<Vec<Line>, ServiceError> {
        let query = MovementQuery {
            shard: open.shard,
            account: open.account,
            after: after.unwrap_or(MovementPlace::behind(open.span.after)),
            before: before.unwrap_or(MovementPlace::behind(open.span.up_to)),
            oldest_first: after.is_some(),
            limit,
        };
        let found = self.movements.movements(&open.place, &query).await?;
        Ok(found.into_iter().map(|movement| self.line(open, movement)).collect())
    }

    fn line(&self, open: &OpenStatement, movement: Movement) -> Line {
        let posting = movement.posting;
        let is_in = posting.credit == open.account;
        let owner = open.summary.reseller;
        Line {
            business_day: self.calendar.day_of(movement.recorded_at),
            in_minor: is_in.then_some(posting.amount_minor),
            out_minor: (!is_in).then_some(posting.amount_minor),
            balance_minor: if is_in { posting.credit_after } else { posting.debit_after },
            counterparty: movement.operation.as_ref().and_then(|operation| counterparty(operation, owner)),
            movement,
        }
    }
}

/// Who is on the other side of an operation for one of its sides.
fn counterparty(operation: &Operation, owner: ResellerId) -> Option<Counterparty> {
    match &operation.details {
        Details::Transfer(transfer) => Some(match transfer.to {
            Some(to) if to == owner => Counterparty::Reseller(operation.reseller),
            Some(to) => Counterparty::Reseller(to),
            None => Counterparty::Operator,
        }),
        Details::Recharge(recharge) => Some(Counterparty::Subscriber(recharge.msisdn)),
        Details::Tombstone | Details::Reversal(_) => None,
        Details::FourEyes(_)
        | Details::Topup(_)
        | Details::Refund(_)
        | Details::Allocation(_)
        | Details::Run(_)
        | Details::CommissionPayout { .. } => Some(Counterparty::Operator),
    }
}
