//! Reversals of recharges: credit that is taken back from a line, and what comes back for it (`domain.md` \[16\]).

use serde::{Deserialize, Serialize};

use super::charging_system::SystemName;
use super::coded::coded;
use super::encoding::Encoder;
use super::ids::OperationId;
use super::terms::SaleTerms;
use super::text::ExternalId;
use super::time::Timestamp;

coded! {
    /// Who asks for a reversal.
    Asker {
        /// The partner that sold the recharge.
        Seller = 1, "seller";
        /// Whoever issues or approves stock: the operator's own staff.
        Operator = 2, "operator";
        /// Another partner that sees the reseller.
        Other = 3, "other";
    }
}

/// Until when after the sale somebody may ask for a reversal, and whether for a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReversalTerms {
    /// Zero permits none.
    pub within_minutes: u32,
    pub partial: bool,
}

impl ReversalTerms {
    /// What holds where the catalogue says nothing: an hour for who sold it, 30 days for the operator, and nobody else.
    #[must_use]
    pub fn fallback(asker: Asker) -> Self {
        let within_minutes = match asker {
            Asker::Seller => 60,
            Asker::Operator => 30 * 24 * 60,
            Asker::Other => 0,
        };
        Self { within_minutes, partial: true }
    }

    /// Whether the time for a recharge of `sold_at` is not over.
    #[must_use]
    pub fn covers(self, sold_at: Timestamp, asked_at: Timestamp) -> bool {
        asked_at.since_ms(sold_at) <= i64::from(self.within_minutes) * 60_000
    }
}

/// How long a reversal is tried that the charging system provably never received.
const TRY_FOR_MS: i64 = 60_000;

/// A reversal that was asked for, and how it stands.
///
/// As with top-ups, each step has this state as a row of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    /// The recharge, which stands in the same shard.
    recharge: Box<str>,
    /// The key by which the recharge was named, where it was not by its id.
    pub original: Option<Box<str>>,
    /// `None` asks for all that is left.
    pub asked_minor: Option<i64>,
    pub reason: Box<str>,
    pub asker: u8,
    /// What of the recharge had been taken back before.
    before_minor: i64,
    /// The terms of the sale, with the part of each commission that is taken back; [`SaleTerms`] as text.
    taken_back: Box<str>,
    /// Our own numeric reference of the reversal towards the charging system; `None` until it is asked.
    pub charging_reference: Option<i64>,
    /// The charging system that is asked: the one that credited the line.
    system: Option<Box<str>>,
    /// After it no adapter sends the request.
    submit_by_ms: Option<i64>,
    /// When it was submitted first: what provably did not arrive is tried again for a while.
    submitted_ms: Option<i64>,
}

impl Reversal {
    #[must_use]
    pub fn new(
        recharge: OperationId,
        original: Option<&ExternalId>,
        asked_minor: Option<i64>,
        reason: &str,
        asker: Asker,
    ) -> Self {
        Self {
            recharge: recharge.uuid().to_string().into(),
            original: original.map(|key| key.as_str().into()),
            asked_minor,
            reason: reason.into(),
            asker: u8::try_from(asker.code()).unwrap_or(u8::MAX),
            before_minor: 0,
            taken_back: SaleTerms::default().to_string().into(),
            charging_reference: None,
            system: None,
            submit_by_ms: None,
            submitted_ms: None,
        }
    }

    /// The recharge that it is of.
    ///
    /// # Errors
    /// When the stored text is no id.
    pub fn recharge(&self) -> Result<OperationId, uuid::Error> {
        self.recharge.parse().map(OperationId::from_uuid)
    }

    /// Who asked; `None` when the stored number is none.
    #[must_use]
    pub fn asker(&self) -> Option<Asker> {
        Asker::from_code(i16::from(self.asker))
    }

    /// What is taken back of commissions.
    #[must_use]
    pub fn taken_back(&self) -> SaleTerms {
        self.taken_back.parse().unwrap_or_default()
    }

