//! Users and their PINs (`domain.md` \[23\]). Posts nothing.
//!
//! Whether a PIN may be tried is decided here, before it is compared: every attempt counts as a wrong one when it
//! begins, and the last permitted one locks the user at once. So of any number of guesses in parallel, on any number
//! of nodes, no more than the policy permits are ever compared. A right PIN takes back what was counted for it.

use super::books::ShardBooks;
use super::command::Refusal;
use super::rules::Moment;
use crate::domain::records::{PinHash, PinPolicy, PinReset, User};
use crate::domain::{EntryKind, Record, RecordId, RecordKey, RecordKind, ResellerId, Timestamp};

/// How long a reset waits for its approval.
pub const RESET_EXPIRES_AFTER_MS: i64 = 24 * 60 * 60 * 1_000;

/// What happens to a user of a reseller.
#[derive(Clone, Debug)]
pub struct UserCommand {
    pub reseller: ResellerId,
    pub login: RecordId,
    pub act: UserAct,
}

#[derive(Clone, Debug)]
pub enum UserAct {
    Create {
        name: String,
        pin: PinHash,
    },
    /// Counts an attempt before the PIN is compared.
    BeginAttempt,
    /// The PIN of this attempt was right: it was compared with `pin`.
    Verified {
        attempt: u32,
        pin: PinHash,
    },
    /// As [`UserAct::Verified`], and the PIN is another from now on.
    ChangePin {
        attempt: u32,
        pin: PinHash,
        new: PinHash,
    },
    RequestReset {
        reason: String,
    },
    ApproveReset {
        new: PinHash,
    },
    RefuseReset,
    /// SHA-256 of what names the device, in hexadecimal digits.
    SetDevice {
        device: String,
    },
}

impl UserCommand {
    #[must_use]
    pub fn key(&self) -> RecordKey {
        RecordKey::of_reseller(RecordKind::User, self.reseller, self.login.clone())
    }
}

/// Why nothing happens to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    #[error("the user does not exist")]
    Unknown,
    #[error("the login is taken")]
    Exists,
    #[error("the user is locked out until {until}")]
    Locked { until: Timestamp },
    #[error("the PIN was changed meanwhile")]
    PinChanged,
    #[error("a reset waits for its approval already")]
    ResetPending,
    #[error("no reset waits for an approval")]
    NoResetPending,
    #[error("whoever asked for the reset cannot decide it")]
    SamePerson,
}

/// The record of the user after the act, and the kind of its entry; `None` when nothing changes.
///
/// # Errors
/// [`Refusal`]: nothing is recorded.
pub fn act(
    books: &ShardBooks,
    command: &UserCommand,
    actor: &str,
    moment: &Moment<'_>,
) -> Result<Option<(EntryKind, Record)>, Refusal> {
    let key = command.key();
    if books.reseller(command.reseller).is_none() {
        return Err(Refusal::UnknownReseller);
    }
    let current = books.record_of(&key);
    let version = current.map_or(0, |record| record.version());
    let at = books.recorded_at(moment.now);
    let policy = books.body::<PinPolicy>(ResellerId::OPERATOR, PinPolicy::ID).copied().unwrap_or_default();
    let known = current.and_then(|record| record.body::<User>());
    let (kind, user) = match (&command.act, known) {
        (UserAct::Create { .. }, Some(_)) => return Err(UserRefusal::Exists.into()),
        (UserAct::Create { name, pin }, None) => (EntryKind::UserCreated, User::new(name.clone(), pin.clone())),
        (_, None) => return Err(UserRefusal::Unknown.into()),
        (UserAct::BeginAttempt, Some(user)) => (EntryKind::PinAttempted, begin(user, policy, at)?),
        (UserAct::Verified { attempt, pin }, Some(user)) => (EntryKind::PinVerified, verified(user, *attempt, pin)?),
        (UserAct::ChangePin { attempt, pin, new }, Some(user)) => {
            let user = verified(user, *attempt, pin)?;
            (EntryKind::PinChanged, User { pin_secret: new.clone(), must_change: false, ..user })
        }
        (UserAct::RequestReset { reason }, Some(user)) => {
            (EntryKind::PinResetRequested, request(user, reason, actor, at)?)
        }
        (UserAct::ApproveReset { new }, Some(user)) => {
            may_decide(user, actor, at)?;
            let mut user = cooled(user, policy, at);
            (user.attempts, user.lockouts, user.locked_until_ms, user.reset) = (0, 0, None, None);
            (EntryKind::PinReset, User { pin_secret: new.clone(), must_change: true, ..user })
        }
        (UserAct::RefuseReset, Some(user)) => {
            may_decide(user, actor, at)?;
            (EntryKind::PinResetRefused, User { reset: None, ..user.clone() })
        }
        (UserAct::SetDevice { device }, Some(user)) => {
            if user.device.as_ref() == Some(device) {
                return Ok(None);
            }
            // The first device is no change of one.
            let user = if user.device.is_some() { cooled(user, policy, at) } else { user.clone() };
            (EntryKind::DeviceChanged, User { device: Some(device.clone()), ..user })
        }
    };
    Ok(Some((kind, Record::new(key, version + 1, user.into()))))
}

