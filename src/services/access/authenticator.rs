//! Who a token speaks for.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Validation};
use sha2::{Digest, Sha256};

use super::keys::KeyRing;
use super::known_clients::{ActiveClient, ClientFreshness, KnownClients};
use super::tokens::{TOKEN_TYPE, TokenClaims, TokenSettings};
use super::verified::{Claims, VerifiedTokens};
use crate::domain::encoding::Hash;
use crate::domain::{ClientId, Timestamp};
use crate::ports::{Clock, Registry};
use crate::services::{Caller, Scope};

/// Longer than any token of ours.
const MAX_TOKEN_LEN: usize = 4_096;

/// Why a token lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationError {
    /// Malformed, expired, not ours, or of a client that is unknown or revoked.
    InvalidToken,
    /// The client's own rate is used up.
    RateLimited { retry_after_s: u32 },
    /// The client's state has not been readable for too long.
    Unavailable { retry_after_s: u32 },
}

/// Bounds of what an authenticator remembers.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticatorSettings {
    /// Verified tokens remembered at most.
    pub remembered_tokens: usize,
    pub freshness: ClientFreshness,
}

impl Default for AuthenticatorSettings {
    fn default() -> Self {
        Self { remembered_tokens: 65_536, freshness: ClientFreshness::default() }
    }
}

/// Turns tokens into callers.
pub struct Authenticator {
    keys: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    clients: KnownClients,
    verified: VerifiedTokens,
    validation: Validation,
}

impl Authenticator {
    #[must_use]
    pub fn new(
        registry: Arc<dyn Registry>,
        keys: Arc<KeyRing>,
        clock: Arc<dyn Clock>,
        tokens: &TokenSettings,
        settings: AuthenticatorSettings,
    ) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&tokens.issuer]);
        validation.set_audience(&[&tokens.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library would ask the system's clock; the expiry is compared with ours, without leeway.
        validation.validate_exp = false;
        Self {
            keys,
            clock,
            clients: KnownClients::new(registry, settings.freshness),
            verified: VerifiedTokens::new(settings.remembered_tokens),
            validation,
        }
    }

    /// # Errors
    /// [`AuthenticationError`].
    pub async fn authenticate(&self, token: &str) -> Result<Caller, AuthenticationError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(AuthenticationError::InvalidToken);
        }
        let claims = self.claims(token).await.ok_or(AuthenticationError::InvalidToken)?;
        let client = match self.clients.current(claims.client).await {
            Ok(client) => client.ok_or(AuthenticationError::InvalidToken)?,
            Err(_) => return Err(AuthenticationError::Unavailable { retry_after_s: 1 }),
        };
        client.admit().map_err(|retry_after_s| AuthenticationError::RateLimited { retry_after_s })?;
        Ok(caller(&client, &claims.scopes))
    }

    /// The claims of a token that is ours and alive.
    async fn claims(&self, token: &str) -> Option<Arc<Claims>> {
        let digest: Hash = Sha256::digest(token.as_bytes()).into();
        let now = self.clock.now();
        if let Some(claims) = self.verified.get(&digest) {
            // A key may leave the ring before the tokens it signed expire.
            if now < claims.expires_at && self.keys.accepts(&claims.kid) {
                return Some(claims);
            }
            self.verified.remove(&digest);
        }
        let claims = Arc::new(self.verify(token, now).await?);
        self.verified.insert(digest, Arc::clone(&claims));
        Some(claims)
    }

    /// As strict as RFC 9068 §4 asks: the type, our algorithm only, a key of ours, issuer, audience, expiry.
    async fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let typ = header.typ?.to_ascii_lowercase();
        let is_access_token = typ.strip_prefix("application/").unwrap_or(&typ) == TOKEN_TYPE;
        if !is_access_token || header.alg != Algorithm::EdDSA || header.crit.is_some() {
            return None;
        }
        let kid = header.kid?;
        let key = self.keys.verifier(&kid).await?;
        let token = jsonwebtoken::decode::<TokenClaims>(token, &key, &self.validation).ok()?.claims;
        let expires_at = Timestamp::from_unix_ms(token.exp.saturating_mul(1_000));
        if now >= expires_at || token.sub != token.client_id {
            return None;
        }
        let client: ClientId = token.client_id.parse().ok()?;
        let scopes = token.scope.split(' ').filter_map(Scope::from_name).collect();
        Some(Claims { client, scopes, expires_at, kid: kid.into() })
    }
}

/// The client with the scopes that both its token and its present state permit.
fn caller(client: &ActiveClient, token_scopes: &Arc<[Scope]>) -> Caller {
    let all_held = token_scopes.iter().all(|scope| client.scopes.contains(scope));
    let scopes = if all_held {
        Arc::clone(token_scopes)
    } else {
        token_scopes.iter().copied().filter(|scope| client.scopes.contains(scope)).collect()
    };
    Caller {
        client: client.id,
        partner: client.partner,
        name: Arc::clone(&client.name),
        scopes,
        roots: Arc::clone(&client.roots),
        rate_limit_per_s: client.rate_limit_per_s,
        address: None,
        request: None,
    }
}
