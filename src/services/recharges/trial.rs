//! What a recharge would come to now, without selling it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{RechargeOrder, Recharges, reserve};
use crate::domain::{AskedSystems, Decline, Msisdn, Operation, Status};
use crate::ledger::command::{Command, Outcome, Request};
use crate::ports::BalanceOutcome;
use crate::services::{Caller, ServiceError};

/// What charging systems say of the subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    Known,
    Unknown,
    /// None could be asked, or none answered in time.
    NotAsked,
}

impl Reached {
    pub const ALL: [Self; 3] = [Self::Known, Self::Unknown, Self::NotAsked];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Known => "reachable",
            Self::Unknown => "unknown",
            Self::NotAsked => "not_checked",
        }
    }
}

/// A recharge as it would be.
#[derive(Clone, Debug)]
pub struct Trial {
    /// As its reservation would leave it, or its refusal. It exists nowhere.
    pub operation: Arc<Operation>,
    pub subscriber: Reached,
    pub decline: Option<Decline>,
}

impl Recharges {
    /// Decides an order by the books as they stand, then asks whether the subscriber is there. Nothing is written, no
    /// line is credited.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn attempt(&self, caller: &Caller, order: RechargeOrder) -> Result<Trial, ServiceError> {
        self.deps.directory.authorise(caller, order.reseller).await?;
        let msisdn = order.msisdn;
        let Command { actor, request } = reserve(&self.deps, caller, order);
        let Request::Reserve(reserve) = request else { return Err(ServiceError::Internal) };
        let command = Command { actor, request: Request::TryReserve(reserve) };
        let Outcome::Tried(operation) = self.deps.ledger.execute(command).await? else {
            return Err(ServiceError::Internal);
        };
        if operation.status == Status::Declined {
            return Ok(Trial { decline: operation.decline, subscriber: Reached::NotAsked, operation });
        }
        let within = Duration::from_millis(self.config.answer_within_ms);
        let subscriber = timeout(within, self.reach(msisdn)).await.unwrap_or(Reached::NotAsked);
        let decline = (subscriber == Reached::Unknown).then_some(Decline::SubscriberUnknown);
        Ok(Trial { operation, subscriber, decline })
    }

    /// Asks one charging system after the other, as a recharge would.
    async fn reach(&self, msisdn: Msisdn) -> Reached {
        let mut system = self.deps.charging.first(msisdn);
        let mut asked = AskedSystems::first(system);
        loop {
            let Some(charging) = self.deps.charging.get(system) else { return Reached::NotAsked };
            match charging.balance(msisdn).await {
                BalanceOutcome::Known(_) => return Reached::Known,
                BalanceOutcome::SubscriberUnknown => {}
                BalanceOutcome::Unknown(_) | BalanceOutcome::NotOffered => return Reached::NotAsked,
            }
            let Some(next) = self.deps.charging.next(msisdn, &asked) else { return Reached::Unknown };
            (system, asked) = (next, asked.with(next));
        }
    }
}
