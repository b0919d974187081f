//! What settlement files and our books do not have in common: who looks after it, since when, and how far it is.

use std::collections::HashMap;

use super::{LOOKED_BACK_MS, Settlements};
use crate::domain::records::ReconciliationItem;
use crate::domain::settlement::CHARGING_SYSTEM;
use crate::domain::{
    BusinessDay, ClientId, Effect, Item, ItemId, ItemResolution, LineState, Operation, OperationId, Reason, Resolution,
    SettledKind, Shard, Status, Timestamp,
};
use crate::ledger::Refusal;
use crate::ledger::command::{AssignItem, Command, Outcome, Request};
use crate::ports::settlement::{ItemPlace, ItemQuery, ItemStatus, SettlementItem, UnsettledQuery};
use crate::ports::{LedgerError, StoreError};
use crate::services::caller::{Caller, ServiceError};

const DAY_MS: i64 = 86_400_000;

/// Which items are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct ItemFilter {
    /// Of lines.
    pub state: Option<LineState>,
    /// Only those of so many days or more.
    pub min_age_days: u32,
    pub owner: Option<ClientId>,
    pub status: Option<ItemStatus>,
}

/// An item as it stands.
#[derive(Clone, Debug)]
pub struct ItemView {
    pub item: Item,
    /// `None`: the other side lacks it.
    pub state: Option<LineState>,
    pub reference: Option<Box<str>>,
    pub topup: Option<OperationId>,
    pub gross_minor: i64,
    pub fee_minor: i64,
    /// Whole days that it has waited for.
    pub age_days: i64,
    pub status: ItemStatus,
    /// Once somebody looks after it.
    pub record: Option<ReconciliationItem>,
}

impl ItemView {
    /// Where a list of lines goes on behind it.
    #[must_use]
    pub fn place(&self) -> Option<ItemPlace> {
        match self.item.id {
            ItemId::Line { file, number } => Some((self.item.since, file, number)),
            ItemId::Topup(_) => None,
        }
    }
}

