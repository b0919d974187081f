//! Tokens for client credentials (RFC 6749 §4.4) in the form of RFC 9068, signed with Ed25519.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::keys::KeyRing;
use super::secrets::{SecretHasher, SecretHashingError};
use crate::domain::ClientId;
use crate::ports::{Client, Clock, Randomness, Registry, StoreError};
use crate::services::{Scope, ServiceError};

/// The `typ` of an access token (RFC 9068 §2.1).
pub(super) const TOKEN_TYPE: &str = "at+jwt";
const MAX_LIFETIME_S: u32 = 15 * 60;

/// What tokens say of us.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// `iss`: the base URL of the installation.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// At most 15 minutes.
    pub lifetime_s: u32,
}

impl TokenSettings {
    /// Tokens of 15 minutes for the installation at `base_url`.
    #[must_use]
    pub fn for_installation(base_url: &str) -> Self {
        let issuer = base_url.trim_end_matches('/').to_owned();
        Self { audience: issuer.clone(), issuer, lifetime_s: MAX_LIFETIME_S }
    }
}

/// The claims of a token (RFC 9068 §2.2).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TokenClaims {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) client_id: String,
    pub(super) aud: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: String,
    pub(super) scope: String,
}

/// A token and what it permits.
pub struct Grant {
    pub token: SecretString,
    pub expires_in_s: u32,
    pub scopes: Vec<Scope>,
}

/// Why no token was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// Unknown, revoked or a wrong secret: the same for all, also in the time it takes.
    InvalidClient,
    /// Not a scope, or none that the client holds.
    InvalidScope,
    Overloaded {
        retry_after_s: u32,
    },
    Unavailable {
        retry_after_s: u32,
    },
    Internal,
}

/// Gives tokens to clients that prove who they are.
pub struct Tokens {
    pub registry: Arc<dyn Registry>,
    pub hasher: Arc<SecretHasher>,
    pub keys: Arc<KeyRing>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub settings: TokenSettings,
}

impl Tokens {
    /// # Errors
    /// [`GrantError`].
    pub async fn grant(
        &self,
        client_id: &str,
        secret: SecretString,
        requested_scope: Option<&str>,
    ) -> Result<Grant, GrantError> {
        let client = self.prove(client_id, secret).await?;
        let scopes = narrow(&client, requested_scope)?;
        self.sign(client.id, scopes).await
    }

    async fn prove(&self, client_id: &str, secret: SecretString) -> Result<Client, GrantError> {
        let client = match client_id.parse::<ClientId>() {
            Ok(id) => self.registry.client(id).await.map_err(|error| unavailable(&error))?,
            Err(_) => None,
        };
        let client = client.filter(|client| client.revoked_at.is_none());
        let now = self.clock.now();
        let hashes = client.iter().flat_map(|client| &client.secrets);
        let hashes = hashes.filter(|secret| secret.expires_at.is_none_or(|end| now < end));
        let hashes = hashes.map(|secret| secret.hash.clone()).collect();
        match self.hasher.matches(secret, hashes).await {
            Ok(true) => client.ok_or(GrantError::InvalidClient),
            Ok(false) => Err(GrantError::InvalidClient),
            Err(SecretHashingError::Busy) => Err(GrantError::Overloaded { retry_after_s: 1 }),
            Err(SecretHashingError::Failed) => Err(GrantError::Internal),
        }
    }

    async fn sign(&self, client: ClientId, scopes: Vec<Scope>) -> Result<Grant, GrantError> {
        let mut jti = [0; 16];
        self.randomness.fill(&mut jti);
        let lifetime_s = self.settings.lifetime_s.clamp(1, MAX_LIFETIME_S);
        let issued_at = self.clock.now().unix_s();
        let names: Vec<_> = scopes.iter().map(|scope| scope.name()).collect();
        let claims = TokenClaims {
            iss: self.settings.issuer.clone(),
            sub: client.to_string(),
            client_id: client.to_string(),
            aud: self.settings.audience.clone(),
            iat: issued_at,
            exp: issued_at + i64::from(lifetime_s),
            jti: URL_SAFE_NO_PAD.encode(jti),
            scope: names.join(" "),
        };
        let (kid, key) = self.keys.signer().await;
        let header =
            Header { typ: Some(TOKEN_TYPE.into()), kid: Some(kid.to_string()), ..Header::new(Algorithm::EdDSA) };
        let token = jsonwebtoken::encode(&header, &claims, &key).map_err(|error| {
            tracing::error!(%error, "a token could not be signed");
            GrantError::Internal
        })?;
        Ok(Grant { token: token.into(), expires_in_s: lifetime_s, scopes })
    }
}

/// The `typ` of a signed statement about a recharge: never taken for a token, which has another one.
const CERTIFICATE_TYPE: &str = "taabia-certificate+jwt";

impl Tokens {
    /// Who signs, as tokens name it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Signs what we state for others to check, with the key that signs tokens: a JWS in its compact form (RFC 7515).
    ///
    /// # Errors
    /// [`ServiceError::Internal`] when it cannot be signed.
    pub async fn certify(&self, claims: &(impl Serialize + Sync)) -> Result<String, ServiceError> {
        let (kid, key) = self.keys.signer().await;
        let header =
            Header { typ: Some(CERTIFICATE_TYPE.into()), kid: Some(kid.to_string()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &key).map_err(|error| {
            tracing::error!(%error, "a certificate could not be signed");
            ServiceError::Internal
        })
    }
}

/// All that the client holds, or the part of it that was asked for (RFC 6749 §3.3).
fn narrow(client: &Client, requested: Option<&str>) -> Result<Vec<Scope>, GrantError> {
    let held: Vec<_> = client.scopes.iter().filter_map(|name| Scope::from_name(name)).collect();
    let Some(requested) = requested else { return Ok(held) };
    let mut scopes = Vec::new();
    for name in requested.split(' ').filter(|name| !name.is_empty()) {
        let scope = Scope::from_name(name).filter(|scope| held.contains(scope)).ok_or(GrantError::InvalidScope)?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() { Err(GrantError::InvalidScope) } else { Ok(scopes) }
}

fn unavailable(error: &StoreError) -> GrantError {
    tracing::warn!(%error, "a client could not be read");
    match error {
        StoreError::Unavailable(_) | StoreError::Conflict(_) | StoreError::CommitUnknown(_) => {
            GrantError::Unavailable { retry_after_s: 1 }
        }
        StoreError::Refused(_) | StoreError::Corrupt(_) | StoreError::KeyTaken(_) | StoreError::Stale(_) => {
            GrantError::Internal
        }
    }
}
