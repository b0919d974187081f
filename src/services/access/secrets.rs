//! Client secrets: 32 random bytes in base64url behind `tsk_`, stored as Argon2id hashes.
//!
//! A hash costs about 20 ms and 19 MiB on purpose, so no more than a few are computed at once, off the
//! threads that serve requests; what waits for its turn is bounded too.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ports::Randomness;

/// What every secret begins with, so that scanners recognise a leaked one.
const PREFIX: &str = "tsk_";
/// Longer than any secret of ours: nothing longer is worth hashing.
const MAX_LEN: usize = 128;
/// OWASP's second choice for Argon2id: 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Why a secret was neither hashed nor compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretHashingError {
    /// Too many wait for their turn.
    #[error("too many secrets are waiting to be checked")]
    Busy,
    #[error("the secret could not be hashed")]
    Failed,
}

/// The right to hash or to compare one secret, which may still wait for its turn.
pub struct Admission(OwnedSemaphorePermit);

/// Hashes and compares secrets, a bounded number at once.
pub struct SecretHasher {
    running: Arc<Semaphore>,
    /// Held by those that run and those that wait.
    admitted: Arc<Semaphore>,
    randomness: Arc<dyn Randomness>,
    /// Compared with when there is nothing to compare with, so that an unknown client costs the same time.
    decoy: String,
}

impl SecretHasher {
    /// Computes at most `at_once` hashes at a time and lets at most `waiting` more wait.
    ///
    /// # Errors
    /// [`SecretHashingError::Failed`] when hashing does not work at all.
    pub fn new(randomness: Arc<dyn Randomness>, at_once: usize, waiting: usize) -> Result<Self, SecretHashingError> {
        let decoy = hash(&make(&*randomness), &salt(&*randomness))?;
        let at_once = at_once.max(1);
        Ok(Self {
            running: Arc::new(Semaphore::new(at_once)),
            admitted: Arc::new(Semaphore::new(at_once + waiting)),
            randomness,
            decoy,
        })
    }

    /// Draws a new secret and hashes it.
    ///
    /// # Errors
    /// [`SecretHashingError`].
    pub async fn make(&self) -> Result<(SecretString, String), SecretHashingError> {
        let secret = make(&*self.randomness);
        let salt = salt(&*self.randomness);
        let hash = self.run({
            let secret = secret.clone();
            move || hash(&secret, &salt)
        });
        Ok((secret, hash.await??))
    }

    /// Whether `secret` is one of those behind `hashes`.
    ///
    /// # Errors
    /// [`SecretHashingError`].
    pub async fn matches(&self, secret: SecretString, hashes: Vec<String>) -> Result<bool, SecretHashingError> {
        let (hashes, known) = if hashes.is_empty() { (vec![self.decoy.clone()], false) } else { (hashes, true) };
        let matched = self.run(move || hashes.iter().any(|hash| is_hash_of(&secret, hash))).await?;
        Ok(matched && known)
    }

    /// Takes a place before anything else is done that must not be in vain.
    ///
    /// # Errors
    /// [`SecretHashingError::Busy`].
    pub fn admit(&self) -> Result<Admission, SecretHashingError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned();
        admitted.map(Admission).map_err(|_| SecretHashingError::Busy)
    }

    /// Hashes a secret that somebody chose.
    ///
    /// # Errors
    /// [`SecretHashingError::Failed`].
    pub async fn hash(&self, admission: Admission, secret: SecretString) -> Result<String, SecretHashingError> {
        let salt = salt(&*self.randomness);
        self.run_admitted(admission, move || hash(&secret, &salt)).await?
    }

    /// Whether `secret` is the one behind `hash`.
    ///
    /// # Errors
    /// [`SecretHashingError::Failed`].
    pub async fn compare(
        &self,
        admission: Admission,
        secret: SecretString,
        hash: String,
    ) -> Result<bool, SecretHashingError> {
        self.run_admitted(admission, move || is_hash_of(&secret, &hash)).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, SecretHashingError> {
        self.run_admitted(self.admit()?, work).await
    }

    async fn run_admitted<T: Send + 'static>(
        &self,
        Admission(admitted): Admission,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, SecretHashingError> {
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| SecretHashingError::Failed)?;
        // The permits go with the work: a client that hangs up does not end a hash that has begun.
        let work = move || {
            let done = work();
            drop((turn, admitted));
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| SecretHashingError::Failed)
    }
}

fn make(randomness: &dyn Randomness) -> SecretString {
    let mut bytes = [0; 32];
    randomness.fill(&mut bytes);
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)).into()
}

fn salt(randomness: &dyn Randomness) -> [u8; 16] {
    let mut salt = [0; 16];
    randomness.fill(&mut salt);
    salt
}

fn argon2() -> Result<Argon2<'static>, SecretHashingError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| SecretHashingError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(secret: &SecretString, salt: &[u8]) -> Result<String, SecretHashingError> {
    let hash = argon2()?.hash_password_with_salt(secret.expose_secret().as_bytes(), salt);
    hash.map(|hash: PasswordHash| hash.to_string()).map_err(|_| SecretHashingError::Failed)
}

fn is_hash_of(secret: &SecretString, hash: &str) -> bool {
    let secret = secret.expose_secret();
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    let Ok(argon2) = argon2() else { return false };
    secret.len() <= MAX_LEN && argon2.verify_password(secret.as_bytes(), &hash).is_ok()
}