impl Settlements {
    /// Lines that did not match, the oldest first, and whether more follow.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn items(
        &self,
        filter: &ItemFilter,
        after: Option<ItemPlace>,
        limit: u32,
    ) -> Result<(Vec<ItemView>, bool), ServiceError> {
        let ItemFilter { state, min_age_days, owner, status } = *filter;
        let before = BusinessDay(self.today().saturating_sub(i32::try_from(min_age_days).unwrap_or(i32::MAX)) + 1);
        let query = ItemQuery { state, before, owner, status, after, limit: limit + 1 };
        let mut found = self.settlement.settlement_items(&query).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let mut views = Vec::with_capacity(found.len());
        for line in found {
            let record = line.item.clone();
            views.push(self.line_view(&line, record).await?);
        }
        Ok((views, more))
    }

    /// Top-ups that were paid, by our books, and that nothing has settled, the oldest first, and whether more follow.
    /// A page may lack what the filter leaves out.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn missing_there(
        &self,
        filter: &ItemFilter,
        after: Option<OperationId>,
        limit: u32,
    ) -> Result<(Vec<ItemView>, Option<OperationId>), ServiceError> {
        let now = self.clock.now();
        let to = now.plus_ms(1 - i64::from(filter.min_age_days) * DAY_MS);
        let from = now.plus_ms(-LOOKED_BACK_MS);
        let from = from.max(Timestamp::EPOCH);
        let query = UnsettledQuery { from, to, after, limit: limit + 1 };
        let found = self.settlement.unsettled_topups(&query).await?;
        self.views_of(found, filter, limit).await
    }

    /// A page of operations that the other side lacks, of which one more than the page was asked for.
    async fn views_of(
        &self,
        mut found: Vec<Operation>,
        filter: &ItemFilter,
        limit: u32,
    ) -> Result<(Vec<ItemView>, Option<OperationId>), ServiceError> {
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let last = found.last().filter(|_| more).map(|operation| operation.id);
        let ids: Vec<ItemId> = found.iter().map(|operation| ItemId::Topup(operation.id)).collect();
        let mut records: HashMap<_, _> = self.settlement.item_records(&ids).await?.into_iter().collect();
        let mut views = Vec::with_capacity(found.len());
        for operation in found {
            let record = records.remove(&ItemId::Topup(operation.id));
            let Some(view) = self.operation_view(&operation, record).await? else { continue };
            let owner = view.record.as_ref().and_then(|record| record.owner.as_deref());
            let fits_owner = filter.owner.is_none_or(|asked| owner == Some(&asked.to_string()));
            if fits_owner && filter.status.is_none_or(|asked| asked == view.status) {
                views.push(view);
            }
        }
        Ok((views, last))
    }

    /// Completed recharges of a business day that the charging system's record does not tell of, the oldest first, and
    /// where the list goes on. A page may lack what the filter leaves out.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn unrecorded(
        &self,
        (from, to): (Timestamp, Timestamp),
        filter: &ItemFilter,
        after: Option<OperationId>,
        limit: u32,
    ) -> Result<(Vec<ItemView>, Option<OperationId>), ServiceError> {
        let query = UnsettledQuery { from, to, after, limit: limit + 1 };
        let found = self.settlement.unrecorded_recharges(&query).await?;
        self.views_of(found, filter, limit).await
    }

    /// Recharges whose outcome some evidence contradicts, the oldest first, and where the list goes on. A page may lack what
    /// the filter leaves out.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn contradicted(
        &self,
        filter: &ItemFilter,
        after: Option<OperationId>,
        limit: u32,
    ) -> Result<(Vec<ItemView>, Option<OperationId>), ServiceError> {
        let mut found = Vec::new();
        for id in self.reads.contradicted(after, limit + 1).await? {
            found.extend(self.reads.operation(id).await?);
        }
        let (mut views, last) = self.views_of(found, filter, limit).await?;
        for view in &mut views {
            view.state = Some(LineState::Contradicts);
        }
        Ok((views, last))
    }

    /// # Errors
    /// [`ServiceError::NotFound`] when there is no such difference.
    pub async fn item(&self, id: ItemId) -> Result<ItemView, ServiceError> {
        let record = self.reads.record(Shard::OPERATOR, &id.key()).await?;
        let record = record.and_then(|record| record.body::<ReconciliationItem>().cloned());
        match id {
            ItemId::Line { file, number } => {
                let line = self.settlement.settlement_line(file, number).await?;
                let line = line.filter(|found| found.line.state != LineState::Matched).ok_or(ServiceError::NotFound)?;
                Ok(self.line_view(&line, record).await?)
            }
            ItemId::Topup(topup) => {
                let operation = self.reads.operation(topup).await?.ok_or(ServiceError::NotFound)?;
                let view = self.operation_view(&operation, record).await?;
                view.ok_or(ServiceError::NotFound)
            }
        }
    }

    /// Gives an item to somebody.
    ///
    /// # Errors
    /// [`ServiceError::UnknownOwner`] when there is no such client, or it may no longer call;
    /// [`ServiceError::DecidedAlready`] when the item is resolved.
    pub async fn assign(
        &self,
        caller: &Caller,
        id: ItemId,
        owner: ClientId,
        reason: &Reason,
    ) -> Result<ItemView, ServiceError> {
        let mut view = self.item(id).await?;
        let client = self.registry.client(owner).await?;
        if client.is_none_or(|client| client.revoked_at.is_some()) {
            return Err(ServiceError::UnknownOwner);
        }
        let request = Request::AssignItem(AssignItem { item: view.item.clone(), owner });
        let command = Command { actor: caller.actor().because(reason.as_str()), request };
        match self.ledger.execute(command).await {
            Ok(Outcome::Put(record)) => {
                view.record = record.body::<ReconciliationItem>().cloned();
                Ok(view)
            }
            Ok(_) => Err(ServiceError::Internal),
            Err(LedgerError::Refused(Refusal::DecidedAlready { status })) => {
                Err(ServiceError::DecidedAlready { status })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What may be proposed to become of an item.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when there is no such difference.
    pub async fn resolution(&self, id: ItemId, resolution: Resolution) -> Result<ItemResolution, ServiceError> {
        Ok(ItemResolution { item: self.item(id).await?.item, resolution })
    }

    fn today(&self) -> i32 {
        i32::try_from(self.clock.now().unix_ms().div_euclid(DAY_MS)).unwrap_or(i32::MAX - 1)
    }

    fn age_days(&self, since: BusinessDay) -> i64 {
        i64::from(self.today().saturating_sub(since.0).max(0))
    }

    async fn line_view(
        &self,
        found: &SettlementItem,
        record: Option<ReconciliationItem>,
    ) -> Result<ItemView, StoreError> {
        let line = &found.line;
        Ok(ItemView {
            item: Item::of_line(found.file, &found.acquirer, line),
            state: Some(line.state),
            reference: Some(line.reference.clone()),
            topup: line.operation,
            gross_minor: line.gross_minor,
            fee_minor: line.fee_minor,
            age_days: self.age_days(line.settled_on),
            status: self.status(record.as_ref()).await?,
            record,
        })
    }

    /// Whether something that was received says that a declined recharge took effect.
    async fn was_applied_after_all(&self, operation: &Operation) -> Result<bool, StoreError> {
        let asked = operation.recharge().is_some_and(|recharge| recharge.charging_reference.is_some());
        if !asked || operation.status != Status::Declined {
            return Ok(false);
        }
        let evidence = self.reads.evidence(&[operation.id]).await?;
        Ok(evidence.iter().any(|recorded| recorded.item.effect == Effect::Contradicts))
    }

    /// `None` when the operation is neither a completed recharge, nor a declined one that evidence contradicts, nor a top-up
    /// that was paid.
    async fn operation_view(
        &self,
        operation: &Operation,
        record: Option<ReconciliationItem>,
    ) -> Result<Option<ItemView>, StoreError> {
        let contradicted = self.was_applied_after_all(operation).await?;
        let counts = contradicted || operation.status.was_completed();
        let Some(sent) = operation.recharge().filter(|_| counts) else {
            return self.topup_view(operation, record).await;
        };
        // By our own books.
        let (kind, amount_minor, state) = if contradicted {
            (SettledKind::NotRefilled, 0, Some(LineState::Contradicts))
        } else {
            (SettledKind::Refill, operation.amount_minor, None)
        };
        let since = BusinessDay::of(operation.created_at, &jiff::tz::TimeZone::UTC);
        let id = ItemId::Topup(operation.id);
        Ok(Some(ItemView {
            item: Item { id, acquirer: CHARGING_SYSTEM.into(), kind, amount_minor, since },
            state,
            reference: sent.charging_reference.map(|reference| reference.to_string().into()),
            topup: Some(operation.id),
            gross_minor: amount_minor,
            fee_minor: 0,
            age_days: self.age_days(since),
            status: self.status(record.as_ref()).await?,
            record,
        }))
    }

    /// `None` when the operation is no top-up that was paid.
    async fn topup_view(
        &self,
        operation: &Operation,
        record: Option<ReconciliationItem>,
    ) -> Result<Option<ItemView>, StoreError> {
        let Some(payment) = operation.topup().map(|topup| &topup.payment) else { return Ok(None) };
        let (Some(acquirer), true) = (payment.acquirer.clone(), payment.captured_minor > 0) else { return Ok(None) };
        let since = BusinessDay::of(operation.created_at, &jiff::tz::TimeZone::UTC);
        let amount_minor = payment.captured_minor;
        let id = ItemId::Topup(operation.id);
        Ok(Some(ItemView {
            item: Item { id, acquirer, kind: SettledKind::Payment, amount_minor, since },
            state: None,
            reference: payment.reference.clone(),
            topup: Some(operation.id),
            gross_minor: amount_minor,
            fee_minor: 0,
            age_days: self.age_days(since),
            status: self.status(record.as_ref()).await?,
            record,
        }))
    }

    async fn status(&self, record: Option<&ReconciliationItem>) -> Result<ItemStatus, StoreError> {
        let proposal = record.filter(|record| record.resolved.is_none()).and_then(ReconciliationItem::proposal);
        let Some(proposal) = proposal else { return Ok(ItemStatus::of(record, false)) };
        let operation = self.reads.operation(proposal).await?;
        let waits = operation.is_some_and(|operation| operation.status == Status::PendingApproval);
        Ok(ItemStatus::of(record, waits))
    }
}
