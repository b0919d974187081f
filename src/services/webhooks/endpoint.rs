//! An endpoint as use cases and the job see it.

use secrecy::SecretString;

use super::secrets::WebhookKey;
use crate::domain::records::{EndpointState, WebhookEndpoint};
use crate::domain::{ClientId, EventType, Record, RecordKind, Shard, Timestamp, WebhookId};
use crate::ports::{Reads, RecordQuery, StoreError};
use crate::services::Scope;

/// An endpoint in one of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub id: WebhookId,
    pub client: ClientId,
    pub version: i64,
    pub body: WebhookEndpoint,
}

impl Endpoint {
    /// What a record says; `None` when it is no endpoint's.
    #[must_use]
    pub fn read(record: &Record) -> Option<Self> {
        let (client, id) = WebhookEndpoint::named(record.key())?;
        Some(Self { id, client, version: record.version(), body: record.body::<WebhookEndpoint>()?.clone() })
    }

    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.body.state == EndpointState::Enabled
    }

    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.body.created_at_ms)
    }

    /// The secrets that sign now, the newest first. None when the installation's key is not the one they are made of:
    /// then nothing that is sent could be verified.
    #[must_use]
    pub fn secrets(&self, key: &WebhookKey, now: Timestamp) -> Vec<SecretString> {
        if key.fingerprint() != self.body.key_fingerprint {
            return Vec::new();
        }
        let version = self.body.secret_version;
        let overlaps = self.body.previous_until_ms.is_some_and(|until| now.unix_ms() < until);
        let previous = overlaps.then(|| key.secret(self.id, version - 1));
        std::iter::once(key.secret(self.id, version)).chain(previous).collect()
    }
}

/// What a client must be permitted to read before it is told of it; `None`: its own endpoints are its own.
#[must_use]
pub fn scope_of(event: EventType) -> Option<Scope> {
    use EventType as E;
    match event {
        E::RechargeSubmitted
        | E::RechargeCompleted
        | E::RechargeDeclined
        | E::RechargeInDoubt
        | E::RechargeReversalPending
        | E::RechargeReversed
        | E::RechargePartlyReversed
        | E::RechargeKept
        | E::ReversalPending
        | E::ReversalCompleted
        | E::ReversalDeclined => Some(Scope::RechargesRead),
        E::TopupCreated
        | E::TopupUpdated
        | E::TopupDeclined
        | E::TopupCaptured
        | E::TopupCredited
        | E::RefundStarted
        | E::RefundUpdated
        | E::RefundCompleted
        | E::RefundDeclined
        | E::DisputeOpened
        | E::DisputeWon
        | E::DisputeLost => Some(Scope::TopupsRead),
        E::TransferPending | E::TransferCompleted | E::TransferDeclined | E::StockLow | E::StockRecovered => {
            Some(Scope::StockRead)
        }
        E::AllocationCompleted | E::AllocationDeclined => Some(Scope::StockAllocate),
        E::EndpointDisabled | E::Test => None,
    }
}

/// All endpoints that were ever registered, those that are deleted left out.
///
/// # Errors
/// When the store cannot be read.
pub async fn all_endpoints(reads: &dyn Reads) -> Result<Vec<Endpoint>, StoreError> {
    const PAGE: u32 = 500;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let query =
            RecordQuery { shard: Shard::OPERATOR, kind: RecordKind::WebhookEndpoint, owner: None, after, limit: PAGE };
        let page = reads.records(&query).await?;
        let live = page.iter().filter_map(Endpoint::read).filter(|it| it.body.state != EndpointState::Deleted);
        found.extend(live);
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some((last.key().owner(), last.key().id().clone())),
            _ => return Ok(found),
        }
    }
}
