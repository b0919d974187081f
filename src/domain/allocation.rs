//! Stock that the operator hands to resellers, one by one or in runs over a whole network.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::encoding::{Encoder, Hash};
use super::ids::{ClientId, OperationId, ResellerId};
use super::shard::Shard;
use super::text::Reason;

/// On which terms stock is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum Terms {
    /// The stock alone; nothing is owed for it.
    Consignment = 1,
    /// The reseller owes the price.
    OnAccount = 2,
}

impl Terms {
    pub const ALL: [Self; 2] = [Self::Consignment, Self::OnAccount];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Consignment => "consignment",
            Self::OnAccount => "on_account",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|terms| terms.name() == name)
    }

    /// The number the store keeps; never used again for another meaning.
    #[must_use]
    pub fn code(self) -> i16 {
        self as i16
    }

    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|terms| terms.code() == code)
    }
}

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    Exactly(i64),
    /// Whatever is missing to so much of available stock.
    TopUpTo(i64),
}

impl Asked {
    /// The number that was asked for.
    #[must_use]
    pub fn minor(self) -> i64 {
        match self {
            Self::Exactly(minor) | Self::TopUpTo(minor) => minor,
        }
    }

    #[must_use]
    pub fn is_top_up(self) -> bool {
        matches!(self, Self::TopUpTo(_))
    }

    #[must_use]
    pub fn of(minor: i64, is_top_up: bool) -> Self {
        if is_top_up { Self::TopUpTo(minor) } else { Self::Exactly(minor) }
    }
}

/// What is owed for stock: the price, taken apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub net_minor: i64,
    pub vat_minor: i64,
    /// What the discount took off the price without VAT.
    pub discount_minor: i64,
    /// Left over by rounding net and VAT; may be negative.
    pub residue_minor: i64,
    /// Version of the catalogue whose rules say so; 0 before its first import.
    pub catalogue: i64,
}

impl Price {
    /// What is owed in all.
    #[must_use]
    pub fn owed_minor(&self) -> i64 {
        self.net_minor + self.vat_minor + self.residue_minor
    }

    pub(super) fn encode(&self, encoder: &mut Encoder) {
        encoder
            .int(self.net_minor)
            .int(self.vat_minor)
            .int(self.discount_minor)
            .int(self.residue_minor)
            .int(self.catalogue);
    }
}

/// A line of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunLine {
    pub run: OperationId,
    /// From 1, as the lines were sent.
    pub number: i64,
}

/// What an allocation was asked for and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    pub to: ResellerId,
    pub terms: Terms,
    pub reason: Reason,
    pub asked: Asked,
    /// On account only, and only when it was carried out.
    pub price: Option<Price>,
    pub run: Option<RunLine>,
}

impl Allocation {
    /// The first field in which a later request with the same key differs, by its name in the contract.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let fields = [
            ("reseller_id", self.to == other.to),
            ("amount", self.asked == other.asked),
            ("terms", self.terms == other.terms),
            ("reason", self.reason == other.reason),
        ];
        fields.iter().find(|(_, same)| !same).map(|(name, _)| *name)
    }

    pub(super) fn encode(&self, encoder: &mut Encoder) {
        encoder
            .bytes(self.to.uuid().as_bytes())
            .text(self.terms.name())
            .text(self.reason.as_str())
            .flag(self.asked.is_top_up())
            .int(self.asked.minor())
            .optional(self.price, |e, price| {
                price.encode(e);
            })
            .optional(self.run, |e, line| {
                e.bytes(line.run.uuid().as_bytes()).int(line.number);
            });
    }
}

/// One line of a run as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: i64,
    /// `None` when the code is unknown, or outside of what the caller sees: then nothing is carried out.
    pub reseller: Option<ResellerId>,
    /// Where it was sent by its code.
    pub code: Option<Box<str>>,
    pub asked: Asked,
}

impl Line {
    /// The shard where the receiver's stock is; that of the operator when there is no receiver.
    #[must_use]
    pub fn shard(&self, count: u16) -> Shard {
        self.reseller.map_or(Shard::OPERATOR, |reseller| Shard::of(reseller.uuid(), count))
    }
}

/// Digest of the lines of a run, in their order.
#[derive(Debug, Default)]
pub struct LinesDigest(Sha256);

impl LinesDigest {
    pub fn add(&mut self, line: &Line) {
        let mut encoder = Encoder::new("taabia/run line/1");
        encoder
            .int(line.number)
            .optional(line.reseller, |e, reseller| {
                e.bytes(reseller.uuid().as_bytes());
            })
            .optional(line.code.as_deref(), |e, code| {
                e.text(code);
            })
            .flag(line.asked.is_top_up())
            .int(line.asked.minor());
        self.0.update(encoder.sha256());
    }

    #[must_use]
    pub fn finish(self) -> Hash {
        self.0.finalize().into()
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTotals {
    pub done: i64,
    pub refused: i64,
    /// Face value of what was handed over.
    pub amount_minor: i64,
}

/// Allocations to many resellers at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub terms: Terms,
    pub reason: Reason,
    pub started_by: ClientId,
    /// Digest of what was asked, by which a replay is told from another request.
    pub request: Hash,
    pub lines: i64,
    /// Digest of the lines ([`LinesDigest`]).
    pub lines_digest: Hash,
    /// `None` while it is running.
    pub totals: Option<RunTotals>,
}

impl Run {
    pub(super) fn encode(&self, encoder: &mut Encoder) {
        encoder
            .text(self.terms.name())
            .text(self.reason.as_str())
            .bytes(self.started_by.uuid().as_bytes())
            .bytes(&self.request)
            .int(self.lines)
            .bytes(&self.lines_digest)
            .optional(self.totals, |e, totals| {
                e.int(totals.done).int(totals.refused).int(totals.amount_minor);
            });
    }
}
