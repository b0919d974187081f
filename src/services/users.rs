//! Users of outlets and their PINs (`domain.md` \[23\]).
//!
//! A PIN is compared only after the ledger has counted the attempt: `BeginAttempt`, then Argon2id off the threads
//! that serve requests, then `Verified`. A caller that goes away in between has spent an attempt and learnt nothing.

use std::sync::Arc;

use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::access::{Admission, SecretHasher, SecretHashingError};
use super::caller::{Caller, ServiceError};
use super::directory::Directory;
use crate::domain::pin::Pin;
use crate::domain::records::{PinHash, User};
use crate::domain::{Record, RecordId, RecordKind, ResellerId, Timestamp};
use crate::ledger::user::{UserAct, UserCommand, UserRefusal};
use crate::ledger::{Command, Outcome, Refusal, Request};
use crate::ports::{Clock, Ledger, LedgerError, Randomness, Reads, RecordQuery};

/// Whom a call is about.
#[derive(Clone, Debug)]
pub struct UserPlace {
    pub reseller: ResellerId,
    pub login: RecordId,
}

/// Why a user may not act by a PIN. The order is the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinRefusal {
    /// Nothing was compared.
    Locked,
    WrongPin,
    /// It was drawn by us: the user chooses another one first.
    MustChange,
    /// The device changed, or the PIN was reset, a short time ago.
    CoolingOff,
}

impl PinRefusal {
    /// Stable, in snake case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::WrongPin => "wrong_pin",
            Self::MustChange => "must_change_pin",
            Self::CoolingOff => "cooling_off",
        }
    }
}

/// What a PIN proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whether the user may act. Of a change: whether the PIN was changed.
    pub verified: bool,
    /// Why not, where it is so.
    pub refusal: Option<PinRefusal>,
    /// Until then no PIN of this user is compared.
    pub locked_until: Option<Timestamp>,
    /// Until then the user may do nothing that moves value.
    pub cooling_until: Option<Timestamp>,
    /// The PIN was drawn by us: it must be changed before anything that moves value.
    pub must_change: bool,
}

impl Verification {
    fn failed(refusal: PinRefusal, locked_until: Option<Timestamp>) -> Self {
        Self { verified: false, refusal: Some(refusal), locked_until, cooling_until: None, must_change: false }
    }

    /// The right PIN is not enough while the user may not act: a channel that looks at nothing but `verified` is right.
    fn of_user(user: &User, now: Timestamp) -> Self {
        let cooling_until = user.cooling_until_ms.map(Timestamp::from_unix_ms).filter(|until| *until > now);
        let refusal = match (user.must_change, cooling_until) {
            (true, _) => Some(PinRefusal::MustChange),
            (false, Some(_)) => Some(PinRefusal::CoolingOff),
            (false, None) => None,
        };
        let verified = refusal.is_none();
        Self { verified, refusal, locked_until: None, cooling_until, must_change: user.must_change }
    }
}

/// A page of users, by login.
#[derive(Clone, Debug)]
pub struct UserPage {
    pub items: Vec<Record>,
    /// Whether there are more.
    pub more: bool,
}

/// The use cases of users.
pub struct Users {
    pub directory: Arc<Directory>,
    pub ledger: Arc<dyn Ledger>,
    pub reads: Arc<dyn Reads>,
    pub pins: Arc<SecretHasher>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
}

/// An attempt that the ledger has counted.
struct Attempt {
    number: u32,
    user: User,
    right: bool,
}

impl Users {
    /// # Errors
    /// [`ServiceError::NotFound`] for a reseller outside the caller's subtrees, [`UserRefusal::Exists`].
    pub async fn create(
        &self,
        caller: &Caller,
        place: UserPlace,
        name: String,
        pin: Pin,
    ) -> Result<Arc<Record>, ServiceError> {
        self.directory.authorise(caller, place.reseller).await?;
        let pin = self.hash(self.admit()?, &pin).await?;
        self.execute(caller, &place, UserAct::Create { name, pin }, None).await
    }

    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn list(
        &self,
        caller: &Caller,
        reseller: ResellerId,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<UserPage, ServiceError> {
        self.directory.authorise(caller, reseller).await?;
        let query = RecordQuery {
            shard: self.directory.shard_of(reseller),
            kind: RecordKind::User,
            owner: Some(reseller),
            after: after.map(|id| (reseller, id)),
            limit: limit + 1,
        };
        let mut items = self.reads.records(&query).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        Ok(UserPage { items, more })
    }

    /// Whether this is the user's PIN, and the user may act by it. A wrong one is an answer, not an error; so is a user
    /// who is locked out or cooling off.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`]; [`ServiceError::Overloaded`] before anything was counted.
    pub async fn verify(
        &self,
        caller: &Caller,
        place: UserPlace,
        pin: SecretString,
    ) -> Result<Verification, ServiceError> {
        let attempt = match self.attempt(caller, &place, pin).await? {
            Ok(attempt) => attempt,
            Err(locked) => return Ok(locked),
        };
        if !attempt.right {
            return Ok(failed(&attempt.user));
        }
        let act = UserAct::Verified { attempt: attempt.number, pin: attempt.user.pin_secret };
        self.proved(caller, &place, act).await
    }

    /// Changes the PIN of a user who knows the present one; [`Verification::verified`] says whether it was changed.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub async fn change_pin(
        &self,
        caller: &Caller,
        place: UserPlace,
        pin: SecretString,
        new: Pin,
    ) -> Result<Verification, ServiceError> {
        let admission = self.admit()?;
        let attempt = match self.attempt(caller, &place, pin).await? {
            Ok(attempt) => attempt,
            Err(locked) => return Ok(locked),
        };
        if !attempt.right {
            return Ok(failed(&attempt.user));
        }
        let new = self.hash(admission, &new).await?;
        let act = UserAct::ChangePin { attempt: attempt.number, pin: attempt.user.pin_secret, new };
        let proof = self.proved(caller, &place, act).await?;
        // A PIN may be changed while the user may do nothing else.
        let changed = proof.refusal != Some(PinRefusal::WrongPin);
        Ok(Verification { verified: changed, ..proof })
    }

