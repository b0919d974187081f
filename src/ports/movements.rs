//! What statements read: the movements of an account, its flows up to an entry, and where the log stands.
//!
//! The movements are written out of the journal behind the posters, by a cursor per shard; what is not written out
//! yet is read from the journal itself. So every answer is exact up to the entry it is asked for, however far the
//! cursor is.

use async_trait::async_trait;
use uuid::Uuid;

use super::store::StoreError;
use crate::domain::records::StockWatch;
use crate::domain::{AccountNumber, EntryKind, Operation, Posting, ResellerId, Shard, Side, Timestamp};

/// Where a shard's log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// Sequence of the last entry.
    pub head: i64,
    pub recorded_at: Timestamp,
    /// Sequence up to which movements are written out.
    pub written: i64,
}

/// All that ever went through an account, up to some entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    pub credited_minor: i64,
    pub debited_minor: i64,
    /// Of what was debited: delivered to subscribers, net of reversals.
    pub sold_minor: i64,
}

impl Flows {
    /// The balance they leave on the side on which it grows.
    #[must_use]
    pub fn balance(&self, normal_side: Side) -> i64 {
        match normal_side {
            Side::Credit => self.credited_minor.saturating_sub(self.debited_minor),
            Side::Debit => self.debited_minor.saturating_sub(self.credited_minor),
        }
    }
}

/// A posting's place in its shard's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MovementPlace {
    pub sequence: i64,
    /// Within the entry, from 1.
    pub line: i16,
}

impl MovementPlace {
    /// Behind all of an entry.
    #[must_use]
    pub fn behind(sequence: i64) -> Self {
        Self { sequence, line: i16::MAX }
    }
}

/// A page of an account's movements.
#[derive(Clone, Copy, Debug)]
pub struct MovementQuery {
    pub shard: Shard,
    pub account: AccountNumber,
    /// Only behind this one.
    pub after: MovementPlace,
    /// Only in front of this one.
    pub before: MovementPlace,
    pub oldest_first: bool,
    pub limit: u32,
}

/// One posting of an account, with what it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Movement {
    pub place: MovementPlace,
    pub kind: EntryKind,
    pub subject: Uuid,
    pub recorded_at: Timestamp,
    pub posting: Posting,
    /// The operation as it stands now, of whatever shard.
    pub operation: Option<Operation>,
}

/// A reseller whose stock is low, or was when it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchedStock {
    pub reseller: ResellerId,
    pub watch: StockWatch,
    pub available_minor: i64,
    /// Version of the last alert; 0 when there was none.
    pub alert: i64,
    /// What that alert says.
    pub was_low: bool,
}

impl WatchedStock {
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.available_minor < self.watch.threshold_minor
    }
}

#[async_trait]
pub trait Movements: Send + Sync {
    /// # Errors
    /// [`StoreError::Refused`] when there is no such shard.
    async fn log_place(&self, shard: Shard) -> Result<LogPlace, StoreError>;

    /// Sequence of the last entry recorded before `at`, among those up to `head`; 0 for none.
    async fn last_before(&self, shard: Shard, at: Timestamp, head: i64) -> Result<i64, StoreError>;

    /// What went through an account, which grows on `Side`, up to an entry, that one included.
    async fn flows(
        &self,
        place: &LogPlace,
        shard: Shard,
        account: (AccountNumber, Side),
        up_to: i64,
    ) -> Result<Flows, StoreError>;

    /// Movements in the order asked for.
    async fn movements(&self, place: &LogPlace, query: &MovementQuery) -> Result<Vec<Movement>, StoreError>;

    /// The watched resellers of a shard that are low, or were when they were last looked at.
    async fn watched_stock(&self, shard: Shard) -> Result<Vec<WatchedStock>, StoreError>;

    /// Writes the movements of up to `limit` further entries out; gives the sequence it came to. Another node that
    /// is at it is not waited for.
    async fn write_out(&self, shard: Shard, limit: u32) -> Result<i64, StoreError>;

    /// Deletes the movements of a shard and writes them again up to where they were, in one transaction.
    async fn write_again(&self, shard: Shard) -> Result<i64, StoreError>;
}
