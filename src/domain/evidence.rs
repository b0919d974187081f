//! Evidence of what became of a recharge whose outcome was in doubt (`domain.md` \[1\] to \[6\]).
//!
//! An item is what was received and what the ledger made of it. It stands beside the operation, and its digest is part
//! of the leaf of the journal entry that recorded it: an outcome of a doubt always comes with the item that decided it.

use super::charging_system::SystemName;
use super::coded::coded;
use super::encoding::{Encoder, Hash};
use super::ids::{OperationId, ResellerId};
use super::rejection::Decline;
use super::time::Timestamp;

/// Characters that an excerpt has at most.
const EXCERPT_LENGTH: usize = 240;
/// Runs of digits from this length on may be a subscriber's number, or a card's.
const LONG_NUMBER: usize = 8;

coded! {
    /// Where an item of evidence comes from.
    EvidenceKind {
        /// The answer to the refill itself, after its deadline.
        LateAnswer = 1, "late_answer";
        /// The answer to a question of ours.
        Inquiry = 2, "inquiry";
        /// What the charging system told by itself.
        Event = 3, "event";
        /// A line of the charging system's record of a day.
        DailyRecord = 4, "daily_record";
        /// What two persons state.
        Statement = 5, "statement";
    }
}

coded! {
    /// What an item did.
    Effect {
        /// It proves nothing, or not yet.
        Nothing = 1, "nothing";
        /// It decided the outcome.
        Decided = 2, "decided";
        /// It contradicts the outcome that stands: a case for reconciliation.
        Contradicts = 3, "contradicts";
    }
}

/// What an item says about the refill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Says {
    Applied,
    NotApplied(Decline),
    /// The charging system does not know the reference.
    NotKnown,
    /// It could not be asked, or its answer cannot be read.
    Nothing,
}

impl Says {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotApplied(_) => "not_applied",
            Self::NotKnown => "not_known",
            Self::Nothing => "nothing",
        }
    }

    #[must_use]
    pub fn decline(self) -> Option<Decline> {
        if let Self::NotApplied(decline) = self { Some(decline) } else { None }
    }

    /// `decline` is that of `not_applied`, and of nothing else.
    #[must_use]
    pub fn from_parts(name: &str, decline: Option<Decline>) -> Option<Self> {
        match (name, decline) {
            ("applied", None) => Some(Self::Applied),
            ("not_applied", Some(decline)) => Some(Self::NotApplied(decline)),
            ("not_known", None) => Some(Self::NotKnown),
            ("nothing", None) => Some(Self::Nothing),
            _ => None,
        }
    }
}

/// One item of evidence as it was recorded. Nothing of it ever changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceItem {
    pub operation: OperationId,
    pub kind: EvidenceKind,
    /// The charging system that was asked last.
    pub system: SystemName,
    /// Our reference towards it.
    pub reference: i64,
    pub says: Says,
    /// By the clock of the node that received it; of an inquiry, when it was sent.
    pub observed_at: Timestamp,
    /// Of what was received, without numbers of subscribers: [`excerpt`].
    pub excerpt: Box<str>,
    pub effect: Effect,
    /// When the charging system's time to answer was over.
    pub submit_by: Timestamp,
    /// When the outcome was promised at the latest.
    pub promised_at: Timestamp,
}

impl EvidenceItem {
    /// What the leaf of its journal entry holds of it.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut encoder = Encoder::new("taabia/evidence/1");
        encoder.bytes(self.operation.uuid().as_bytes()).text(self.kind.name()).text(self.system.as_str());
        encoder.int(self.reference).text(self.says.name());
        encoder.optional(self.says.decline(), |e, decline| {
            e.text(decline.code());
        });
        encoder.int(self.observed_at.unix_ms()).text(&self.excerpt).text(self.effect.name());
        encoder.int(self.submit_by.unix_ms()).int(self.promised_at.unix_ms()).sha256()
    }

    /// Whether it says again what `other` said: such an item is counted and not stored.
    #[must_use]
    pub fn repeats(&self, other: &Self) -> bool {
        let told = |item: &Self| (item.kind, item.system, item.reference, item.says, item.effect);
        told(self) == told(other)
    }

    /// Whether the outcome came as late as the promise allowed, or earlier.
    #[must_use]
    pub fn keeps_promise(&self, decided_at: Timestamp) -> bool {
        decided_at <= self.promised_at
    }
}

