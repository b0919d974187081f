//! What is told: the body of an event, for a client that may see what it is about.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::endpoint::{Endpoint, scope_of};
use crate::domain::records::StockAlert;
use crate::domain::{
    ClientId, EntryKind, EventId, EventType, Operation, OperationId, Record, RecordKind, ResellerId, Shard, Timestamp,
};
use crate::ledger::stock_watch;
use crate::ports::{LoggedEvent, Reads, RecordQuery, Registry};
use crate::services::{Caller, Directory, Scope, ServiceError};

/// How things look on the wire: the same as what `GET` answers.
#[async_trait]
pub trait Representations: Send + Sync {
    /// `None` for a kind that has no representation.
    async fn operation(&self, operation: &Operation) -> Option<Box<RawValue>>;

    fn stock(&self, reseller: ResellerId, alert: &StockAlert) -> Option<Box<RawValue>>;

    fn endpoint(&self, endpoint: &Endpoint) -> Option<Box<RawValue>>;
}

/// Makes the bodies of events.
pub struct Messages {
    pub reads: Arc<dyn Reads>,
    pub registry: Arc<dyn Registry>,
    pub directory: Arc<Directory>,
    pub representations: Arc<dyn Representations>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    /// When it was recorded.
    timestamp: String,
    sequence: i64,
    data: &'a RawValue,
}

/// The body of an event.
#[must_use]
pub fn body(event: EventType, recorded_at: Timestamp, sequence: i64, data: &RawValue) -> String {
    let body = Body { r#type: event.name(), timestamp: recorded_at.to_string(), sequence, data };
    serde_json::to_string(&body).expect("texts and numbers")
}

impl Messages {
    /// The client as it may call now; `None` when it may no longer.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn client(&self, id: ClientId) -> Result<Option<Caller>, ServiceError> {
        let client = self.registry.client(id).await?.filter(|client| client.revoked_at.is_none());
        Ok(client.map(|client| Caller {
            client: client.id,
            partner: client.partner,
            name: client.name.into(),
            scopes: client.scopes.iter().filter_map(|name| Scope::from_name(name)).collect(),
            roots: client.roots.into(),
            rate_limit_per_s: None,
            address: None,
            request: None,
        }))
    }

    /// Whether an entry may be for an endpoint, as far as the log alone tells.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn concerns(
        &self,
        caller: &Caller,
        endpoint: &Endpoint,
        logged: &LoggedEvent,
    ) -> Result<bool, ServiceError> {
        let Some(event) = EventType::of(logged.kind).filter(|event| endpoint.body.wants(*event)) else {
            return Ok(false);
        };
        if !scope_of(event).is_none_or(|scope| caller.may(scope)) {
            return Ok(false);
        }
        if logged.kind.about() == crate::domain::About::Record {
            return Ok(true);
        }
        self.sees(caller, logged.reseller, logged.counterparty).await
    }

    /// Whether one of the ends of an operation is the caller's.
    async fn sees(
        &self,
        caller: &Caller,
        reseller: Option<ResellerId>,
        counterparty: Option<ResellerId>,
    ) -> Result<bool, ServiceError> {
        for end in [reseller, counterparty].into_iter().flatten().filter(|end| *end != ResellerId::OPERATOR) {
            match self.directory.authorise(caller, end).await {
                Ok(()) => return Ok(true),
                Err(ServiceError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// What an endpoint is told of an event now; `None` when it is none of its business, or no longer.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn of(
        &self,
        caller: &Caller,
        endpoint: &Endpoint,
        (id, kind, subject): (EventId, EntryKind, Uuid),
    ) -> Result<Option<String>, ServiceError> {
        let logged = LoggedEvent { id, kind, subject, reseller: None, counterparty: None };
        let Some(event) = EventType::of(kind).filter(|event| endpoint.body.wants(*event)) else { return Ok(None) };
        if !scope_of(event).is_none_or(|scope| caller.may(scope)) {
            return Ok(None);
        }
        let data = match event {
            EventType::StockLow | EventType::StockRecovered => self.stock(caller, &logged).await?,
            EventType::EndpointDisabled => self.disabled(endpoint, subject).await?,
            _ => self.operation(caller, subject).await?,
        };
        Ok(data.map(|data| body(event, id.recorded_at, id.sequence, &data)))
    }

    async fn operation(&self, caller: &Caller, subject: Uuid) -> Result<Option<Box<RawValue>>, ServiceError> {
        let Some(operation) = self.reads.operation(OperationId::from_uuid(subject)).await? else { return Ok(None) };
        let other_end = operation.transfer().and_then(|transfer| transfer.to);
        let other_end = other_end.or_else(|| operation.allocation().map(|allocation| allocation.to));
        if !self.sees(caller, Some(operation.reseller), other_end).await? {
            return Ok(None);
        }
        Ok(self.representations.operation(&operation).await)
    }

    /// The alert that an entry is about: it names its record by a hash, so the alerts of the shard are looked through.
    /// They are as many as watched resellers, and cross their thresholds seldom.
    async fn stock(&self, caller: &Caller, logged: &LoggedEvent) -> Result<Option<Box<RawValue>>, ServiceError> {
        let Some(record) = self.record_of(logged.id.shard, RecordKind::StockAlert, logged.subject).await? else {
            return Ok(None);
        };
        let reseller = record.key().owner();
        let Some(alert) = record.body::<StockAlert>() else { return Ok(None) };
        let sees = self.sees(caller, Some(reseller), None).await?;
        debug_assert_eq!(stock_watch::key(RecordKind::StockAlert, reseller), *record.key());
        Ok(if sees { self.representations.stock(reseller, alert) } else { None })
    }

    /// Another endpoint of the same client that was disabled.
    async fn disabled(&self, endpoint: &Endpoint, subject: Uuid) -> Result<Option<Box<RawValue>>, ServiceError> {
        let found = self.record_of(Shard::OPERATOR, RecordKind::WebhookEndpoint, subject).await?;
        let other = found.as_ref().and_then(Endpoint::read);
        let other = other.filter(|other| other.client == endpoint.client && other.id != endpoint.id);
        Ok(other.and_then(|other| self.representations.endpoint(&other)))
    }

    async fn record_of(&self, shard: Shard, kind: RecordKind, subject: Uuid) -> Result<Option<Record>, ServiceError> {
        const PAGE: u32 = 500;
        let mut after = None;
        loop {
            let query = RecordQuery { shard, kind, owner: None, after, limit: PAGE };
            let page = self.reads.records(&query).await?;
            let full = page.len() == PAGE as usize;
            after = page.last().map(|last| (last.key().owner(), last.key().id().clone()));
            if let Some(found) = page.into_iter().find(|record| record.key().subject() == subject) {
                return Ok(Some(found));
            }
            if !full {
                return Ok(None);
            }
        }
    }
}
