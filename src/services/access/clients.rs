//! Clients: credentials of partners, made and taken away by the operator.

use std::sync::Arc;

use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::secrets::{SecretHasher, SecretHashingError};
use crate::domain::ids::uuid_v7;
use crate::domain::{ClientId, PartnerId, Record, RecordKey, RecordKind, ResellerId, Shard, Timestamp, records};
use crate::ledger::command::PutRecord;
use crate::ledger::{Actor, Command, Request};
use crate::ports::{Client, Clock, Ledger, LedgerError, Randomness, Reads, Registry, Secret, StoreError};
use crate::services::Scope;

/// What a new client is to be.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Unique among clients.
    pub name: String,
    pub partner: PartnerId,
    /// Named when the partner is a new one.
    pub partner_name: String,
    pub scopes: Vec<Scope>,
    /// Roots of the subtrees it acts for.
    pub roots: Vec<ResellerId>,
    pub rate_limit_per_s: Option<u32>,
}

/// A secret, shown once: only its hash is kept.
pub struct NewSecret {
    pub client: ClientId,
    pub secret: SecretString,
}

/// Why a client was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    #[error("expected a name of 1 to 64 characters without control characters")]
    Name,
    #[error("expected at least one scope")]
    NoScope,
    #[error("no reseller {0} is known")]
    UnknownReseller(ResellerId),
    #[error("another client has this name")]
    NameTaken,
    #[error("no such client is known, or it is revoked")]
    UnknownClient,
    #[error("the journal cannot be written: {0}")]
    Journal(#[from] LedgerError),
    #[error(transparent)]
    Secret(#[from] SecretHashingError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The use cases of clients. Whatever is done to one stands on the log before it takes effect: nobody ever holds what
/// the log does not know.
pub struct Clients {
    pub registry: Arc<dyn Registry>,
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    /// Who works with it.
    pub actor: Actor,
    pub hasher: Arc<SecretHasher>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    /// How long the old secrets stay valid beside a new one.
    pub overlap_ms: i64,
}

impl Clients {
    /// # Errors
    /// [`ClientError`]; nothing was written.
    pub async fn create(&self, new: NewClient) -> Result<NewSecret, ClientError> {
        let length = new.name.chars().count();
        if !(1..=64).contains(&length) || new.name.chars().any(char::is_control) {
            return Err(ClientError::Name);
        }
        if new.scopes.is_empty() {
            return Err(ClientError::NoScope);
        }
        if self.registry.clients().await?.iter().any(|known| known.name == new.name) {
            return Err(ClientError::NameTaken);
        }
        for &root in &new.roots {
            self.registry.reseller(root).await?.ok_or(ClientError::UnknownReseller(root))?;
        }
        let now = self.clock.now();
        let (secret, hash) = self.hasher.make().await?;
        let mut random = [0; 10];
        self.randomness.fill(&mut random);
        let client = Client {
            id: ClientId::from_uuid(uuid_v7(now, random, Shard::new(random[9]))),
            partner: new.partner,
            name: new.name,
            scopes: new.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            roots: new.roots,
            secrets: vec![Secret { hash, created_at: now, expires_at: None }],
            rate_limit_per_s: new.rate_limit_per_s,
            created_at: now,
            revoked_at: None,
        };
        self.log(&client).await?;
        if let Err(error) = self.registry.add_client(&client, &new.partner_name).await {
            // The log must not tell of a client that could come in.
            self.log(&Client { revoked_at: Some(now), ..client }).await?;
            return Err(error.into());
        }
        Ok(NewSecret { client: client.id, secret })
    }

    /// All clients, by name, revoked ones included.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn list(&self) -> Result<Vec<Client>, StoreError> {
        self.registry.clients().await
    }

    /// Makes a new secret; the present ones stay valid for the overlap.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was written.
    pub async fn rotate(&self, id: ClientId) -> Result<NewSecret, ClientError> {
        let mut client = self.known(id).await?;
        let now = self.clock.now();
        let (secret, hash) = self.hasher.make().await?;
        let fresh = Secret { hash, created_at: now, expires_at: None };
        client.secrets.push(fresh.clone());
        self.log(&client).await?;
        self.registry.rotate_secret(id, &fresh, now.plus_ms(self.overlap_ms)).await?;
        Ok(NewSecret { client: id, secret })
    }

    /// Refuses the client from now on; tokens it holds end with it within seconds. One that is on the log alone, because
    /// adding it was cut off, ends there.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was written.
    pub async fn revoke(&self, id: ClientId) -> Result<Timestamp, ClientError> {
        let now = self.clock.now();
        if self.registry.client(id).await?.is_none() {
            let record = self.reads.record(Shard::OPERATOR, &key(id)).await?;
            let body = record.as_ref().and_then(Record::body::<records::Client>);
            let body = body.filter(|body| body.revoked_at_ms.is_none()).ok_or(ClientError::UnknownClient)?;
            self.put(id, records::Client { revoked_at_ms: Some(now.unix_ms()), ..body.clone() }).await?;
            return Ok(now);
        }
        let client = self.known(id).await?;
        self.log(&Client { revoked_at: Some(now), ..client }).await?;
        self.registry.revoke_client(id, now).await?;
        Ok(now)
    }

    async fn log(&self, client: &Client) -> Result<(), ClientError> {
        self.put(client.id, logged(client)).await
    }

    async fn put(&self, id: ClientId, content: records::Client) -> Result<(), ClientError> {
        let put = PutRecord { key: key(id), expected: None, content: content.into() };
        self.ledger.execute(Command { actor: self.actor.clone(), request: Request::PutRecord(put) }).await?;
        Ok(())
    }

    async fn known(&self, id: ClientId) -> Result<Client, ClientError> {
        let client = self.registry.client(id).await?.ok_or(ClientError::UnknownClient)?;
        if client.revoked_at.is_some() { Err(ClientError::UnknownClient) } else { Ok(client) }
    }
}

/// What the log keeps of a client.
#[must_use]
pub fn logged(client: &Client) -> records::Client {
    let fingerprint = |secret: &Secret| hex::encode(&Sha256::digest(&secret.hash)[..8]);
    records::Client {
        name: client.name.clone(),
        partner: client.partner.to_string(),
        scopes: client.scopes.clone(),
        resellers: client.roots.iter().map(ToString::to_string).collect(),
        rate_limit_per_s: client.rate_limit_per_s,
        fingerprints: client.secrets.iter().map(fingerprint).collect(),
        revoked_at_ms: client.revoked_at.map(Timestamp::unix_ms),
    }
}

fn key(id: ClientId) -> RecordKey {
    RecordKey::of_operator(RecordKind::Client, id.to_string().parse().expect("ids are short printable ASCII"))
}
