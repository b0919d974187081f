//! Limits of resellers, as they hold and as they will.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::domain::records::{LimitChange, LimitSet, LimitStep};
use crate::domain::{Record, ResellerId};
use crate::ledger::command::{Command, Outcome, Request};
use crate::ledger::limits;
use crate::ports::{Clock, Ledger, Reads};

/// The limits of a reseller.
#[derive(Clone, Debug)]
pub struct LimitView {
    pub reseller: ResellerId,
    pub present: LimitStep,
    /// Ascending by time.
    pub coming: Vec<LimitStep>,
}

/// The use cases of limits.
pub struct Limits {
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub directory: Arc<Directory>,
    pub clock: Arc<dyn Clock>,
}

impl Limits {
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees.
    pub async fn get(&self, caller: &Caller, reseller: ResellerId) -> Result<LimitView, ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        let shard = self.directory.shard_of(reseller);
        let record = self.reads.record(shard, &limits::key(reseller)).await?;
        if let Some(set) = record.as_ref().and_then(Record::body::<LimitSet>) {
            return Ok(self.view(reseller, set));
        }
        // Never changed since its opening.
        let opened = self.reads.reseller_state(shard, reseller).await?.ok_or(ServiceError::NotFound)?;
        let stock = self.reads.stock(shard, reseller).await?.ok_or(ServiceError::NotFound)?;
        let present = LimitStep {
            credit_limit_minor: stock.credit_limit,
            reseller: opened.limits.into(),
            ..LimitStep::default()
        };
        Ok(LimitView { reseller, present, coming: Vec::new() })
    }

    /// Lowers limits, at once or from a time on.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when unknown or outside the caller's subtrees; [`ServiceError::Limits`].
    pub async fn lower(&self, caller: &Caller, command: LimitChange) -> Result<LimitView, ServiceError> {
        let reseller = command.reseller;
        self.directory.authorise(caller, reseller).await?;
        let command = Command { actor: caller.actor(), request: Request::LowerLimits(command) };
        match self.ledger.execute(command).await? {
            Outcome::Put(record) => {
                let set = record.body::<LimitSet>().ok_or(ServiceError::Internal)?;
                Ok(self.view(reseller, set))
            }
            _ => Err(ServiceError::Internal),
        }
    }

    fn view(&self, reseller: ResellerId, set: &LimitSet) -> LimitView {
        let now = self.clock.now();
        let coming = set.steps.iter().filter(|step| step.effective_from_ms > now.unix_ms()).cloned().collect();
        LimitView { reseller, present: set.at(now).cloned().unwrap_or_default(), coming }
    }
}