/// Counts an attempt before it is made; the last permitted one locks.
fn begin(user: &User, policy: PinPolicy, at: Timestamp) -> Result<User, UserRefusal> {
    let mut user = user.clone();
    if let Some(until_ms) = user.locked_until_ms {
        if at.unix_ms() < until_ms {
            return Err(UserRefusal::Locked { until: Timestamp::from_unix_ms(until_ms) });
        }
        (user.attempts, user.locked_until_ms) = (0, None);
    }
    user.attempts = user.attempts.saturating_add(1);
    if user.attempts >= policy.attempts {
        user.locked_until_ms = Some(at.plus_ms(lock_ms(policy, user.lockouts)).unix_ms());
        user.lockouts = user.lockouts.saturating_add(1);
    }
    Ok(user)
}

/// The lock-out after `earlier` others: twice as long each time, up to the longest.
fn lock_ms(policy: PinPolicy, earlier: u32) -> i64 {
    let factor = 1_i64.checked_shl(earlier).filter(|factor| *factor > 0).unwrap_or(i64::MAX);
    i64::from(policy.lock_s).saturating_mul(factor).min(i64::from(policy.max_lock_s)).saturating_mul(1_000)
}

/// The right PIN at this attempt: it and what was counted before it are taken back, later ones stay counted.
fn verified(user: &User, attempt: u32, pin: &PinHash) -> Result<User, UserRefusal> {
    // Compared with a PIN that was changed meanwhile, it proves nothing.
    if user.pin_secret != *pin {
        return Err(UserRefusal::PinChanged);
    }
    let attempts = user.attempts.saturating_sub(attempt);
    Ok(User { attempts, lockouts: 0, locked_until_ms: None, ..user.clone() })
}

fn request(user: &User, reason: &str, actor: &str, at: Timestamp) -> Result<User, UserRefusal> {
    if user.reset.as_ref().is_some_and(|reset| at.unix_ms() < reset.expires_at_ms) {
        return Err(UserRefusal::ResetPending);
    }
    let reset = PinReset {
        requested_by: actor.to_owned(),
        reason: reason.to_owned(),
        requested_at_ms: at.unix_ms(),
        expires_at_ms: at.plus_ms(RESET_EXPIRES_AFTER_MS).unix_ms(),
    };
    Ok(User { reset: Some(reset), ..user.clone() })
}

/// Four eyes: whoever asked does not decide.
fn may_decide(user: &User, actor: &str, at: Timestamp) -> Result<(), UserRefusal> {
    let reset = user.reset.as_ref().filter(|reset| at.unix_ms() < reset.expires_at_ms);
    let reset = reset.ok_or(UserRefusal::NoResetPending)?;
    if reset.requested_by == actor { Err(UserRefusal::SamePerson) } else { Ok(()) }
}

fn cooled(user: &User, policy: PinPolicy, at: Timestamp) -> User {
    let until_ms = at.plus_ms(i64::from(policy.cooling_off_s) * 1_000).unix_ms();
    User { cooling_until_ms: user.cooling_until_ms.max(Some(until_ms)), ..user.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> PinHash {
        PinHash(text.into())
    }

    fn user() -> User {
        User::new("Amine".into(), hash("right"))
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_000_000_000_000 + minutes * 60_000)
    }

    #[test]
    fn the_fifth_attempt_locks_and_each_lock_lasts_twice_as_long() {
        let policy = PinPolicy::default();
        let (mut user, mut now, mut lasted) = (user(), 0, Vec::new());
        for _ in 0..9 {
            for attempt in 1..=5 {
                user = begin(&user, policy, at(now)).unwrap();
                assert_eq!(user.attempts, attempt);
            }
            let until = user.locked_until_ms.unwrap();
            let refused = begin(&user, policy, Timestamp::from_unix_ms(until - 1));
            assert_eq!(refused, Err(UserRefusal::Locked { until: Timestamp::from_unix_ms(until) }));
            let minutes = (until - at(now).unix_ms()) / 60_000;
            lasted.push(minutes);
            now += minutes;
        }
        assert_eq!(lasted, [15, 30, 60, 120, 240, 480, 960, 1_440, 1_440]);
        assert_eq!(lock_ms(policy, u32::MAX), 24 * 3_600_000);
    }

    #[test]
    fn a_right_pin_takes_back_what_was_counted_up_to_it() {
        let policy = PinPolicy::default();
        let mut user = user();
        for _ in 0..5 {
            user = begin(&user, policy, at(0)).unwrap();
        }
        assert!(user.locked_until_ms.is_some());
        let third = verified(&user, 3, &hash("right")).unwrap();
        assert_eq!((third.attempts, third.lockouts, third.locked_until_ms), (2, 0, None));
        assert_eq!(verified(&user, 3, &hash("older")), Err(UserRefusal::PinChanged));
    }

    #[test]
    fn a_reset_needs_two_people_and_a_day_at_most() {
        let asked = request(&user(), "forgotten", "client:maker", at(0)).unwrap();
        assert_eq!(may_decide(&asked, "client:maker", at(1)), Err(UserRefusal::SamePerson));
        assert_eq!(may_decide(&asked, "client:checker", at(1)), Ok(()));
        assert_eq!(may_decide(&asked, "client:checker", at(24 * 60)), Err(UserRefusal::NoResetPending));
        assert_eq!(may_decide(&user(), "client:checker", at(1)), Err(UserRefusal::NoResetPending));
        assert_eq!(request(&asked, "again", "client:maker", at(1)), Err(UserRefusal::ResetPending));
        assert!(request(&asked, "again", "client:maker", at(24 * 60)).is_ok(), "the first one has expired");
    }
}
