//! After a restore from a backup: nothing is sold until the books agree with the charging systems and acquirers.
//!
//! What happened after the backup is known outside only. Their records are imported as every day ([`Settlements`]): they
//! move what was under way, and what they have beyond our books stands in suspense until two persons resolve it. Sales
//! stay refused, on every node and after every restart, by one record of the operator, until nothing is outstanding.

use std::collections::HashMap;
use std::sync::Arc;

use super::ServiceError;
use super::settlement::{ItemFilter, Settlements};
use crate::domain::records::{Imported, Outstanding, Recovery, SettlementFile, outstanding};
use crate::domain::settlement::CHARGING_SYSTEM;
use crate::domain::{
    BusinessDay, Calendar, ItemId, OperationId, RecordKey, RecordKind, SettlementId, Shard, Status, Timestamp,
};
use crate::engine::SalesGate;
use crate::ledger::Actor;
use crate::ledger::command::{Command, Outcome, PutRecord, Request};
use crate::ports::settlement::ItemStatus;
use crate::ports::store::RecordQuery;
use crate::ports::{AuditReader, LedgerError, Reads, StoreError, TopupReads};

/// Rows that are read at once.
const PAGE: u32 = 500;
const DAY_MS: i64 = 86_400_000;

/// The one record of the kind.
fn key() -> RecordKey {
    RecordKey::of_operator(RecordKind::Recovery, "recovery".parse().expect("the id is plain"))
}

/// How the store stands: `None` when it was never restored.
///
/// # Errors
/// [`StoreError`].
pub async fn standing(reads: &dyn Reads) -> Result<Option<Recovery>, StoreError> {
    let record = reads.record(Shard::OPERATOR, &key()).await?;
    Ok(record.and_then(|record| record.body::<Recovery>().cloned()))
}

/// Sets the gate of a node by what the store says.
///
/// # Errors
/// [`StoreError`]; the gate stays as it is.
pub async fn heed(reads: &dyn Reads, gate: &SalesGate) -> Result<(), StoreError> {
    let open = standing(reads).await?.filter(Recovery::is_open);
    let since = open.map(|recovery| Timestamp::from_unix_ms(recovery.begun_at_ms));
    if gate.set(since) {
        match since {
            Some(since) => tracing::warn!(%since, "sales are refused: the books were restored and do not agree yet"),
            None => tracing::info!("sales are let through"),
        }
    }
    Ok(())
}

/// Why a recovery does not begin or end.
#[derive(Debug)]
pub enum RecoveryError {
    /// None is under way.
    NotBegun,
    /// The books do not agree yet.
    Outstanding(Vec<Outstanding>),
    /// There is no such source.
    UnknownSource(Box<str>),
    Service(ServiceError),
}

impl<E: Into<ServiceError>> From<E> for RecoveryError {
    fn from(error: E) -> Self {
        Self::Service(error.into())
    }
}

/// The use cases of a recovery.
pub struct Recoveries {
    pub settlements: Arc<Settlements>,
    pub topups: Arc<dyn TopupReads>,
    pub audit: Arc<dyn AuditReader>,
    pub calendar: Calendar,
}

impl Recoveries {
    fn reads(&self) -> &dyn Reads {
        &*self.settlements.reads
    }

