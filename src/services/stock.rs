//! What a reseller has.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::domain::{Account, ResellerId, Timestamp};
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
        let account = self.reads.stock(self.directory.shard_of(reseller), reseller).await?;
        account.map(|account| Balance { reseller, account, as_of }).ok_or(ServiceError::NotFound)
    }
}
