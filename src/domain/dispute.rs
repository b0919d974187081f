//! Disputes: money of a top-up that the cardholder's bank takes back (`domain.md` \[11\], \[12\]).
//!
//! The acquirer takes the money when a dispute opens, and gives it back when it is won. So what was bought is taken back
//! when it opens, too: until then the reseller could sell it, and would.

use serde::{Deserialize, Serialize};

use super::encoding::Encoder;
use super::refund::Share;

/// Where a dispute stands, from our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStage {
    Open,
    /// The money stays with us, or comes back to us.
    Won,
    Lost,
}

/// What a message about a dispute means where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Moves,
    /// Known, or of a stage that is over: it comes late, or again.
    Known,
    /// It cannot be: somebody must look.
    Contradicts,
}

impl DisputeStage {
    pub const ALL: [Self; 3] = [Self::Open, Self::Won, Self::Lost];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// The one table of transitions; `None` is a dispute that nobody has told of. Messages come in any order. Won after
    /// lost is an appeal. Lost after won is none: what is disputed again is a dispute of its own.
    #[must_use]
    pub fn turn(before: Option<Self>, told: Self) -> Turn {
        match (before, told) {
            (None, _) | (Some(Self::Open), Self::Won | Self::Lost) | (Some(Self::Lost), Self::Won) => Turn::Moves,
            (Some(_), Self::Open) | (Some(Self::Won), Self::Won) | (Some(Self::Lost), Self::Lost) => Turn::Known,
            (Some(Self::Won), Self::Lost) => Turn::Contradicts,
        }
    }
}

/// A dispute of a top-up, with what was taken back for it. What is won has nothing of it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispute {
    /// The acquirer's own id of it.
    pub reference: Box<str>,
    pub stage: DisputeStage,
    /// What the cardholder's bank wants.
    pub asked_minor: i64,
    /// Of it, what is charged back: never more than what the top-up had left.
    pub booked_minor: i64,
    /// Of that, what was never credited: our debt before.
    pub debt_minor: i64,
    /// Of the top-up's share in it, the fee among it.
    pub share: Share,
    /// Stock that came back, and its price, by which the sale is reversed.
    pub unsold: Share,
    /// Of that stock, what is still set aside: the operator's once the dispute is lost.
    pub set_aside_minor: i64,
    /// What is held for sales without an outcome: taken when it is released, owed when it is sold.
    pub held: Share,
    /// Price of what was sold.
    pub owed_minor: i64,
    /// Won, and the stock has not come back yet: its price is our debt until then.
    pub awaited: Share,
    /// Milliseconds since 1970 UTC.
    pub opened_at_ms: i64,
    pub updated_at_ms: i64,
}

impl Dispute {
    #[must_use]
    pub fn new(reference: Box<str>, asked_minor: i64, at_ms: i64) -> Self {
        Self {
            reference,
            stage: DisputeStage::Open,
            asked_minor,
            booked_minor: 0,
            debt_minor: 0,
            share: Share::default(),
            unsold: Share::default(),
            set_aside_minor: 0,
            held: Share::default(),
            owed_minor: 0,
            awaited: Share::default(),
            opened_at_ms: at_ms,
            updated_at_ms: at_ms,
        }
    }

    /// Whether the money is with the cardholder's bank.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.stage != DisputeStage::Won
    }

    /// What the cardholder's bank has and the top-up had not left: a refund under way may free it.
    #[must_use]
    pub fn uncovered_minor(&self) -> i64 {
        if self.stands() { self.asked_minor - self.booked_minor } else { 0 }
    }

    pub(super) fn encode(&self, encoder: &mut Encoder) {
        let Self { reference, stage, asked_minor, booked_minor, debt_minor, set_aside_minor, owed_minor, .. } = self;
        encoder
            .text(reference)
            .text(stage.name())
            .int(*asked_minor)
            .int(*booked_minor)
            .int(*debt_minor)
            .int(*set_aside_minor)
            .int(*owed_minor)
            .int(self.opened_at_ms)
            .int(self.updated_at_ms);
        for share in [&self.share, &self.unsold, &self.held, &self.awaited] {
            share.encode(encoder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_stages_is_decided() {
        use DisputeStage::{Lost, Open, Won};
        let stages = DisputeStage::ALL.map(Some).into_iter().chain([None]);
        for (before, told) in stages.flat_map(|before| DisputeStage::ALL.map(|told| (before, told))) {
            let expected = match (before, told) {
                (None, Open | Won | Lost) | (Some(Open), Won | Lost) | (Some(Lost), Won) => Turn::Moves,
                (Some(Won), Lost) => Turn::Contradicts,
                _ => Turn::Known,
            };
            assert_eq!(DisputeStage::turn(before, told), expected, "{before:?} told {told:?}");
        }
    }
}