/// What one person states about a recharge in doubt, and another one approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    pub recharge: OperationId,
    /// Who sold it.
    pub reseller: ResellerId,
    /// Whether the line was credited.
    pub applied: bool,
}

impl Statement {
    pub const NAMES: [&'static str; 2] = ["applied", "not_applied"];

    #[must_use]
    pub fn name(self) -> &'static str {
        if self.applied { Self::NAMES[0] } else { Self::NAMES[1] }
    }

    #[must_use]
    pub fn applied_of(name: &str) -> Option<bool> {
        Self::NAMES.iter().position(|known| *known == name).map(|position| position == 0)
    }
}

/// A short part of what was received, on one line: long numbers but our `reference` are masked.
#[must_use]
pub fn excerpt(received: &str, reference: i64) -> Box<str> {
    let reference = reference.to_string();
    let mut kept = String::with_capacity(received.len().min(EXCERPT_LENGTH * 4));
    let mut rest = received.trim();
    while let Some(first) = rest.chars().next() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            kept.push(if first.is_control() { ' ' } else { first });
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (number, behind) = rest.split_at(digits);
        if digits < LONG_NUMBER || number == reference {
            kept.push_str(number);
        } else {
            kept.extend([&number[..4], "••••", &number[digits - 2..]]);
        }
        rest = behind;
    }
    kept.chars().take(EXCERPT_LENGTH).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn item() -> EvidenceItem {
        EvidenceItem {
            operation: OperationId::from_uuid(Uuid::from_u128(1)),
            kind: EvidenceKind::Inquiry,
            system: SystemName::MAIN,
            reference: 7,
            says: Says::NotApplied(Decline::ChargingDeclined),
            observed_at: Timestamp::from_unix_ms(10),
            excerpt: "not known".into(),
            effect: Effect::Decided,
            submit_by: Timestamp::from_unix_ms(4),
            promised_at: Timestamp::from_unix_ms(20),
        }
    }

    #[test]
    fn every_part_of_an_item_is_hashed() {
        let later = Timestamp::from_unix_ms(11);
        let others = [
            EvidenceItem { operation: OperationId::from_uuid(Uuid::from_u128(2)), ..item() },
            EvidenceItem { kind: EvidenceKind::Event, ..item() },
            EvidenceItem { system: "north".parse().unwrap(), ..item() },
            EvidenceItem { reference: 8, ..item() },
            EvidenceItem { says: Says::Applied, ..item() },
            EvidenceItem { says: Says::NotApplied(Decline::SubscriberUnknown), ..item() },
            EvidenceItem { observed_at: later, ..item() },
            EvidenceItem { excerpt: "known".into(), ..item() },
            EvidenceItem { effect: Effect::Nothing, ..item() },
            EvidenceItem { submit_by: later, ..item() },
            EvidenceItem { promised_at: later, ..item() },
        ];
        for other in &others {
            assert_ne!(other.digest(), item().digest(), "{other:?}");
        }
        assert_eq!(item().digest(), item().digest());
    }

    #[test]
    fn a_repetition_is_what_says_the_same_at_another_time() {
        assert!(item().repeats(&EvidenceItem { observed_at: Timestamp::EPOCH, excerpt: "".into(), ..item() }));
        assert!(!item().repeats(&EvidenceItem { says: Says::NotKnown, ..item() }));
        assert!(!item().repeats(&EvidenceItem { effect: Effect::Nothing, ..item() }));
    }

    #[test]
    fn what_is_said_reads_back() {
        for says in [Says::Applied, Says::NotApplied(Decline::SubscriberBarred), Says::NotKnown, Says::Nothing] {
            assert_eq!(Says::from_parts(says.name(), says.decline()), Some(says));
        }
        assert_eq!(Says::from_parts("applied", Some(Decline::Voided)), None);
        assert_eq!(Says::from_parts("not_applied", None), None);
    }

    #[test]
    fn an_excerpt_shows_our_reference_and_no_other_number() {
        for (received, expected) in [
            (" {\"msisdn\":\"212612345678\"}\n", "{\"msisdn\":\"2126••••78\"}"),
            ("ref 1763799000001000042, card 4111111111111111", "ref 1763799000001000042, card 4111••••11"),
            ("a\nb\t1234567", "a b 1234567"),
            ("é0612345678", "é0612••••78"),
            ("", ""),
        ] {
            assert_eq!(&*excerpt(received, 1_763_799_000_001_000_042), expected);
        }
        assert_eq!(excerpt(&"é".repeat(5_000), 1).chars().count(), EXCERPT_LENGTH);
    }
}
