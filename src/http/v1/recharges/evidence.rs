//! Items of evidence on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Decline, SystemName};
use crate::ports::RecordedEvidence;

/// What was received about a recharge whose outcome was in doubt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceJson {
    /// `late_answer`, `inquiry`, `event`, `daily_record` or `statement`.
    #[schema(example = "inquiry")]
    kind: &'static str,
    #[schema(example = "main")]
    charging_system: String,
    #[schema(example = "1763799000001000042")]
    charging_reference: String,
    /// `applied`, `not_applied`, `not_known` or `nothing`.
    #[schema(example = "applied")]
    says: &'static str,
    /// Of `not_applied`.
    #[schema(example = json!(null), required)]
    decline: Option<&'static str>,
    /// `decided` (the outcome), `nothing`, or `contradicts` (the outcome that stands, which stays).
    #[schema(example = "decided")]
    effect: &'static str,
    #[schema(example = "2026-11-22T08:30:15.000Z", format = DateTime)]
    observed_at: String,
    /// Of what was received, without numbers of subscribers.
    #[schema(example = "applied")]
    excerpt: String,
    /// Of the journal entry whose leaf holds the digest.
    #[schema(example = 4711)]
    sequence: i64,
    /// SHA-256 of the item, in hexadecimal digits.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    digest: String,
}

impl From<&RecordedEvidence> for EvidenceJson {
    fn from(recorded: &RecordedEvidence) -> Self {
        let item = &recorded.item;
        Self {
            kind: item.kind.name(),
            charging_system: SystemName::to_string(&item.system),
            charging_reference: item.reference.to_string(),
            says: item.says.name(),
            decline: item.says.decline().map(Decline::code),
            effect: item.effect.name(),
            observed_at: item.observed_at.to_string(),
            excerpt: item.excerpt.to_string(),
            sequence: recorded.sequence,
            digest: hex::encode(item.digest()),
        }
    }
}