    /// Asks for a new PIN of a user who forgot it. Another person approves.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`UserRefusal::ResetPending`].
    pub async fn request_reset(
        &self,
        caller: &Caller,
        place: UserPlace,
        reason: String,
    ) -> Result<Arc<Record>, ServiceError> {
        self.directory.authorise(caller, place.reseller).await?;
        let act = UserAct::RequestReset { reason: reason.clone() };
        self.execute(caller, &place, act, Some(&reason)).await
    }

    /// Approves a reset: the new PIN is drawn here, shown once, and must be changed by the user.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`UserRefusal::NoResetPending`], [`UserRefusal::SamePerson`].
    pub async fn approve_reset(
        &self,
        caller: &Caller,
        place: UserPlace,
        reason: &str,
    ) -> Result<(Arc<Record>, Pin), ServiceError> {
        self.directory.authorise(caller, place.reseller).await?;
        let pin = self.draw();
        let new = self.hash(self.admit()?, &pin).await?;
        let record = self.execute(caller, &place, UserAct::ApproveReset { new }, Some(reason)).await?;
        Ok((record, pin))
    }

    /// # Errors
    /// As [`Self::approve_reset`].
    pub async fn refuse_reset(
        &self,
        caller: &Caller,
        place: UserPlace,
        reason: &str,
    ) -> Result<Arc<Record>, ServiceError> {
        self.directory.authorise(caller, place.reseller).await?;
        self.execute(caller, &place, UserAct::RefuseReset, Some(reason)).await
    }

    /// Tells which device the user has. Another one than before starts a cooling-off.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn set_device(
        &self,
        caller: &Caller,
        place: UserPlace,
        device: &str,
    ) -> Result<Arc<Record>, ServiceError> {
        self.directory.authorise(caller, place.reseller).await?;
        let device = hex::encode(Sha256::digest(device.as_bytes()));
        self.execute(caller, &place, UserAct::SetDevice { device }, None).await
    }

    /// Counts the attempt, then compares; the answer for a user who is locked out instead.
    async fn attempt(
        &self,
        caller: &Caller,
        place: &UserPlace,
        pin: SecretString,
    ) -> Result<Result<Attempt, Verification>, ServiceError> {
        self.directory.authorise(caller, place.reseller).await?;
        // What cannot be compared is not counted.
        let admission = self.admit()?;
        let begun = match self.execute(caller, place, UserAct::BeginAttempt, None).await {
            Ok(begun) => begun,
            Err(ServiceError::User(UserRefusal::Locked { until })) => {
                return Ok(Err(Verification::failed(PinRefusal::Locked, Some(until))));
            }
            Err(error) => return Err(error),
        };
        let user = begun.body::<User>().ok_or(ServiceError::Internal)?.clone();
        let hash = user.pin_secret.0.clone();
        let right = self.pins.compare(admission, pin, hash).await.map_err(unhashed)?;
        Ok(Ok(Attempt { number: user.attempts, user, right }))
    }

    async fn proved(&self, caller: &Caller, place: &UserPlace, act: UserAct) -> Result<Verification, ServiceError> {
        let record = match self.execute(caller, place, act, None).await {
            Ok(record) => record,
            Err(ServiceError::User(UserRefusal::PinChanged)) => {
                return Ok(Verification::failed(PinRefusal::WrongPin, None));
            }
            Err(error) => return Err(error),
        };
        let user = record.body::<User>().ok_or(ServiceError::Internal)?;
        Ok(Verification::of_user(user, self.clock.now()))
    }

    async fn execute(
        &self,
        caller: &Caller,
        place: &UserPlace,
        act: UserAct,
        reason: Option<&str>,
    ) -> Result<Arc<Record>, ServiceError> {
        let actor = caller.actor();
        let actor = if let Some(reason) = reason { actor.because(reason) } else { actor };
        let command = UserCommand { reseller: place.reseller, login: place.login.clone(), act };
        match self.ledger.execute(Command { actor, request: Request::User(command) }).await {
            Ok(Outcome::Put(record)) => Ok(record),
            Ok(_) => Err(ServiceError::Internal),
            Err(LedgerError::Refused(Refusal::User(UserRefusal::Unknown))) => Err(ServiceError::NotFound),
            Err(error) => Err(error.into()),
        }
    }

    fn admit(&self) -> Result<Admission, ServiceError> {
        self.pins.admit().map_err(unhashed)
    }

    async fn hash(&self, admission: Admission, pin: &Pin) -> Result<PinHash, ServiceError> {
        let secret = SecretString::from(pin.as_str().to_owned());
        self.pins.hash(admission, secret).await.map(PinHash).map_err(unhashed)
    }

    fn draw(&self) -> Pin {
        loop {
            let mut random = [0; 8];
            self.randomness.fill(&mut random);
            if let Some(pin) = Pin::drawn(random) {
                return pin;
            }
        }
    }
}

fn failed(user: &User) -> Verification {
    Verification::failed(PinRefusal::WrongPin, user.locked_until_ms.map(Timestamp::from_unix_ms))
}

fn unhashed(error: SecretHashingError) -> ServiceError {
    match error {
        SecretHashingError::Busy => ServiceError::Overloaded { retry_after_s: 1 },
        SecretHashingError::Failed => ServiceError::Internal,
    }
}
