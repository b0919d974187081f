//! How wrong PINs lock a user out (`domain.md` \[23\]).

use serde::{Deserialize, Serialize};

/// Installation-wide; its one record has the id `default`. While there is none, [`PinPolicy::default`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinPolicy {
    /// Wrong PINs in a row that lock the user out.
    pub attempts: u32,
    /// How long the first lock-out lasts; each further one lasts twice as long as the one before.
    pub lock_s: u32,
    /// A lock-out is never longer.
    pub max_lock_s: u32,
    /// How long after a change of device, or a reset, a user must wait before the PIN opens what moves value.
    pub cooling_off_s: u32,
}

impl PinPolicy {
    /// The id of the one record.
    pub const ID: &'static str = "default";
}

impl Default for PinPolicy {
    fn default() -> Self {
        Self { attempts: 5, lock_s: 15 * 60, max_lock_s: 24 * 3_600, cooling_off_s: 24 * 3_600 }
    }
}
