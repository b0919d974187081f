//! The keys that sign tokens: Ed25519 in PKCS#8 (RFC 8410), named by their thumbprint (RFC 7638).
//!
//! A ring is one or more private keys in PEM. The first signs; the others are accepted and published
//! until they are taken out of the ring or, where the ring says when a key was retired, until every token
//! it signed has expired.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::key_file::KeyFile;
use crate::domain::Timestamp;
use crate::ports::{Clock, Randomness};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// Stands before the block of a key that signs no longer.
const RETIRED: &str = "Retired-At: ";
/// What precedes the 32 bytes of an Ed25519 private key in PKCS#8 (RFC 8410 §7).
const PKCS8_ED25519: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// No token lives longer ([`super::TokenSettings`]): past it a retired key has nothing left to verify.
pub(super) const RETIRED_KEY_IS_ACCEPTED_MS: i64 = 20 * 60 * 1_000;
/// How often a shared key file is looked at for keys that another node put there.
const REREAD_AFTER: Duration = Duration::from_secs(10);
/// How often at most an unknown key makes us look.
const REREAD_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// Why there are no signing keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("expected one or more Ed25519 private keys in PKCS#8 PEM (RFC 8410)")]
    Malformed,
    #[error("the keys in {path} can be read by others: mode {mode:03o}, expected 600")]
    Exposed { path: String, mode: u32 },
    #[error("the keys in {path} cannot be read or written: {error}")]
    Io { path: String, error: std::io::Error },
}

/// Where the ring comes from.
#[derive(Clone)]
pub enum KeySource {
    /// A file that several nodes may share; looked at again while it is used.
    File { file: KeyFile, create_when_missing: bool },
    /// Given by configuration, as PEM.
    Given(SecretString),
}

/// One key of a ring.
#[derive(Clone)]
pub(super) struct RingKey {
    /// The seed of RFC 8032: what the PEM block holds.
    pkcs8: EncodingKey,
    pub(super) retired_at: Option<Timestamp>,
    pub(super) kid: Arc<str>,
    public: DecodingKey,
    jwk: Jwk,
}

impl RingKey {
    pub(super) fn generate(randomness: &dyn Randomness) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        randomness.fill(&mut seed);
        Self::from_der(&[&PKCS8_ED25519[..], &seed].concat(), None)
    }

    fn from_der(der: &[u8], retired_at: Option<Timestamp>) -> Result<Self, KeyError> {
        if der.len() != 48 || !der.starts_with(&PKCS8_ED25519) {
            return Err(KeyError::Malformed);
        }
        let pkcs8 = EncodingKey::from_ed_der(der);
        let mut jwk = Jwk::from_encoding_key(&pkcs8, Algorithm::EdDSA).map_err(|_| KeyError::Malformed)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError::Malformed)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let public = DecodingKey::from_jwk(&jwk).map_err(|_| KeyError::Malformed)?;
        Ok(Self { pkcs8, retired_at, kid: kid.into(), public, jwk })
    }

    pub(super) fn to_pem(&self) -> String {
        let retired = self.retired_at.map(|at| format!("{RETIRED}{at}\n")).unwrap_or_default();
        format!("{retired}{BEGIN}\n{}\n{END}\n", STANDARD.encode(self.pkcs8.as_bytes()))
    }

    /// Whether tokens that it signed may still be alive at `now`.
    pub(super) fn is_accepted(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|retired| now.since_ms(retired) < RETIRED_KEY_IS_ACCEPTED_MS)
    }
}

/// Reads one or more blocks; text between them is ignored (RFC 7468 §5.2) but for our own retirement line.
pub(super) fn parse_ring(pem: &str) -> Result<Vec<RingKey>, KeyError> {
    let mut keys = Vec::new();
    let mut retired_at = None;
    let mut block: Option<String> = None;
    for line in pem.lines().map(str::trim) {
        match &mut block {
            None if line == BEGIN => block = Some(String::new()),
            None => {
                if let Some(at) = line.strip_prefix(RETIRED) {
                    retired_at = Some(Timestamp::parse(at).map_err(|_| KeyError::Malformed)?);
                } else if line.starts_with("-----") {
                    return Err(KeyError::Malformed);
                }
            }
            Some(body) if line == END => {
                let der = STANDARD.decode(body.as_bytes()).map_err(|_| KeyError::Malformed)?;
                keys.push(RingKey::from_der(&der, retired_at.take())?);
                block = None;
            }
            Some(body) => body.push_str(line),
        }
    }
    let complete = block.is_none() && keys.first().is_some_and(|signer| signer.retired_at.is_none());
    if complete { Ok(keys) } else { Err(KeyError::Malformed) }
}