    #[must_use]
    pub fn system(&self) -> Option<SystemName> {
        self.system.as_deref()?.parse().ok()
    }

    #[must_use]
    pub fn submit_by(&self) -> Option<Timestamp> {
        self.submit_by_ms.map(Timestamp::from_unix_ms)
    }

    /// The charging system is about to be asked.
    pub fn submit(&mut self, reference: i64, system: SystemName, (at, submit_by): (Timestamp, Timestamp)) {
        self.charging_reference = Some(reference);
        self.submitted_ms = self.submitted_ms.or(Some(at.unix_ms()));
        self.system = Some(system.as_str().into());
        self.submit_by_ms = Some(submit_by.unix_ms());
    }

    /// What of the recharge was taken back before, and what of its commissions this takes back.
    pub fn takes(&mut self, before_minor: i64, taken_back: &SaleTerms) {
        self.before_minor = before_minor;
        self.taken_back = taken_back.to_string().into();
    }

    /// Whether it is given up by now rather than tried again.
    #[must_use]
    pub fn is_given_up(&self, at: Timestamp) -> bool {
        self.submitted_ms.is_some_and(|first| at.unix_ms() - first >= TRY_FOR_MS)
    }

    /// The first field in which a later request with the same key differs, by its name in the contract.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let fields = [
            ("id", self.recharge == other.recharge),
            ("amount", self.asked_minor == other.asked_minor),
            ("reason", self.reason == other.reason),
        ];
        fields.iter().find(|(_, same)| !same).map(|(name, _)| *name)
    }

    pub(super) fn encode(&self, encoder: &mut Encoder) {
        let int = |e: &mut Encoder, number: i64| {
            e.int(number);
        };
        let text = |e: &mut Encoder, text: &str| {
            e.text(text);
        };
        encoder
            .text(&self.recharge)
            .optional(self.original.as_deref(), text)
            .optional(self.asked_minor, int)
            .text(&self.reason)
            .int(self.asker.into())
            .int(self.before_minor)
            .text(&self.taken_back)
            .optional(self.charging_reference, int)
            .optional(self.system.as_deref(), text)
            .optional(self.submit_by_ms, int)
            .optional(self.submitted_ms, int);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_of_whole_minutes_and_its_end_belongs_to_it() {
        let sold_at = Timestamp::from_unix_ms(1_000_000);
        let terms = ReversalTerms { within_minutes: 2, partial: true };
        assert!(terms.covers(sold_at, sold_at.plus_ms(120_000)));
        assert!(!terms.covers(sold_at, sold_at.plus_ms(120_001)));
        assert!(!ReversalTerms::fallback(Asker::Other).covers(sold_at, sold_at.plus_ms(1)));
    }

    #[test]
    fn the_text_of_a_state_reads_back() {
        let recharge = OperationId::from_uuid(uuid::Uuid::from_u128(7));
        let mut reversal = Reversal::new(recharge, None, Some(500), "wrong number", Asker::Seller);
        let terms: SaleTerms = "7:3s0>1044=60;s-1".parse().unwrap();
        reversal.submit(42, SystemName::MAIN, (Timestamp::from_unix_ms(5), Timestamp::from_unix_ms(9)));
        reversal.takes(100, &terms);
        assert!(!reversal.is_given_up(Timestamp::from_unix_ms(60_004)));
        assert!(reversal.is_given_up(Timestamp::from_unix_ms(60_005)));
        let text = serde_json::to_string(&reversal).unwrap();
        let read: Reversal = serde_json::from_str(&text).unwrap();
        assert_eq!(read, reversal);
        assert_eq!((read.recharge(), read.asker(), read.taken_back()), (Ok(recharge), Some(Asker::Seller), terms));
        assert_eq!((read.system(), read.submit_by()), (Some(SystemName::MAIN), Some(Timestamp::from_unix_ms(9))));
    }
}