    /// Refuses sales from now on. The flag tells that they were refused before.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn begin(&self, actor: Actor) -> Result<(Recovery, bool), RecoveryError> {
        if let Some(recovery) = standing(self.reads()).await?.filter(Recovery::is_open) {
            return Ok((recovery, true));
        }
        let heads = self.audit.snapshot().await?.heads;
        let restored_to = heads.iter().map(|head| head.recorded_at).max().unwrap_or(Timestamp::EPOCH);
        let recovery = Recovery {
            begun_at_ms: self.settlements.clock.now().unix_ms(),
            restored_to_ms: restored_to.unix_ms(),
            ended_at_ms: None,
            without: Vec::new(),
        };
        self.put(actor, recovery).await.map(|recovery| (recovery, false))
    }

    /// What is still to be done. Empty when the books agree.
    ///
    /// # Errors
    /// [`RecoveryError::NotBegun`], [`RecoveryError::UnknownSource`]; [`ServiceError`].
    pub async fn outstanding(&self, without: &[Box<str>]) -> Result<(Recovery, Vec<Outstanding>), RecoveryError> {
        let recovery = standing(self.reads()).await?.filter(Recovery::is_open).ok_or(RecoveryError::NotBegun)?;
        let acquirers = self.settlements.acquirers.states().into_iter().map(|(name, _)| Box::from(name.as_str()));
        let sources: Vec<Box<str>> = std::iter::once(CHARGING_SYSTEM.into()).chain(acquirers).collect();
        if let Some(unknown) = without.iter().find(|source| !sources.contains(source)) {
            return Err(RecoveryError::UnknownSource(unknown.clone()));
        }
        let imported = self.imported(&recovery, sources).await?;
        let restored_to = self.calendar.day_of(Timestamp::from_unix_ms(recovery.restored_to_ms));
        let mut found = outstanding(&imported, without, restored_to);
        let first_day = imported[0].first_day;
        if let Some(count) = self.unrecorded(&recovery, first_day).await?.filter(|count| *count > 0) {
            found.push(Outstanding::Unrecorded { count });
        }
        // Whatever their deadlines are: nothing new is sold meanwhile.
        let (open, _) = self.reads().doubt(Timestamp::from_unix_ms(i64::MAX)).await?;
        if open > 0 {
            found.push(Outstanding::InDoubt { count: usize::try_from(open).unwrap_or(usize::MAX) });
        }
        let count = self.open_payments().await?;
        if count > 0 {
            found.push(Outstanding::OpenPayments { count });
        }
        Ok((recovery, found))
    }

    /// Lets sales through again.
    ///
    /// # Errors
    /// As [`Recoveries::outstanding`]; [`RecoveryError::Outstanding`] while the books do not agree: nothing changes.
    pub async fn finish(&self, actor: Actor, without: &[Box<str>]) -> Result<Recovery, RecoveryError> {
        let (mut recovery, found) = self.outstanding(without).await?;
        if !found.is_empty() {
            return Err(RecoveryError::Outstanding(found));
        }
        recovery.ended_at_ms = Some(self.settlements.clock.now().unix_ms());
        recovery.without = without.to_vec();
        self.put(actor, recovery).await
    }

    async fn put(&self, actor: Actor, recovery: Recovery) -> Result<Recovery, RecoveryError> {
        let put = PutRecord { key: key(), expected: None, content: recovery.clone().into() };
        let command = Command { actor, request: Request::PutRecord(put) };
        match self.settlements.ledger.execute(command).await {
            Ok(Outcome::Put(_)) => Ok(recovery),
            Ok(_) => Err(LedgerError::Internal.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// What each source brought since the recovery began, the charging system first.
    async fn imported(&self, recovery: &Recovery, sources: Vec<Box<str>>) -> Result<Vec<Imported>, RecoveryError> {
        let none = |source| Imported { source, files: 0, unfinished: 0, first_day: None, open_items: 0 };
        let mut imported: Vec<Imported> = sources.into_iter().map(none).collect();
        let files = self.files(recovery.begun_at_ms).await?;
        for file in files.values() {
            let Some(it) = imported.iter_mut().find(|it| *it.source == *file.acquirer) else { continue };
            if file.is_complete() {
                it.files += 1;
            } else {
                it.unfinished += 1;
            }
            let first_day = file.first_day.map(BusinessDay);
            it.first_day = it.first_day.into_iter().chain(first_day).min();
        }
        let (filter, mut after) = (ItemFilter::default(), None);
        loop {
            let (views, more) = self.settlements.items(&filter, after, PAGE).await?;
            for view in views.iter().filter(|view| view.status != ItemStatus::Resolved) {
                let ItemId::Line { file, .. } = view.item.id else { continue };
                let source = files.get(&file).map(|file| &file.acquirer);
                if let Some(it) = imported.iter_mut().find(|it| Some(&it.source) == source) {
                    it.open_items += 1;
                }
            }
            after = views.last().and_then(super::settlement::ItemView::place);
            if !more {
                return Ok(imported);
            }
        }
    }

    /// Files whose import began since a time.
    async fn files(&self, since_ms: i64) -> Result<HashMap<SettlementId, SettlementFile>, StoreError> {
        let (mut files, mut after) = (HashMap::new(), None);
        loop {
            let (shard, kind, limit) = (Shard::OPERATOR, RecordKind::SettlementFile, PAGE);
            let page = self.reads().records(&RecordQuery { shard, kind, owner: None, after, limit }).await?;
            let complete = page.len() < PAGE as usize;
            after = page.last().map(|record| (record.key().owner(), record.key().id().clone()));
            for record in page {
                let Some(file) = record.body::<SettlementFile>() else { continue };
                if let (true, Ok(id)) = (file.begun_at_ms >= since_ms, record.key().id().as_str().parse()) {
                    files.insert(id, file.clone());
                }
            }
            if complete {
                return Ok(files);
            }
        }
    }

    /// Completed recharges on the days that the charging system's record tells of, which it lacks.
    async fn unrecorded(
        &self,
        recovery: &Recovery,
        first_day: Option<BusinessDay>,
    ) -> Result<Option<usize>, RecoveryError> {
        let Some(first_day) = first_day else { return Ok(None) };
        // Whose midnight the record means is not known: the later one.
        let from = self.calendar.bounds(first_day).0.max(Timestamp::from_unix_ms(i64::from(first_day.0) * DAY_MS));
        let bounds = (from, Timestamp::from_unix_ms(recovery.begun_at_ms));
        let (mut count, mut after) = (0, None);
        loop {
            let (views, more) = self.settlements.unrecorded(bounds, &ItemFilter::default(), after, PAGE).await?;
            count += views.iter().filter(|view| view.status != ItemStatus::Resolved).count();
            after = more;
            if after.is_none() {
                return Ok(Some(count));
            }
        }
    }

    /// Top-ups whose money is on its way, or was taken and brought nothing yet.
    async fn open_payments(&self) -> Result<usize, StoreError> {
        let (mut count, mut after) = (0, OperationId::from_uuid(uuid::Uuid::nil()));
        loop {
            let page = self.topups.open_topups(after, PAGE).await?;
            let on_its_way = [Status::Processing, Status::InDoubt, Status::Captured];
            count += page.iter().filter(|topup| on_its_way.contains(&topup.status)).count();
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = last.id,
                _ => return Ok(count),
            }
        }
    }
}
