//! The registry: the network's tree, partners and API clients. Nothing in it is read by a ledger decision.

use async_trait::async_trait;

use super::store::StoreError;
use crate::domain::{ClientId, PartnerId, ResellerId, Timestamp};
use crate::ledger::Registration;

/// A hashed secret of a client; two are valid while one is rotated out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Argon2id in PHC string form.
    pub hash: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// API credentials of a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub id: ClientId,
    pub partner: PartnerId,
    pub name: String,
    pub scopes: Vec<String>,
    /// Roots of the subtrees it acts for.
    pub roots: Vec<ResellerId>,
    pub secrets: Vec<Secret>,
    pub rate_limit_per_s: Option<u32>,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

#[async_trait]
pub trait Registry: Send + Sync {
    async fn reseller(&self, id: ResellerId) -> Result<Option<Registration>, StoreError>;

    async fn reseller_by_code(&self, code: &str) -> Result<Option<Registration>, StoreError>;

    /// The reseller itself and all above it, from the bottom up; empty when it does not exist.
    async fn ancestors(&self, id: ResellerId) -> Result<Vec<ResellerId>, StoreError>;

    /// All below `roots`, the roots included, each once, by id, beginning after `after`.
    async fn subtree(
        &self,
        roots: &[ResellerId],
        after: Option<ResellerId>,
        limit: u32,
    ) -> Result<Vec<Registration>, StoreError>;

    async fn client(&self, id: ClientId) -> Result<Option<Client>, StoreError>;

    /// All clients, by name, revoked ones included.
    async fn clients(&self) -> Result<Vec<Client>, StoreError>;

    /// Writes a new client with its secrets and roots; its partner too when `partner_name` is of a new one.
    async fn add_client(&self, client: &Client, partner_name: &str) -> Result<(), StoreError>;

    /// Adds a secret and lets the others end at `others_expire_at` unless they end earlier.
    async fn rotate_secret(&self, id: ClientId, secret: &Secret, others_expire_at: Timestamp)
    -> Result<(), StoreError>;

    async fn revoke_client(&self, id: ClientId, at: Timestamp) -> Result<(), StoreError>;
}
