//! How a refill ends: chosen by the last two digits of the MSISDN, so that a test needs no side channel.

use crate::domain::Msisdn;

/// What the books say of a refill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved,
    SubscriberUnknown,
    SubscriberBarred,
    SystemDown,
    /// Refused with a code that no client lists.
    Unlisted,
    /// There is less on the line than shall be taken back.
    CreditSpent,
}

impl Verdict {
    const ALL: [Self; 6] = [
        Self::Approved,
        Self::SubscriberUnknown,
        Self::SubscriberBarred,
        Self::SystemDown,
        Self::Unlisted,
        Self::CreditSpent,
    ];

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::SubscriberUnknown => "subscriber_unknown",
            Self::SubscriberBarred => "subscriber_barred",
            Self::SystemDown => "system_down",
            Self::Unlisted => "held_for_review",
            Self::CreditSpent => "credit_spent",
        }
    }

    pub(super) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.code() == code)
    }

    pub(super) fn result(self) -> &'static str {
        if self.applies() { "approved" } else { "declined" }
    }

    /// Whether the line is credited.
    pub(super) fn applies(self) -> bool {
        self == Self::Approved
    }
}

/// What happens to a refill, and to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Recorded and answered.
    Answered(Verdict),
    /// Takes effect and is never answered.
    SilentApplied,
    /// Gets lost: no effect, no record, no answer.
    SilentLost,
    /// Takes effect, but the answer is a server error.
    AppliedThenFails,
    /// Takes effect and is answered after a while, also when the caller has gone.
    Slow,
}

impl Ending {
    pub(super) fn of(msisdn: Msisdn) -> Self {
        match msisdn.digits() % 100 {
            0 => Self::SilentApplied,
            1 => Self::SilentLost,
            2 => Self::Answered(Verdict::SubscriberUnknown),
            3 => Self::Answered(Verdict::SubscriberBarred),
            4 => Self::Answered(Verdict::SystemDown),
            5 => Self::AppliedThenFails,
            6 => Self::Slow,
            7 => Self::Answered(Verdict::Unlisted),
            _ => Self::Answered(Verdict::Approved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_digits_decide() {
        let of = |digits| Ending::of(Msisdn::from_digits(digits).unwrap());
        assert_eq!(of(212_612_345_600), Ending::SilentApplied);
        assert_eq!(of(212_612_345_601), Ending::SilentLost);
        assert_eq!(of(212_612_345_607), Ending::Answered(Verdict::Unlisted));
        for fine in 8..100 {
            assert_eq!(of(212_612_345_600 + fine), Ending::Answered(Verdict::Approved));
        }
    }

    #[test]
    fn codes_read_back() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_code(verdict.code()), Some(verdict));
        }
    }
}
