//! What a recharge is, beside what every operation is.

use super::charging_system::AskedSystems;
use super::encoding::Encoder;
use super::msisdn::Msisdn;
use super::operation::Channel;
use super::terms::SaleTerms;
use super::text::TerminalId;
use super::time::Timestamp;

/// What a recharge was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recharge {
    pub msisdn: Msisdn,
    /// Hashes are over a digest salted with it, so that the number can be erased later (`domain.md` \[26\]).
    pub salt: [u8; 16],
    pub product: Box<str>,
    pub terms: SaleTerms,
    pub channel: Channel,
    pub terminal: Option<TerminalId>,
    pub allow_repeat: bool,
    /// Our own numeric reference towards the charging system, one per attempt, at most 20 digits.
    /// `None` when it was declined before it was submitted.
    pub charging_reference: Option<i64>,
    /// Where it is asked for; of no meaning without a reference.
    pub asked: AskedSystems,
    /// After it no adapter sends the request.
    pub submit_by: Timestamp,
    /// What of it was taken back by reversals that are done.
    pub reversed_minor: i64,
}

impl Recharge {
    /// What of `amount_minor` a reversal may still take back.
    #[must_use]
    pub fn left_minor(&self, amount_minor: i64) -> i64 {
        amount_minor - self.reversed_minor
    }

    pub(super) fn encode(&self, encoder: &mut Encoder) {
        encoder
            .bytes(&self.msisdn.digest(&self.salt))
            .text(&self.product)
            .text(self.channel.name())
            .optional(self.terminal.as_ref(), |e, terminal| {
                e.text(terminal.as_str());
            })
            .flag(self.allow_repeat)
            .optional(self.charging_reference, |e, reference| {
                e.int(reference);
            })
            .int(self.submit_by.unix_ms());
        if !self.terms.is_default() {
            encoder.text(&self.terms.text());
        }
        // Terms begin with a digit, names with a letter: one cannot be taken for the other.
        if !self.asked.is_main_alone() {
            encoder.text(&self.asked.to_string());
        }
        if self.reversed_minor > 0 {
            encoder.text("reversed").int(self.reversed_minor);
        }
    }
}
