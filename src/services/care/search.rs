//! A subscriber's recharges, for who helps. Every look is on the log before anything is shown: who, from where, for whom,
//! why, and how much was found.

use super::Care;
use crate::domain::{OperationId, Reason, SubscriberQuery, Timestamp};
use crate::ledger::care::{CareCommand, CareLook};
use crate::ledger::{Command, Request};
use crate::ports::{MaskedQuery, Party, PartyQuery};
use crate::services::caller::{Caller, ServiceError};
use crate::services::recharges::{RechargeFilter, RechargePage};

/// Operations of a shard that a page for a masked number looks through at most.
const LOOKED_THROUGH: u32 = 10_000;

/// Whose recharges of what time somebody wants to see, and why.
#[derive(Clone, Debug)]
pub struct SubscriberSearch {
    pub subscriber: SubscriberQuery,
    /// Created at or after.
    pub from: Timestamp,
    /// Created before.
    pub to: Timestamp,
    pub reason: Reason,
    pub after: Option<OperationId>,
    /// 1 to 200.
    pub limit: u32,
}

impl Care {
    /// Recharges of a subscriber below the caller's roots, newest first. For a masked number a page ends where it has
    /// looked through enough, so that it may have few items, or none, and others follow all the same.
    ///
    /// # Errors
    /// [`ServiceError`]; nothing is shown that is not on the log.
    pub async fn search(&self, caller: &Caller, search: SubscriberSearch) -> Result<RechargePage, ServiceError> {
        let SubscriberSearch { subscriber, from, to, after, limit, reason } = search;
        let page = match subscriber {
            SubscriberQuery::Whole(msisdn) => {
                let filter = RechargeFilter {
                    msisdn: Some(msisdn),
                    from: Some(from),
                    to: Some(to),
                    after,
                    limit,
                    ..RechargeFilter::default()
                };
                self.recharges.list(caller, filter).await?
            }
            SubscriberQuery::Masked(number) => {
                let party = Party::Below(caller.roots.to_vec());
                let page = PartyQuery { party, status: None, from: Some(from), to: Some(to), after, limit: limit + 1 };
                let query = MaskedQuery { page, number, looked_through: LOOKED_THROUGH };
                let (mut items, down_to) = self.care.recharges_like(&query).await?;
                let more = items.len() > limit as usize;
                items.truncate(limit as usize);
                let next = if more { items.last().map(|last| last.id) } else { down_to };
                RechargePage { items, next }
            }
        };
        let found = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
        let look = CareLook { client: caller.client, subscriber, from, to, found };
        let actor = caller.actor().because(reason.as_str());
        self.ledger.execute(Command { actor, request: Request::Care(CareCommand::Look(look)) }).await?;
        metrics::counter!("taabia_care_searches_total").increment(1);
        Ok(page)
    }
}
