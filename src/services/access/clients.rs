//! Clients: credentials of partners, made and taken away by the operator.

use std::sync::Arc;

use secrecy::SecretString;

use super::secrets::{SecretHasher, SecretHashingError};
use crate::domain::ids::uuid_v7;
use crate::domain::{ClientId, PartnerId, ResellerId, Shard, Timestamp};
use crate::ports::{Client, Clock, Randomness, Registry, Secret, StoreError};
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
    #[error("no such client is known, or it is revoked")]
    UnknownClient,
    #[error(transparent)]
    Secret(#[from] SecretHashingError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The use cases of clients.
pub struct Clients {
    pub registry: Arc<dyn Registry>,
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
        self.registry.add_client(&client, &new.partner_name).await?;
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
        self.known(id).await?;
        let now = self.clock.now();
        let (secret, hash) = self.hasher.make().await?;
        let fresh = Secret { hash, created_at: now, expires_at: None };
        self.registry.rotate_secret(id, &fresh, now.plus_ms(self.overlap_ms)).await?;
        Ok(NewSecret { client: id, secret })
    }

    /// Refuses the client from now on; tokens it holds end with it within seconds.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was written.
    pub async fn revoke(&self, id: ClientId) -> Result<Timestamp, ClientError> {
        self.known(id).await?;
        let now = self.clock.now();
        self.registry.revoke_client(id, now).await?;
        Ok(now)
    }

    async fn known(&self, id: ClientId) -> Result<Client, ClientError> {
        let client = self.registry.client(id).await?.ok_or(ClientError::UnknownClient)?;
        if client.revoked_at.is_some() { Err(ClientError::UnknownClient) } else { Ok(client) }
    }
}