/// The keys in use.
pub struct KeyRing {
    source: KeySource,
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
}

struct State {
    keys: Arc<[RingKey]>,
    read_at: Instant,
}

impl KeyRing {
    /// Reads the ring.
    ///
    /// # Errors
    /// [`KeyError`] when there is no key fit for use.
    pub fn open(source: KeySource, clock: Arc<dyn Clock>, randomness: &dyn Randomness) -> Result<Self, KeyError> {
        if let KeySource::File { file, create_when_missing: true } = &source {
            file.create_if_missing(randomness)?;
        }
        let state = RwLock::new(State { keys: read(&source)?, read_at: Instant::now() });
        Ok(Self { source, clock, state })
    }

    /// The key that signs, with its name.
    pub(super) async fn signer(&self) -> (Arc<str>, EncodingKey) {
        self.reread_when_older_than(REREAD_AFTER).await;
        let keys = self.keys();
        let signer = keys.first().expect("a ring has at least one key");
        (Arc::clone(&signer.kid), signer.pkcs8.clone())
    }

    /// The public key named `kid`, if it is accepted. An unknown one may be another node's newest: the
    /// file is read again, at most once a second.
    pub(super) async fn verifier(&self, kid: &str) -> Option<DecodingKey> {
        if let Some(key) = self.find(kid) {
            return Some(key);
        }
        self.reread_when_older_than(REREAD_AT_MOST_EVERY).await;
        self.find(kid)
    }

    /// Whether the key named `kid` is accepted.
    pub(super) fn accepts(&self, kid: &str) -> bool {
        let now = self.clock.now();
        self.keys().iter().any(|key| &*key.kid == kid && key.is_accepted(now))
    }

    /// The public keys to publish (RFC 7517 §5), the one that signs first.
    pub async fn public_keys(&self) -> JwkSet {
        self.reread_when_older_than(REREAD_AFTER).await;
        let now = self.clock.now();
        JwkSet { keys: self.keys().iter().filter(|key| key.is_accepted(now)).map(|key| key.jwk.clone()).collect() }
    }

    fn find(&self, kid: &str) -> Option<DecodingKey> {
        let now = self.clock.now();
        self.keys().iter().find(|key| &*key.kid == kid && key.is_accepted(now)).map(|key| key.public.clone())
    }

    fn keys(&self) -> Arc<[RingKey]> {
        Arc::clone(&self.state.read().expect("no holder of this lock panics").keys)
    }

    /// Keeps what it has when the file cannot be read: a damaged file must not stop a running node.
    async fn reread_when_older_than(&self, age: Duration) {
        {
            let mut state = self.state.write().expect("no holder of this lock panics");
            if matches!(self.source, KeySource::Given(_)) || state.read_at.elapsed() < age {
                return;
            }
            // Claimed before reading: others go on with what there is.
            state.read_at = Instant::now();
        }
        let source = self.source.clone();
        match tokio::task::spawn_blocking(move || read(&source)).await {
            Ok(Ok(keys)) => self.state.write().expect("no holder of this lock panics").keys = keys,
            Ok(Err(error)) => tracing::error!(%error, "the signing keys could not be read again"),
            Err(error) => tracing::error!(%error, "reading the signing keys was cut short"),
        }
    }
}

fn read(source: &KeySource) -> Result<Arc<[RingKey]>, KeyError> {
    let pem = match source {
        KeySource::File { file, .. } => file.read()?,
        KeySource::Given(pem) => pem.clone(),
    };
    Ok(parse_ring(pem.expose_secret())?.into())
}
