//! What a reseller's stock is watched for, and how long it lasts.

use std::sync::Arc;

use rust_decimal::{Decimal, RoundingStrategy};

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use super::statements::Statements;
use crate::domain::records::{ReplenishmentSource, StockWatch};
use crate::domain::{BusinessDay, Content, RecordKind, ResellerId};
use crate::ledger::command::PutRecord;
use crate::ledger::{Command, Request, stock_watch};
use crate::ports::{Ledger, Reads};

/// Days whose sales are averaged.
const DAYS: i32 = 7;

/// How long stock lasts at the pace of the last seven business days that are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Sold per day, rounded half-even to a minor unit.
    pub average_daily_sale_minor: i64,
    /// With one decimal, rounded half-even; `None` when nothing was sold.
    pub days: Option<Decimal>,
}

impl Cover {
    /// Of what is available, when `sold_minor` was sold in the days that are averaged. Nothing lasts less than no day.
    #[must_use]
    pub fn of(available_minor: i64, sold_minor: i64) -> Self {
        let round =
            |number: Decimal, decimals| number.round_dp_with_strategy(decimals, RoundingStrategy::MidpointNearestEven);
        let sold = Decimal::from(sold_minor.max(0));
        let average = round(sold / Decimal::from(DAYS), 0);
        let days =
            (sold_minor > 0).then(|| round(Decimal::from(available_minor.max(0)) * Decimal::from(DAYS) / sold, 1));
        Self { average_daily_sale_minor: average.try_into().unwrap_or(i64::MAX), days }
    }
}

/// The use cases of watched stock.
pub struct StockWatches {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub directory: Arc<Directory>,
    pub statements: Arc<Statements>,
}

impl StockWatches {
    /// What it is watched for; `None` when it is not.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn get(&self, caller: &Caller, reseller: ResellerId) -> Result<Option<StockWatch>, ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        self.find(reseller).await
    }

    /// The same, for who was authorised.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(&self, reseller: ResellerId) -> Result<Option<StockWatch>, ServiceError> {
        let key = stock_watch::key(RecordKind::StockWatch, reseller);
        let record = self.reads.record(self.directory.shard_of(reseller), &key).await?;
        let watch = record.and_then(|record| record.body::<StockWatch>().copied());
        Ok(watch.filter(|watch| watch.threshold_minor > 0))
    }

    /// Watches it for this from now on; a threshold of zero ends it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when it, or the parent that shall bring it up, is unknown or outside the caller's
    /// subtrees.
    pub async fn put(&self, caller: &Caller, reseller: ResellerId, watch: StockWatch) -> Result<(), ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        if watch.replenish.is_some_and(|rule| rule.source == ReplenishmentSource::Parent) {
            // It is the parent's stock that will move.
            let parent = self.directory.parent(reseller).await?.ok_or(ServiceError::NotFound)?;
            self.directory.authorise(caller, parent).await?;
        }
        let key = stock_watch::key(RecordKind::StockWatch, reseller);
        let put = PutRecord { key, expected: None, content: Content::StockWatch(watch) };
        for request in [Request::PutRecord(put), Request::LookAtStock(reseller)] {
            self.ledger.execute(Command { actor: caller.actor(), request }).await?;
        }
        Ok(())
    }

    /// How long what is available lasts.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown.
    pub async fn cover(&self, reseller: ResellerId, available_minor: i64) -> Result<Cover, ServiceError> {
        let today = self.statements.calendar.day_of(self.statements.clock.now());
        let sold = self.statements.sold(reseller, BusinessDay(today.0 - DAYS), today).await?;
        Ok(Cover::of(available_minor, sold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_lasts_as_long_as_the_week_says() {
        for (available, sold, average, days) in [
            (100_000, 70_000, 10_000, Some("10.0")),
            (100_000, 1, 0, Some("700000.0")),
            (25_000, 70_000, 10_000, Some("2.5")),
            (5_000, 70_000, 10_000, Some("0.5")),
            (0, 70_000, 10_000, Some("0.0")),
            (-5_000, 70_000, 10_000, Some("0.0")),
            (100_000, 0, 0, None),
            (100_000, -7, 0, None),
            (1_000, 24, 3, Some("291.7")),
            (i64::MAX, i64::MAX, 1_317_624_576_693_539_401, Some("7.0")),
        ] {
            let cover = Cover::of(available, sold);
            assert_eq!(cover.average_daily_sale_minor, average, "{available} {sold}");
            let days_told = cover.days.map(|days| format!("{days:.1}"));
            assert_eq!(days_told.as_deref(), days, "{available} {sold}");
        }
    }
}
