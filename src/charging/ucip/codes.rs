//! What UCIP's response codes mean to us. One table: what it does not list proves nothing.

use crate::domain::Decline;
use crate::ports::{ChargingOutcome, ReversalOutcome, ReversalRefusal};

/// What a code says of a refill, and of an adjustment that takes credit back.
struct Line {
    code: i64,
    refill: Meaning,
    adjustment: Option<ReversalRefusal>,
}

#[derive(Clone, Copy)]
enum Meaning {
    Done,
    Refused(Decline),
    /// Listed, and still no proof of anything.
    Unsaid,
}

#[rustfmt::skip]
const CODES: [Line; 13] = {
    use Decline::{ChargingDeclined, SubscriberBarred};
    use Meaning::{Done, Refused, Unsaid};
    use ReversalRefusal::{CreditSpent, Other, SubscriberUnknown};
    const fn line(code: i64, refill: Meaning, adjustment: Option<ReversalRefusal>) -> Line {
        Line { code, refill, adjustment }
    }
    [
        line(  0, Done,                                None),
        line(  1, Done,                                None),
        line(  2, Done,                                None),
        // "Other error" does not say at which step: the line may have been credited.
        line(100, Unsaid,                              None),
        line(102, Refused(Decline::SubscriberUnknown), Some(SubscriberUnknown)),
        line(103, Refused(SubscriberBarred),           Some(Other)),
        line(104, Refused(SubscriberBarred),           Some(Other)),
        line(115, Refused(ChargingDeclined),           Some(Other)),
        line(120, Refused(ChargingDeclined),           Some(Other)),
        line(123, Refused(ChargingDeclined),           Some(Other)),
        line(124, Refused(ChargingDeclined),           Some(CreditSpent)),
        line(125, Refused(ChargingDeclined),           Some(Other)),
        line(126, Refused(SubscriberBarred),           Some(Other)),
    ]
};

fn find(code: i64) -> Option<&'static Line> {
    CODES.iter().find(|line| line.code == code)
}

fn unlisted(code: i64) -> String {
    format!("response code {code}")
}

/// Whether the code says that all was done as asked.
pub(super) fn is_success(code: i64) -> bool {
    find(code).is_some_and(|line| matches!(line.refill, Meaning::Done))
}

/// What became of a refill.
pub(super) fn refilled(code: i64) -> ChargingOutcome {
    match find(code).map(|line| line.refill) {
        Some(Meaning::Done) => ChargingOutcome::Approved,
        Some(Meaning::Refused(decline)) => ChargingOutcome::Declined(decline),
        Some(Meaning::Unsaid) | None => ChargingOutcome::Unknown(unlisted(code)),
    }
}

/// What became of taking credit back.
pub(super) fn adjusted(code: i64) -> ReversalOutcome {
    match find(code).map(|line| (line.refill, line.adjustment)) {
        Some((Meaning::Done, _)) => ReversalOutcome::Reversed,
        Some((_, Some(refusal))) => ReversalOutcome::Refused(refusal),
        Some((_, None)) | None => ReversalOutcome::Unknown(unlisted(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_outcome() {
        use ChargingOutcome::{Approved, Declined};
        for (codes, outcome) in [
            (&[0, 1, 2][..], Approved),
            (&[102], Declined(Decline::SubscriberUnknown)),
            (&[103, 104, 126], Declined(Decline::SubscriberBarred)),
            (&[115, 120, 123, 124, 125], Declined(Decline::ChargingDeclined)),
        ] {
            for code in codes {
                assert_eq!(refilled(*code), outcome, "{code}");
            }
        }
        for code in [100, -1, 3, 101, 127, 999, i64::MAX, i64::MIN] {
            assert!(matches!(refilled(code), ChargingOutcome::Unknown(_)), "{code}");
            assert!(matches!(adjusted(code), ReversalOutcome::Unknown(_)), "{code}");
            assert!(!is_success(code));
        }
        for code in [0, 1, 2] {
            assert_eq!(adjusted(code), ReversalOutcome::Reversed);
        }
        assert_eq!(adjusted(124), ReversalOutcome::Refused(ReversalRefusal::CreditSpent));
        assert_eq!(adjusted(102), ReversalOutcome::Refused(ReversalRefusal::SubscriberUnknown));
    }
}
