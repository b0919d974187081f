//! A user on the wire, and what names one in a path.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::records::User as Body;
use crate::domain::{Record, ResellerId, Timestamp};
use crate::http::body::Field;
use crate::http::problem::{Code, Problem};
use crate::services::UserPlace;

pub const PIN: Field = Field::text("pin", 8, "The user's PIN.", "407193").matching("^[0-9]{4,8}$");

/// A PIN as somebody typed it: whether it is a good one does not matter, only whether it is the user's.
pub fn typed_pin(text: &str) -> Result<secrecy::SecretString, &'static str> {
    let digits = (4..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(text.to_owned().into()) } else { Err("expected 4 to 8 digits") }
}

/// The user that a path names.
///
/// # Errors
/// `404`, as for one that does not exist.
pub fn place((reseller, login): (String, String)) -> Result<UserPlace, Problem> {
    let not_found = || Problem::new(Code::NotFound);
    let reseller: ResellerId = reseller.parse().map_err(|_| not_found())?;
    let login = Body::login(&login).map_err(|_| not_found())?;
    Ok(UserPlace { reseller, login })
}

/// A reset that waits for a second person.
#[derive(Serialize, ToSchema)]
pub struct PendingReset {
    #[schema(example = "client:cli_01939f3e-7c00-7000-8000-000000000002")]
    requested_by: String,
    reason: String,
    #[schema(format = DateTime)]
    requested_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A user of an outlet. The PIN is never shown.
#[derive(Serialize, ToSchema)]
pub struct User {
    #[schema(example = "rsl_01939f3e-7c00-7000-8000-00000000000a")]
    reseller_id: String,
    #[schema(example = "amine")]
    login: String,
    #[schema(example = "Amine B.")]
    name: String,
    /// The end of the latest lock-out, if no right PIN came since.
    #[schema(required, format = DateTime)]
    locked_until: Option<String>,
    /// The end of the latest cooling-off.
    #[schema(required, format = DateTime)]
    cooling_off_until: Option<String>,
    /// Whether the PIN must be changed before anything that moves value.
    must_change_pin: bool,
    /// Whether a device is known.
    has_device: bool,
    /// The reset that was asked for last and is not decided, also when it has expired.
    #[schema(required)]
    reset: Option<PendingReset>,
}

impl User {
    /// # Errors
    /// When the record is of another kind, which is our fault.
    pub fn of(record: &Record) -> Result<Self, Problem> {
        let user = record.body::<Body>().ok_or_else(|| Problem::new(Code::InternalError))?;
        let time = |unix_ms: i64| Timestamp::from_unix_ms(unix_ms).to_string();
        Ok(Self {
            reseller_id: record.key().owner().to_string(),
            login: record.key().id().to_string(),
            name: user.name.clone(),
            locked_until: user.locked_until_ms.map(time),
            cooling_off_until: user.cooling_until_ms.map(time),
            must_change_pin: user.must_change,
            has_device: user.device.is_some(),
            reset: user.reset.as_ref().map(|reset| PendingReset {
                requested_by: reset.requested_by.clone(),
                reason: reset.reason.clone(),
                requested_at: time(reset.requested_at_ms),
                expires_at: time(reset.expires_at_ms),
            }),
        })
    }
}
