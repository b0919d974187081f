//! What a reseller has.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::domain::records::LimitSet;
use crate::domain::{Account, ResellerId, Timestamp};
use crate::ledger::limits;
use crate::ports::{Clock, Reads};

/// A reseller's stock at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Balance {
    pub reseller: ResellerId,
    pub account: Account,
    pub as_of: Timestamp,
}

/// The use cases of stock.
pub struct Stock {
    pub directory: Arc<Directory>,
    pub reads: Arc<dyn Reads>,
    pub clock: Arc<dyn Clock>,
}

impl Stock {
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn balance(&self, caller: &Caller, reseller: ResellerId) -> Result<Balance, ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        let as_of = self.clock.now();
        let shard = self.directory.shard_of(reseller);
        let mut account = self.reads.stock(shard, reseller).await?.ok_or(ServiceError::NotFound)?;
        let limits = self.reads.record(shard, &limits::key(reseller)).await?;
        let step = limits.as_ref().and_then(|record| record.body::<LimitSet>()?.at(as_of));
        // The account keeps what the reseller was opened with.
        account.credit_limit = step.map_or(account.credit_limit, |step| step.credit_limit_minor);
        Ok(Balance { reseller, account, as_of })
    }
}
