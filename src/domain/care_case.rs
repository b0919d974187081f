//! The case of a subscriber who complains: what is asked of customer care, who looks after it, by when somebody calls
//! back, and how it ends.

use uuid::Uuid;

use super::coded::coded;
use super::encoding::{Encoder, Hash};
use super::ids::PartnerId;
use super::msisdn::Msisdn;
use super::record::{RecordKey, RecordKind};
use super::text::ExternalId;

coded! {
    /// What a subscriber complains about.
    Complaint {
        NotReceived = 1, "not_received";
        WrongNumber = 2, "wrong_number";
        WrongAmount = 3, "wrong_amount";
        ChargedTwice = 4, "charged_twice";
        Other = 5, "other";
    }
}

coded! {
    /// How a case stands.
    CaseStatus {
        /// Nobody looks after it.
        Open = 1, "open";
        /// It has an owner.
        InProgress = 2, "in_progress";
        Closed = 3, "closed";
    }
}

coded! {
    /// How a case ended.
    CaseOutcome {
        Credited = 1, "credited";
        Reversed = 2, "reversed";
        Refunded = 3, "refunded";
        Explained = 4, "explained";
        Unfounded = 5, "unfounded";
        /// The subscriber could not be reached.
        NoAnswer = 6, "no_answer";
    }
}

coded! {
    /// How a call back went.
    CallResult {
        Reached = 1, "reached";
        NotReached = 2, "not_reached";
    }
}

coded! {
    /// What is done to a case.
    CaseAction {
        /// Whoever does it looks after the case from now on, also when somebody else did before.
        Take = 1, "take";
        /// Nobody looks after it any more.
        Release = 2, "release";
        /// The subscriber was called back.
        CallBack = 3, "call_back";
        Note = 4, "note";
        Close = 5, "close";
        Reopen = 6, "reopen";
    }
}

impl CaseStatus {
    /// The one table of what may be done to a case and how it stands then.
    #[must_use]
    pub fn after(self, action: CaseAction) -> Option<Self> {
        match (self, action) {
            (Self::Open | Self::InProgress, CaseAction::Take) | (Self::InProgress, CaseAction::CallBack) => {
                Some(Self::InProgress)
            }
            (Self::InProgress, CaseAction::Release) | (Self::Closed, CaseAction::Reopen) => Some(Self::Open),
            (Self::InProgress, CaseAction::Close) => Some(Self::Closed),
            (_, CaseAction::Note) => Some(self),
            _ => None,
        }
    }
}

impl CaseAction {
    /// Whether only the case's owner does it.
    #[must_use]
    pub fn is_owners(self) -> bool {
        matches!(self, Self::Release | Self::CallBack | Self::Close)
    }
}

/// Names a case: made of the key of the request that opened it, so that the same request opens it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseId(Uuid);

impl CaseId {
    const PREFIX: &'static str = "cas_";

    #[must_use]
    pub fn of(partner: PartnerId, external_id: &ExternalId) -> Self {
        let mut encoder = Encoder::new("taabia/case/1");
        let digest = encoder.bytes(partner.uuid().as_bytes()).text(external_id.as_str()).sha256();
        let first = *digest.first_chunk().expect("a SHA-256 has 32 bytes");
        // RFC 9562 §5.8.
        Self(uuid::Builder::from_custom_bytes(first).into_uuid())
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(Uuid::try_parse(text.strip_prefix(Self::PREFIX)?).ok()?);
        // One case has one text.
        Some(id).filter(|id| id.to_string() == text)
    }

    /// The record of the case.
    ///
    /// # Panics
    /// Never: an id is short and plain.
    #[must_use]
    pub fn key(self) -> RecordKey {
        RecordKey::of_operator(RecordKind::CareCase, self.to_string().parse().expect("an id is short and plain"))
    }
}

impl std::fmt::Display for CaseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.0.hyphenated())
    }
}

/// The numbers of a case. The journal has a salted digest of them, so that they can be erased (`domain.md` \[26\]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseNumbers {
    pub salt: [u8; 16],
    /// Whose recharge it is about, where no recharge was named.
    pub subscriber: Option<Msisdn>,
    /// Whom to call back.
    pub call_back: Msisdn,
}

impl CaseNumbers {
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut encoder = Encoder::new("taabia/case-numbers/1");
        encoder.bytes(&self.salt).optional(self.subscriber, |e, number| {
            e.text(&number.e164());
        });
        encoder.text(&self.call_back.e164()).sha256()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_state_and_action_is_decided() {
        use CaseAction as A;
        use CaseStatus as S;
        let legal = [
            (S::Open, A::Take, S::InProgress),
            (S::Open, A::Note, S::Open),
            (S::InProgress, A::Take, S::InProgress),
            (S::InProgress, A::Release, S::Open),
            (S::InProgress, A::CallBack, S::InProgress),
            (S::InProgress, A::Note, S::InProgress),
            (S::InProgress, A::Close, S::Closed),
            (S::Closed, A::Note, S::Closed),
            (S::Closed, A::Reopen, S::Open),
        ];
        for status in S::ALL {
            for action in A::ALL {
                let expected = legal.iter().find(|(from, by, _)| (*from, *by) == (status, action)).map(|line| line.2);
                assert_eq!(status.after(action), expected, "{status:?} {action:?}");
            }
        }
    }

    #[test]
    fn an_id_has_one_text() {
        let id = CaseId::of(PartnerId::from_uuid(Uuid::from_u128(1)), &"call-1".parse().unwrap());
        assert_eq!(CaseId::parse(&id.to_string()), Some(id));
        assert_eq!(CaseId::parse(&id.to_string().to_uppercase()), None);
        assert_ne!(id, CaseId::of(PartnerId::from_uuid(Uuid::from_u128(2)), &"call-1".parse().unwrap()));
    }

    #[test]
    fn each_number_is_in_the_digest() {
        let number = |digits| Msisdn::from_digits(digits).unwrap();
        let numbers = CaseNumbers { salt: [1; 16], subscriber: None, call_back: number(212_612_345_678) };
        for other in [
            CaseNumbers { salt: [2; 16], ..numbers },
            CaseNumbers { subscriber: Some(number(212_612_345_678)), ..numbers },
            CaseNumbers { call_back: number(212_612_345_679), ..numbers },
        ] {
            assert_ne!(other.digest(), numbers.digest());
        }
    }
}
