//! Devices that partners sell with, and whether a partner sells with known ones only.

use serde::{Deserialize, Serialize};

use crate::domain::{PartnerId, RecordId, TerminalId};

/// A device of a partner at a reseller, which owns the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    pub blocked: bool,
}

impl Terminal {
    /// What tells the terminals at one reseller apart: partners choose their names freely.
    #[must_use]
    pub fn record_id(partner: PartnerId, terminal: &TerminalId) -> RecordId {
        let text = Self::prefix(partner) + terminal.as_str();
        text.parse().expect("a partner's id and at most 32 printable ASCII characters")
    }

    /// What the ids of all terminals of a partner begin with.
    #[must_use]
    pub fn prefix(partner: PartnerId) -> String {
        format!("{partner}/")
    }
}

/// What a partner is held to; the record's id is the partner's. Without one a partner is held to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerPolicy {
    /// Its recharges name a terminal that is registered at the reseller and not blocked.
    pub requires_known_terminal: bool,
}

impl PartnerPolicy {
    #[must_use]
    pub fn record_id(partner: PartnerId) -> RecordId {
        partner.to_string().parse().expect("an id is short printable ASCII")
    }
}
