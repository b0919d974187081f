//! A partner's end of day: its recharges, top-ups and reversals of a business day, counted by what became of them, and line by line.

use std::sync::Arc;

use super::caller::{Caller, ServiceError};
use crate::domain::{BusinessDay, Calendar, Operation, OperationId, OperationKind, ResellerId, Status};
use crate::ports::store::Scope;
use crate::ports::{OperationSum, Party, PartyQuery, Reads, RechargeQuery, TopupReads};

/// Operations that are read at once.
const PAGE: u32 = 1_000;

/// What of a partner is shown.
pub struct Reconciliation {
    pub reads: Arc<dyn Reads>,
    pub topups: Arc<dyn TopupReads>,
    pub calendar: Calendar,
}

/// A day of a partner, read page by page: recharges, then top-ups, then reversals, each from the newest.
pub struct DayLines {
    services: Arc<Reconciliation>,
    roots: Arc<[ResellerId]>,
    day: BusinessDay,
    kind: OperationKind,
    after: Option<OperationId>,
    ended: bool,
}

impl Reconciliation {
    /// The lines of a day of the caller.
    #[must_use]
    pub fn lines(self: &Arc<Self>, caller: &Caller, day: BusinessDay) -> DayLines {
        let (services, roots) = (self.clone(), caller.roots.clone());
        DayLines { services, roots, day, kind: OperationKind::Recharge, after: None, ended: false }
    }

    /// What the lines of a day sum to, by kind and status. The store sums: no line is read for it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn day(&self, caller: &Caller, day: BusinessDay) -> Result<Vec<OperationSum>, ServiceError> {
        let (from, to) = self.calendar.bounds(day);
        let mut sums = self.topups.sums_below(&caller.roots, from, to).await?;
        sums.sort_unstable_by_key(|sum| (sum.kind.code(), sum.status.code()));
        Ok(sums)
    }
}

impl DayLines {
    /// The next lines; none at the end.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn next_page(&mut self) -> Result<Vec<Operation>, ServiceError> {
        while !self.ended {
            let page = self.read().await?;
            if let Some(last) = page.last() {
                self.after = Some(last.id);
                return Ok(page);
            }
            self.after = None;
            self.kind = match self.kind {
                OperationKind::Recharge => OperationKind::Topup,
                kind => {
                    self.ended = kind == OperationKind::Reversal;
                    OperationKind::Reversal
                }
            };
        }
        Ok(Vec::new())
    }

    async fn read(&self) -> Result<Vec<Operation>, ServiceError> {
        let (from, to) = self.services.calendar.bounds(self.day);
        let (from, to, after, roots) = (Some(from), Some(to), self.after, self.roots.to_vec());
        let status: Option<Status> = None;
        Ok(if self.kind == OperationKind::Recharge {
            let scope = Scope::Subtrees(roots);
            let query = RechargeQuery { scope, msisdn: None, status, from, to, after, limit: PAGE };
            self.services.reads.recharges(&query).await?
        } else {
            let query = PartyQuery { party: Party::Below(roots.clone()), status, from, to, after, limit: PAGE };
            match self.kind {
                OperationKind::Topup => self.services.topups.topups(&query).await?,
                _ => self.services.topups.reversals_below(&roots, &query).await?,
            }
        })
    }
}
