//! How a payment goes: chosen by its token, so that a test needs no side channel.

/// What the bank of the card says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved,
    /// With this code.
    Declined(&'static str),
    /// The holder must say so on the page first.
    NeedsCustomer,
}

/// What happens to a step and to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answering {
    Normal,
    /// Takes effect and is answered after a while, also when the caller has gone.
    Slow,
    /// Takes effect and is never answered.
    SilentApplied,
    /// Gets lost: no effect, no record, no answer.
    SilentLost,
    /// Takes effect, but the answer is a server error.
    AppliedThenFails,
    /// Refused explicitly, by the acquirer's own system.
    Refused,
    /// Answered with a status that no client lists; no effect.
    Unlisted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notifying {
    Normal,
    /// Each three times.
    Duplicate,
    Late,
    /// The earlier one after the later one.
    Reordered,
    Never,
}

/// A charge-back, some time after the capture, and how it ends as long after its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chargeback {
    pub after_s: u32,
    pub ending: Option<Ending>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Won,
    Lost,
}

/// All that a token decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Script {
    pub verdict: Verdict,
    pub authorise: Answering,
    pub capture: Answering,
    pub refund: Answering,
    pub notify: Notifying,
    pub chargeback: Option<Chargeback>,
}

impl Script {
    const NORMAL: Self = Self {
        verdict: Verdict::Approved,
        authorise: Answering::Normal,
        capture: Answering::Normal,
        refund: Answering::Normal,
        notify: Notifying::Normal,
        chargeback: None,
    };

    /// A payment without a token: the customer chooses one on the page.
    pub(super) const PAGE: Self = Self { verdict: Verdict::NeedsCustomer, ..Self::NORMAL };

    /// A token that is not listed is one that the acquirer never gave out.
    pub(super) fn of(token: &str) -> Self {
        let verdict = |verdict| Self { verdict, ..Self::NORMAL };
        let authorise = |authorise| Self { authorise, ..Self::NORMAL };
        let capture = |capture| Self { capture, ..Self::NORMAL };
        let refund = |refund| Self { refund, ..Self::NORMAL };
        let notify = |notify| Self { notify, ..Self::NORMAL };
        match token {
            "tok_approved" | "tok_visa" => Self::NORMAL,
            "tok_declined" => verdict(Verdict::Declined("card_declined")),
            "tok_insufficient_funds" => verdict(Verdict::Declined("insufficient_funds")),
            "tok_expired_card" => verdict(Verdict::Declined("expired_card")),
            "tok_3ds" => verdict(Verdict::NeedsCustomer),
            "tok_slow" => authorise(Answering::Slow),
            "tok_timeout_applied" => authorise(Answering::SilentApplied),
            "tok_timeout_not_applied" => authorise(Answering::SilentLost),
            "tok_error_applied" => authorise(Answering::AppliedThenFails),
            "tok_unlisted" => authorise(Answering::Unlisted),
            "tok_capture_fails" => capture(Answering::Refused),
            "tok_capture_timeout_applied" => capture(Answering::SilentApplied),
            "tok_capture_timeout_not_applied" => capture(Answering::SilentLost),
            "tok_refund_fails" => refund(Answering::Refused),
            "tok_refund_timeout_applied" => refund(Answering::SilentApplied),
            "tok_refund_timeout_not_applied" => refund(Answering::SilentLost),
            "tok_duplicate_notifications" => notify(Notifying::Duplicate),
            "tok_late_notifications" => notify(Notifying::Late),
            "tok_reordered_notifications" => notify(Notifying::Reordered),
            "tok_no_notifications" => notify(Notifying::Never),
            _ => match chargeback(token) {
                Some(chargeback) => Self { chargeback: Some(chargeback), ..Self::NORMAL },
                None => verdict(Verdict::Declined("token_unknown")),
            },
        }
    }
}

/// `tok_chargeback_after_5`, `tok_chargeback_won_after_5`, `tok_chargeback_lost_after_5`: seconds.
fn chargeback(token: &str) -> Option<Chargeback> {
    let (kind, seconds) = token.strip_prefix("tok_chargeback_")?.rsplit_once("after_")?;
    let ending = match kind {
        "" => None,
        "won_" => Some(Ending::Won),
        "lost_" => Some(Ending::Lost),
        _ => return None,
    };
    let after_s = seconds.parse().ok().filter(|seconds| *seconds <= 86_400)?;
    Some(Chargeback { after_s, ending })
}

/// The tokens that the page offers.
pub(super) const OFFERED: [&str; 8] = [
    "tok_approved",
    "tok_declined",
    "tok_insufficient_funds",
    "tok_expired_card",
    "tok_capture_fails",
    "tok_duplicate_notifications",
    "tok_reordered_notifications",
    "tok_chargeback_after_5",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_were_never_given_out_are_declined() {
        for unknown in ["", "tok_", "tok_chargeback_after_", "tok_chargeback_after_x", "tok_chargeback_drawn_after_1"] {
            assert_eq!(Script::of(unknown).verdict, Verdict::Declined("token_unknown"), "{unknown}");
        }
    }

    #[test]
    fn charge_backs_say_when_and_how_they_end() {
        for (token, after_s, ending) in [
            ("tok_chargeback_after_5", 5, None),
            ("tok_chargeback_won_after_0", 0, Some(Ending::Won)),
            ("tok_chargeback_lost_after_60", 60, Some(Ending::Lost)),
        ] {
            assert_eq!(Script::of(token).chargeback, Some(Chargeback { after_s, ending }));
        }
    }

    #[test]
    fn the_page_offers_tokens_that_exist() {
        for token in OFFERED {
            assert_ne!(Script::of(token).verdict, Verdict::Declined("token_unknown"), "{token}");
        }
    }
}
